"""Whether an archive is one that every installer unpacks to the same, harmless files."""

from __future__ import annotations

import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import BinaryIO

from twisted_pypi.core_metadata import tars
from twisted_pypi.core_metadata.archives import LARGEST_METADATA
from twisted_pypi.core_metadata.zips import Member, ZipArchive
from twisted_pypi.distributions import Distribution, Kind, normalize, same_version
from twisted_pypi.errors import BadMetadata, BadUpload
from twisted_pypi.upload_checks.entries import LARGEST_EXPANSION, Entries, most_unpacked
from twisted_pypi.upload_checks.wheels import check_entry_points, check_wheel_file

_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8
_LARGEST_SMALL = 1024 * 1024
_LONGEST_LINK = 4096
_SYMBOLIC, _HARD = b"2", b"1"
_FOLDER = b"5"
_ABOUT_OTHERS = frozenset({b"g", b"X", b"V", b"M"})
"""Type flags of what is no member: global headers, volume labels."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What an archive holds, apart from its content."""

    metadata: bytes = field(repr=False)
    """Its core metadata, byte for byte."""
    licenses: Collection[str] = field(repr=False)
    """Paths of the files that ``License-File`` may name, as it names them (PEP 639)."""


def check_archive(file: BinaryIO, distribution: Distribution) -> Inspected:
    """Return what a wheel or source distribution holds, if nothing in it is odd.  Blocking.

    Of a zip archive the directory, the members' own headers and some small
    members are read, never the rest; a tar archive has to be unpacked, in
    memory that does not grow.  Raises ``BadMetadata`` and ``BadUpload``.
    """
    size = file.seek(0, 2)
    if not size:
        raise BadUpload(f"the file {distribution.filename} is empty")
    file.seek(0)
    is_zip = distribution.filename.endswith((".whl", ".zip")) or file.read(2) == b"PK"
    try:
        if is_zip:
            return _zip(file, distribution, size)
        return _tar(file, distribution, size)
    except BadMetadata as error:
        raise BadMetadata(f"{distribution.filename}: {error}") from None


def _zip(file: BinaryIO, distribution: Distribution, size: int) -> Inspected:
    filename, entries, total = distribution.filename, Entries(distribution.filename), 0
    archive = ZipArchive(file)
    if archive.prefix:
        raise BadMetadata(f"it begins with {archive.prefix} bytes that belong to no zip archive")
    small: dict[str, Member] = {}
    for member in archive.members():
        name = _text(member.name)
        is_folder = name.endswith("/")
        path = entries.add(name, is_folder=is_folder)
        if member.method not in {_STORED, _DEFLATED} or member.flags & _ENCRYPTED:
            raise BadUpload(f"the member {path[:200]} of {filename} is encrypted, or neither stored nor deflated")
        total += member.size
        if total > most_unpacked(size):
            raise BadUpload(_too_much(filename))
        # Installers that read from the start see this name, the others the directory's.
        archive.data_at(member)
        if stat.S_ISLNK(member.attributes >> 16):
            entries.check_link(path, _text(archive.read(member, _LONGEST_LINK)))
        elif path.count("/") == 1 and not is_folder:
            small[path] = member
    if distribution.kind is Kind.WHEEL:
        return _wheel(archive, distribution, entries, small)
    top = entries.one_top()
    return Inspected(_read(archive, small, f"{top}/PKG-INFO", LARGEST_METADATA), _below(top, entries))


def _wheel(archive: ZipArchive, distribution: Distribution, entries: Entries, small: dict[str, Member]) -> Inspected:
    folders = sorted(top for top in entries.tops if top.endswith(".dist-info"))
    if len(folders) != 1:
        raise BadMetadata(f"it has {len(folders)} folders that end in .dist-info; expected one")
    name, _, version = folders[0].removesuffix(".dist-info").rpartition("-")
    if normalize(name) != distribution.project or not same_version(version, distribution.version):
        raise BadMetadata(f"its folder {folders[0][:200]} is of another name or version than the file")
    for each in ("RECORD", "WHEEL", "METADATA"):
        if f"{folders[0]}/{each}" not in entries.names:
            raise BadMetadata(f"it has no {folders[0][:200]}/{each}; expected what every wheel has")
    check_wheel_file(_read(archive, small, f"{folders[0]}/WHEEL", _LARGEST_SMALL))
    points = f"{folders[0]}/entry_points.txt"
    if points in small:
        check_entry_points(_read(archive, small, points, _LARGEST_SMALL))
    metadata = _read(archive, small, f"{folders[0]}/METADATA", LARGEST_METADATA)
    return Inspected(metadata, _below(f"{folders[0]}/licenses", entries))


def _tar(file: BinaryIO, distribution: Distribution, size: int) -> Inspected:
    filename, entries = distribution.filename, Entries(distribution.filename)
    metadata = None
    unpacked = most_unpacked(size)
    found = tars.members(file, unpacked=unpacked, wanted=tars.is_pkg_info, largest=LARGEST_METADATA)
    for member, data in found:
        if member.kind in _ABOUT_OTHERS:
            continue
        path = entries.add(_text(member.name), is_folder=member.kind == _FOLDER)
        if member.sparse:
            raise BadUpload(f"the member {path[:200]} of {filename} is sparse; expected a plain file")
        if member.kind == _SYMBOLIC:
            entries.check_link(path, _text(member.target))
        elif member.kind == _HARD:
            entries.check_hard_link(path, _text(member.target))
        elif member.kind != _FOLDER and member.kind not in tars.REGULAR:
            raise BadUpload(f"the member {path[:200]} of {filename} is a device or such; expected files and folders")
        metadata = metadata if data is None else data
    top = entries.one_top()
    if metadata is None:
        raise BadMetadata(f"it has no {top[:200]}/PKG-INFO")
    return Inspected(metadata, _below(top, entries))


def _read(archive: ZipArchive, members: dict[str, Member], path: str, largest: int) -> bytes:
    if path not in members:
        raise BadMetadata(f"it has no {path[:200]}")
    return archive.read(members[path], largest)


def _below(folder: str, entries: Entries) -> frozenset[str]:
    return frozenset(each.removeprefix(f"{folder}/") for each in entries.names if each.startswith(f"{folder}/"))


def _text(name: bytes) -> str:
    """The name of a member; old archives have others than UTF-8."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("latin-1")


def _too_much(filename: str) -> str:
    return f"the file {filename} unpacks to more than {LARGEST_EXPANSION} times its size; it looks like a bomb"
