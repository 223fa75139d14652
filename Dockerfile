# A private Python package index: docker run -v /pypi:/pypi -p 8080:80 IMAGE
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY twisted twisted
COPY twisted_pypi twisted_pypi
RUN --mount=type=cache,target=/root/.cache/pip \
    pip wheel --disable-pip-version-check --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim AS installed
COPY --from=wheel /wheels /wheels
# The venv has no pip of its own, and nobody runs other projects' tests in it: they are a tenth of the image.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/twisted_pypi \
 && wheel=$(echo /wheels/*.whl) \
 && pip --python /opt/twisted_pypi install --disable-pip-version-check "${wheel}[metrics,zstd]" \
 && find /opt/twisted_pypi/lib -type d \( -name test -o -name tests \) -prune -exec rm -r {} +

FROM python:${PYTHON}-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="twisted_pypi" \
      org.opencontainers.image.description="A private Python package index built on Twisted." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=installed /opt/twisted_pypi /opt/twisted_pypi
COPY --chmod=755 image/entrypoint /usr/local/bin/entrypoint
ENV PATH=/opt/twisted_pypi/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp \
    PYPI_ROOT=/pypi \
    PYPI_PORT=80 \
    PYPI_PASSWD_FILE=/pypi/.htpasswd
# What only root can write is written once: twistd's list of plugins, and what Python compiles of its own library.
# A new volume takes the owner of /pypi, and who owns it serves: so not root.  Any --user works just as well.
RUN python -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))" \
 && python -W ignore -c "import twisted_pypi.tap.server, twisted_pypi.command.health, twisted_pypi.command.user" \
 && mkdir /pypi \
 && chown 1000:1000 /pypi
VOLUME /pypi
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["twisted-pypi", "health", "--pid", "1"]
ENTRYPOINT ["entrypoint"]
CMD ["run"]
