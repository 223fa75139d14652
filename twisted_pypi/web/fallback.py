"""What is said of a project that is not here: look elsewhere, or 404."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted_pypi.boundaries import Ownership, RunInThread
from twisted_pypi.distributions import ProjectName, is_project_name
from twisted_pypi.errors import NoSuchProject
from twisted_pypi.upstream.public_index import public_index
from twisted_pypi.web.replies import Reply, text_reply

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest


class NoFallback:
    """What is not here is nowhere."""

    async def reply(self, name: ProjectName, _request: IndexRequest) -> Reply:
        """Raise ``NoSuchProject``."""
        raise NoSuchProject(f"there is no project {name!r} here")


class Redirect:
    """What is not here may be in another index."""

    def __init__(self, url: str | None, run_in_thread: RunInThread, ownership: Ownership) -> None:
        """Send clients to the simple index at ``url``; ``None``: the public index.

        ``ownership`` says of which names nobody outside may hear.
        """
        self._url = url
        self._ownership = ownership
        self._run_in_thread = run_in_thread

    async def reply(self, name: ProjectName, request: IndexRequest) -> Reply:
        """Return the redirect: 303, or 302 to HTTP/1.0, which does not know 303.

        Raises ``NoSuchProject`` for what cannot be the name of a project
        anywhere and for a project that is ours, and ``Unreadable``.
        """
        if not is_project_name(name):
            raise NoSuchProject(f"there is no project {name!r} here")
        decision = await self._ownership.owner(name)
        if not decision.may_go_outside:
            raise NoSuchProject(
                f"there is no file of {name} here, and clients are not sent elsewhere for it, because {decision.because}"
            )
        if self._url is None:
            self._url = await self._run_in_thread(public_index)
        location = f"{self._url.rstrip('/')}/{name}/"
        status = 302 if request.clientproto == b"HTTP/1.0" else 303
        return text_reply(status, "this project is not here", (b"Location", location.encode()), (b"Vary", b"Accept"))
