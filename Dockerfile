# A private Python package index: docker run -v /pypi:/pypi:rw -p 8080:80 IMAGE
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
WORKDIR /src
RUN python -m venv /opt/twisted_pypi
COPY pyproject.toml README.md LICENSE ./
COPY twisted twisted
COPY twisted_pypi twisted_pypi
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/twisted_pypi/bin/pip install --disable-pip-version-check '.[metrics,zstd]' \
 && /opt/twisted_pypi/bin/python -m pip uninstall --yes --quiet pip

FROM python:${PYTHON}-slim
COPY --from=build /opt/twisted_pypi /opt/twisted_pypi
COPY --chmod=755 image/entrypoint /usr/local/bin/entrypoint
ENV PATH=/opt/twisted_pypi/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYPI_ROOT=/pypi \
    PYPI_PORT=80 \
    PYPI_PASSWD_FILE=/pypi/.htpasswd
# twistd's plugin cache is written by root once: no other user could, and each start would look for plugins anew.
# A new volume takes the owner of /pypi, and who owns it serves: so not root.  Any --user works just as well.
RUN python -c "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))" \
 && mkdir /pypi \
 && chown 1000:1000 /pypi
VOLUME /pypi
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["twisted-pypi", "health", "--pid", "1"]
ENTRYPOINT ["entrypoint"]
CMD ["run"]
