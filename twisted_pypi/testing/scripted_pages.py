"""Projects of an upstream that exist only in memory, as pages of the simple API and as files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Upstreamed:
    """A file that an upstream publishes."""

    filename: str
    data: bytes
    upload_time: str | None = None
    yanked: bool | str = False
    requires_python: str | None = None
    core_metadata: bytes | None = None
    size: int | None = None
    """What the page says instead of the true number of bytes."""
    sha256: str | None = None
    """What the page says instead of the true digest."""
    url: str | None = None
    """What the page says instead of ``../../files/<filename>``."""

    def digest(self) -> str:
        """What the page says of its digest."""
        return self.sha256 or sha256(self.data).hexdigest()

    def address(self) -> str:
        """What the page says of where it is."""
        return self.url or f"../../files/{self.filename}"

    def facts(self) -> dict[str, Any]:
        """The file as the JSON of PEP 691 and PEP 700 speaks of it."""
        facts: dict[str, Any] = {
            "filename": self.filename,
            "url": self.address(),
            "hashes": {"sha256": self.digest()},
            "size": len(self.data) if self.size is None else self.size,
            "yanked": self.yanked,
            "requires-python": self.requires_python,
        }
        if self.upload_time is not None:
            facts["upload-time"] = self.upload_time
        if self.core_metadata is not None:
            facts["core-metadata"] = {"sha256": sha256(self.core_metadata).hexdigest()}
        return facts

    def anchor(self) -> str:
        """The file as the HTML of PEP 503 speaks of it."""
        more = ""
        if self.requires_python is not None:
            more += f' data-requires-python="{escape(self.requires_python)}"'
        if self.yanked is not False:
            more += f' data-yanked="{escape(self.yanked if isinstance(self.yanked, str) else "")}"'
        if self.core_metadata is not None:
            more += f' data-core-metadata="sha256={sha256(self.core_metadata).hexdigest()}"'
        return f'<a href="{escape(self.address())}#sha256={self.digest()}"{more}>{escape(self.filename)}</a><br>'


@dataclass(slots=True)
class UpstreamProject:
    """A project that an upstream publishes; what is changed here is answered from then on."""

    name: str
    files: list[Upstreamed] = field(default_factory=list)
    serial: int | None = None
    """The number of its last change."""
    status: str | None = None
    """Its status (PEP 792)."""
    last_modified: str | None = None
    html_only: bool = False
    tagged: bool = True
    """Is its page answered with an ETag?"""

    def page(self, accept: str) -> tuple[str, bytes]:
        """The content type and the bytes of its page."""
        if self.html_only or "json" not in accept:
            lines = "\n".join(file.anchor() for file in self.files)
            return HTML, f"<!DOCTYPE html>\n<html><body>\n{lines}\n</body></html>\n".encode()
        page: dict[str, Any] = {
            "meta": {"api-version": "1.4"},
            "name": self.name,
            "versions": [],
            "files": [file.facts() for file in self.files],
        }
        if self.serial is not None:
            page["meta"]["_last-serial"] = self.serial
        if self.status is not None:
            page["project-status"] = {"status": self.status}
        return JSON, json.dumps(page).encode()
