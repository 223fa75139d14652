"""The page at ``/``: what this is, how much is here, and the lines to paste."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from twisted.logger import Logger

from twisted_pypi.boundaries import LocalFiles, RunInThread
from twisted_pypi.web.people.commands import install_commands, upload_commands
from twisted_pypi.web.people.templates import HTML, PAGE_HEADERS, Templates
from twisted_pypi.web.replies import Reply

LARGEST_WELCOME = 1 << 20
"""Bytes that an operator's own welcome page may have."""

_PLACE = re.compile(r"\{\{\s*!?\s*(URL|VERSION|NUMPKGS|PACKAGES|SIMPLE)\s*\}\}")


class Welcome:
    """The built-in welcome page, or the operator's own."""

    log = Logger()

    def __init__(
        self,
        templates: Templates,
        index: LocalFiles,
        run_in_thread: RunInThread,
        *,
        version: str,
        path: str | None = None,
        uploads: bool = True,
        login_to_read: bool = False,
    ) -> None:
        """Welcome people to ``index``.

        ``path`` is the operator's own page, read each time; ``uploads``: may
        anybody upload at all; ``login_to_read``: does installing need a login.
        """
        self._templates = templates
        self._index = index
        self._run_in_thread = run_in_thread
        self._version = version
        self._path = path
        self._uploads = uploads
        self._login_to_read = login_to_read
        self._complained = False

    async def page(self, base_url: str) -> Reply:
        """Return the page; ``base_url`` is where the client finds this server, without a slash at its end."""
        own = await self._own()
        if own is not None:
            # No policy goes with it: it may use whatever its author wants.
            return Reply(200, (HTML, *PAGE_HEADERS), self._filled(own, base_url).encode("utf-8", "replace"))
        projects, files = self._index.counts()
        body = self._templates.page(
            "welcome",
            base_url=base_url,
            version=self._version,
            projects=projects,
            files=files,
            install=install_commands(base_url),
            upload=upload_commands(base_url) if self._uploads else (),
            login_to_read=self._login_to_read,
        )
        return Reply(200, (HTML, *self._templates.headers), body)

    async def _own(self) -> str | None:
        if self._path is None:
            return None
        try:
            text = await self._run_in_thread(_read, self._path)
        except (OSError, ValueError) as error:
            if not self._complained:
                self.log.warn(
                    "the welcome page {path} cannot be read ({reason}); the built-in page is shown until it can",
                    path=self._path,
                    reason=str(error),
                )
            self._complained = True
            return None
        self._complained = False
        return text

    def _filled(self, text: str, base_url: str) -> str:
        path = _path_of(base_url)
        values = {
            "URL": f"{base_url}/",
            "VERSION": self._version,
            "NUMPKGS": str(self._index.counts()[1]),
            "PACKAGES": f"{path}/packages/",
            "SIMPLE": f"{path}/simple/",
        }
        return _PLACE.sub(lambda found: escape(values[found[1]]), text)


def _read(path: str) -> str:
    with Path(path).open("rb") as file:
        data = file.read(LARGEST_WELCOME + 1)
    if len(data) > LARGEST_WELCOME:
        raise ValueError(f"it has more than {LARGEST_WELCOME} bytes")
    return data.decode("utf-8", "replace")


def _path_of(base_url: str) -> str:
    try:
        return urlsplit(base_url).path.rstrip("/")
    except ValueError:
        return ""
