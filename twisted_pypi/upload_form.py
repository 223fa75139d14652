"""A form on its way in: feed it chunks, get its fields and the pieces of its files.

Follows ``multipart/form-data`` (RFC 7578) as the clients of package indexes
send it: with a line end in front, without ``Content-Type`` of the parts, with
thousands of fields, with fields of megabytes, and, from old ``register``
commands, with bare line feeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from twisted_pypi.errors import BadForm, TooLarge

LARGEST_FIELDS = 16 * 1024 * 1024
"""Bytes that all fields of a form together may have; files do not count."""
MOST_PARTS = 20_000
"""Fields and files that a form may have."""

_LONGEST_BOUNDARY = 1024
_LONGEST_PREAMBLE = 64 * 1024
_LINE_BREAK = re.compile(r"[\r\n]")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that is whole."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileStart:
    """A file begins; its pieces follow as ``bytes``, then ``FileEnd``."""

    name: str
    """The name of the field."""
    filename: str
    """What the client calls the file; not checked at all."""


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The file that began last is whole."""

    name: str
    """The name of the field."""


FormEvent = FormField | FileStart | bytes | FileEnd
"""What a form consists of, in the order it came."""


class UploadFormReader:
    """One form while it comes in.  It does no input or output of its own.

    Pieces of files are handed on as they came where that is possible, without
    being copied.  What comes after the end of the form is passed over.
    """

    def __init__(
        self, content_type: str, *, largest_fields: int = LARGEST_FIELDS, most_parts: int = MOST_PARTS
    ) -> None:
        """Make ready for a body with this ``Content-Type``.

        Raises ``BadForm`` when it is not ``multipart/form-data`` with a boundary.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if kind != "multipart/form-data":
            raise BadForm(f"the body is {kind or 'of no type'}; expected multipart/form-data")
        if not boundary or len(boundary) > _LONGEST_BOUNDARY or not boundary.isprintable():
            raise BadForm(
                f"the boundary of the form is {boundary[:80]!r}; expected 1 to {_LONGEST_BOUNDARY} characters"
            )
        self._boundary = b"--" + boundary.encode()
        self._parser = PushMultipartParser(self._boundary[2:], max_segment_count=most_parts)
        self._room = largest_fields
        self._largest_fields = largest_fields
        self._opening: bytearray | None = bytearray()
        self._bare_lines: bytearray | None = None
        self._part: MultipartSegment | None = None
        self._value = bytearray()

    def feed(self, data: bytes) -> list[FormEvent]:
        """Take the next chunk and return what became known by it.

        Raises ``BadForm`` when this is no form, and ``TooLarge`` when its fields are.
        """
        if self._bare_lines is not None:
            self._collect(self._bare_lines, data)
            return []
        if self._opening is not None:
            return self._open(data)
        return self._parse(data)

    def close(self) -> list[FormEvent]:
        """Say that nothing more comes, and return what became known by that.

        Raises ``BadForm`` when the form is not complete.
        """
        events: list[FormEvent] = []
        if self._bare_lines is not None:
            events = self._parse(_BARE_LINE_FEED.sub(b"\r\n", self._bare_lines))
        elif self._opening:
            events = self._parse(bytes(self._opening))
        try:
            self._parser.close()
        except MultipartError:
            raise BadForm("the form ends too early; expected its closing boundary") from None
        return events

    def _open(self, data: bytes) -> list[FormEvent]:
        """Find out by the end of the first boundary's line which line ends the form has."""
        opening = self._opening
        if opening is None:  # pragma: no cover - asked for before
            return []
        self._collect(opening, data)
        at = opening.find(self._boundary)
        behind = at + len(self._boundary)
        if at >= 0 and opening[behind : behind + 2] == b"--":
            # A form without any part: no line end needs to follow, so the one in front tells.
            has_bare_lines = at > 0 and opening[max(0, at - 2) : at] != b"\r\n"
        elif at >= 0 and (end := opening.find(b"\n", behind)) >= 0:
            has_bare_lines = opening[end - 1 : end] != b"\r"
        elif len(opening) > _LONGEST_PREAMBLE:
            raise BadForm("the form does not begin with the boundary that its Content-Type names")
        else:
            return []
        self._opening = None
        if has_bare_lines:
            self._bare_lines = opening
            return []
        return self._parse(bytes(opening))

    def _collect(self, collected: bytearray, data: bytes) -> None:
        collected += data
        if len(collected) > self._largest_fields:
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"the fields of the form have more than {self._largest_fields} bytes, which is the most they may"
        )

    def _parse(self, data: bytes) -> list[FormEvent]:
        events: list[FormEvent] = []
        if not data:
            return events
        try:
            for found in self._parser.parse(data):
                self._handle(found, events)
        except MultipartError as error:
            raise BadForm(f"the form cannot be read: {error}") from None
        return events

    def _handle(self, found: MultipartSegment | bytes | None, events: list[FormEvent]) -> None:
        if isinstance(found, bytes):
            if self._part is not None and self._part.filename is not None:
                events.append(found)
                return
            self._room -= len(found)
            if self._room < 0:
                raise self._too_large()
            self._value += found
        elif found is not None:
            # The parser lets a line feed pass, but only when the whole line came at once.
            if any(_LINE_BREAK.search(each) for line in found.headerlist for each in line):
                raise BadForm("the head of a part has a line break within a line; expected CR LF at its end alone")
            self._part = found
            if found.filename is not None:
                if self._bare_lines is not None:
                    raise BadForm("the form has bare line feeds, which would change its file; expected CR LF")
                events.append(FileStart(found.name, _raw_filename(found)))
        elif self._part is not None:
            events.append(self._part_ended(self._part))
            self._part = None

    def _part_ended(self, part: MultipartSegment) -> FormEvent:
        if part.filename is not None:
            return FileEnd(part.name)
        raw, self._value = self._value, bytearray()
        try:
            value = raw.decode("utf-8")
        except UnicodeDecodeError:
            value = raw.decode("latin-1")
        if self._bare_lines is not None:
            value = value.replace("\r\n", "\n")
        return FormField(part.name, value)


def _raw_filename(part: MultipartSegment) -> str:
    # The parser cuts a folder of Windows off; a name with one is to be refused, not mended.
    disposition: str = part.header("Content-Disposition")
    if "\\" in disposition:
        return disposition.rpartition("filename=")[2].strip('" ')
    return str(part.filename)
