"""What is fuzzed: each target takes any bytes, and fails when they are not handled as they should be.

The first bytes of an input choose how the rest is read, so that one target
reaches every branch.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterator, Mapping
from tempfile import TemporaryFile
from typing import BinaryIO

from twisted_pypi.core_metadata import extract, has_readable_format, parse, reads_to_the_end, tars, zips
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadForm, BadMetadata, TooLarge
from twisted_pypi.upload_form import FileEnd, FileStart, FormEvent, FormField, UploadFormReader

CONTENT_TYPES = (
    *['multipart/form-data; boundary="b"'] * 8,
    "multipart/form-data; boundary=b; charset=utf-8",
    "Multipart/Form-Data;boundary=----b",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "b" * 2000,
    "multipart/form-data; boundary=\x80\xff",
    "text/plain; boundary=b",
    'multipart/form-data; boundary="b',
    "",
)
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
LARGEST_FIELDS = 4096
MOST_PARTS = 64


def form(data: bytes) -> None:
    """A form is read to the same end in one piece and in many, and complains of nothing but the form."""
    content_type = CONTENT_TYPES[data[0] % len(CONTENT_TYPES)] if data else ""
    size = max(1, data[1]) if len(data) > 1 else 1
    body = data[2:]
    whole = _read_form(content_type, [body])
    pieces = _read_form(content_type, [body[at : at + size] for at in range(0, len(body), size)])
    # The parser notices a bare line feed at the start of a head's line only when the line comes in several pieces.
    may_differ = pieces is None and _BARE_LINE_FEED.search(body) is not None
    if whole != pieces and not may_differ:
        raise AssertionError((whole, pieces))


def _read_form(content_type: str, pieces: list[bytes]) -> list[tuple[str, str, bytes]] | None:
    """Return what is in a form; ``None`` when it is refused."""
    try:
        reader = UploadFormReader(content_type, largest_fields=LARGEST_FIELDS, most_parts=MOST_PARTS)
        events: list[FormEvent] = []
        for piece in pieces:
            events += reader.feed(piece)
        events += reader.close()
    except (BadForm, TooLarge) as error:
        if not str(error).isprintable():
            raise AssertionError(str(error)) from error
        return None
    return list(_found(events))


def _found(events: list[FormEvent]) -> Iterator[tuple[str, str, bytes]]:
    started: FileStart | None = None
    content = b""
    for event in events:
        if isinstance(event, FormField):
            if started is not None:
                raise AssertionError(f"the field {event.name} came within a file")
            yield event.name, event.value, b""
        elif isinstance(event, FileStart):
            if started is not None:
                raise AssertionError("a file came within a file")
            started, content = event, b""
        elif isinstance(event, FileEnd):
            if started is None or event.name != started.name:
                raise AssertionError("a file ended that had not begun")
            yield started.name, started.filename, content
            started = None
        elif started is None:
            raise AssertionError("a piece of no file")
        else:
            content += event
    if started is not None:
        raise AssertionError("a file did not end")


FILENAMES = (
    "good-1.0-py3-none-any.whl",
    "good-1.0.tar.gz",
    "good-1.0.zip",
    "good-1.0-py2.7.egg",
    "good-1.0.win32.exe",
    "good-1.0.tar.Z",
    "good-1.0.tar",
)
PACKED: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    lambda data: gzip.compress(data, 1, mtime=0),
    lambda data: bz2.compress(data, 1),
    lambda data: lzma.compress(data, preset=0),
    lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
)
LARGEST = 1 << 16
UNPACKED = 1 << 20


def metadata(data: bytes) -> None:
    """Metadata is found in any archive or not, and no archive is blamed on the machine."""
    if len(data) < 2:
        return
    if data[0] == 0xFF:
        _parse(data[2:])
        return
    distribution = parse_filename(FILENAMES[data[0] % len(FILENAMES)])
    content = PACKED[data[1] % len(PACKED)](data[2:])
    # A real file: a stream in memory can seek anywhere.
    with TemporaryFile(buffering=0) as file:
        file.write(content)
        whole = reads_to_the_end(file, distribution)
        if whole and not has_readable_format(distribution):
            raise AssertionError("an archive was read that cannot be")
        _every_member(file)
        try:
            raw = extract(file, distribution)
        except BadMetadata as error:
            if not str(error).isprintable():
                raise AssertionError(str(error)) from error
            return
    _parse(raw)


def _every_member(file: BinaryIO) -> None:
    try:
        archive = zips.ZipArchive(file)
        for entry in archive.members():
            archive.data_at(entry)
            if len(archive.read(entry, LARGEST)) > LARGEST:
                raise AssertionError("more was unpacked than may be")
    except BadMetadata:
        pass
    try:
        for _, found in tars.members(file, unpacked=UNPACKED, wanted=lambda _: True, largest=LARGEST, must_end=True):
            if found is not None and len(found) > LARGEST:
                raise AssertionError("more was unpacked than may be")
    except BadMetadata:
        pass


def _parse(raw: bytes) -> None:
    try:
        said = parse(raw)
    except BadMetadata:
        return
    if not said.name or not said.version or any(not values for values in said.fields.values()):
        raise AssertionError(said)
    if said.summary is not None and not said.summary.strip():
        raise AssertionError(said)


TARGETS: Mapping[str, Callable[[bytes], None]] = {"form": form, "metadata": metadata}
"""Every target, by its name."""
