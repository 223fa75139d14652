"""Files of upstream's projects at ``/files/<project>/<filename>``: from the folders where they lie there by now."""

from __future__ import annotations

from typing import Protocol

from twisted_pypi.boundaries import LocatedFile
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.replies import Reply
from twisted_pypi.web.resource import Handler

_METADATA = ".metadata"


class Holds(Protocol):
    """Who knows what lies in the folders of an upstream's project."""

    async def held(self, project: ProjectName, filename: str) -> LocatedFile | None:
        """The file of the folders of that name.

        Raises ``NoSuchProject``, ``HeldBack``, ``NotAllowed`` and ``Unreadable``.
        """


class HeldFiles:
    """Keeps the addresses of an upstream's files good when an update fetched them into a folder."""

    def __init__(self, holds: Holds, in_folders: Handler, elsewhere: Handler) -> None:
        """``in_folders`` answers ``/packages/<path>``, and ``elsewhere`` what is not there."""
        self._holds = holds
        self._in_folders = in_folders
        self._elsewhere = elsewhere

    async def get(self, request: IndexRequest) -> Reply | None:
        """Send the file that the rest of the path names, or its metadata."""
        segments = [each.decode("utf-8", "replace") for each in request.postpath or []]
        if len(segments) == 2 and is_project_name(segments[0]) and normalize(segments[0]) == segments[0]:
            suffix = _METADATA if segments[1].endswith(_METADATA) else ""
            held = await self._holds.held(ProjectName(segments[0]), segments[1].removesuffix(_METADATA))
            if held is not None:
                request.postpath = [each.encode() for each in f"{held.known.path}{suffix}".split("/")]
                # Whether it lies there is asked anew each time, so the answer to this head is not remembered.
                request.channel.head = None
                return await self._in_folders(request)
        return await self._elsewhere(request)
