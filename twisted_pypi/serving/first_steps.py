"""What the log says to somebody who has just started a server and has nothing on it yet."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator

from twisted_pypi.config import Action, Config

_OF_IMAGE = "/pypi/.htpasswd"
"""The password file that the image names in its environment, where ``twisted-pypi user`` finds it."""


def container() -> str | None:
    """The name by which an engine knows the container that this process is the first of; ``None``: in none.

    Docker and podman give a container its short id for a host name, if nobody names another.
    """
    return platform.node() if os.getpid() == 1 else None


def first_steps(config: Config, *, users: int, projects: int, writable: bool, container: str | None) -> Iterator[str]:
    """Yield what is to be done next, a sentence each; nothing where there are users and projects."""
    if config.authenticate and config.password_file is not None and not users:
        named = "" if container is not None and config.password_file == _OF_IMAGE else f"--file {config.password_file} "
        adding = f"twisted-pypi user add {named}NAME"
        if container is not None:
            adding = f"docker exec -it {container} {adding}"
        yield f"Nobody can log in yet; add the first user, without a restart, by: {adding}"
    if projects:
        return
    url = _url(config, container)
    if writable and (config.password_file is not None or Action.UPDATE not in config.authenticate):
        user = " -u NAME" if Action.UPDATE in config.authenticate else ""
        yield f"Nothing is here yet; upload what was built by: twine upload --repository-url {url}{user} dist/*"
    else:
        yield f"Nothing is here yet; what is copied to {config.roots[0]} is served at once"
    yield f"Install from here by: pip install --index-url {url}simple/ PROJECT"


def _url(config: Config, container: str | None) -> str:
    """The server's address as its neighbours see it; of a container nobody inside knows the port outside."""
    if config.public_url is not None:
        return f"{config.public_url}/"
    scheme = "http" if config.tls_cert is None else "https"
    port: object = 8080 if container is not None else config.port
    if config.listen:
        port = "PORT"
    return f"{scheme}://localhost:{port}{config.server_base_url}/"
