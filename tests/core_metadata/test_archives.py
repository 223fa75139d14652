import gzip
import io
import lzma
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable

import pytest

from twisted_pypi.core_metadata import extract, has_readable_format, reads_to_the_end
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadMetadata

METADATA = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\nLong.\n"
OTHER = b"Metadata-Version: 2.1\nName: b\nVersion: 1.0\n"
Members = Iterable[tuple[str, bytes]]


def zipped(members: Members, method: int = zipfile.ZIP_DEFLATED, front: bytes = b"", comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    out.write(front)
    with zipfile.ZipFile(out, "a" if front else "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
        archive.comment = comment
    return out.getvalue()


def tarred(members: Members, mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload] # mode is text here
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


WHEEL = [("a/__init__.py", b"x = 1\n"), ("a-1.0.dist-info/METADATA", METADATA), ("a-1.0.dist-info/RECORD", b"")]
SDIST = [("a-1.0/setup.py", b"x"), ("a-1.0/src/a.egg-info/PKG-INFO", OTHER), ("a-1.0/PKG-INFO", METADATA)]
LONG = [("a-1.0/" + "x" * 200, b"y" * 1000), *SDIST, ("a-1.0/" + "z/" * 120 + "PKG-INFO", OTHER)]


@pytest.mark.parametrize(
    ("filename", "archive"),
    [
        ("a-1.0-py3-none-any.whl", zipped(WHEEL)),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL, zipfile.ZIP_STORED)),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL, front=b"#!/bin/sh\n" * 10)),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL, comment=b"built by hand PK\x05")),
        ("a-1.0-py3-none-any.whl", b"#!/bin/sh\n" * 10 + zipped(WHEEL)),
        ("A.A-1.0-py3-none-any.whl", zipped([("b-2.dist-info/METADATA", OTHER), ("a_a-1.0.dist-info/METADATA", METADATA)])),
        ("a-1.0-py3-none-any.whl", zipped([("a-2.dist-info/METADATA", OTHER), ("a-1.dist-info/METADATA", METADATA)])),
        ("a-1.0-py3-none-any.whl", zipped([("odd.dist-info/METADATA", METADATA)])),
        ("a-1.0-py3-none-any.whl", zipped([*WHEEL, ("a/_vendor/b-1.dist-info/METADATA", OTHER)])),
        ("a-1.0-py2.7.egg", zipped([("a/x.py", b""), ("EGG-INFO/PKG-INFO", METADATA)])),
        ("a-1.0.zip", zipped(SDIST)),
        ("a-1.0.win32.exe", zipped([("PURELIB/a-1.0-py2.7.egg-info/PKG-INFO", METADATA)], front=b"MZ" + bytes(99))),
        ("a-1.0.win32.exe", zipped([("PURELIB/a-1.0-py2.7.egg-info", METADATA)], front=b"MZ" + bytes(99))),
        ("a-1.0.tar.gz", tarred(SDIST)),
        ("a-1.0.tgz", tarred(LONG)),
        ("a-1.0.tar.gz", tarred(LONG, form=tarfile.GNU_FORMAT)),
        ("a-1.0.tar.gz", tarred(SDIST, form=tarfile.USTAR_FORMAT)),
        ("a-1.0.tar.gz", tarred([("./a-1.0/PKG-INFO", METADATA)])),
        ("a-1.0.tar.gz", tarred(SDIST, "w")),
        ("a-1.0.tar.gz", zipped(SDIST)),
        ("a-1.0.tar.bz2", tarred(SDIST, "w:bz2")),
        ("a-1.0.tar.xz", tarred(SDIST, "w:xz")),
        ("a-1.0.tar.lzma", lzma.compress(tarred(SDIST, "w"), lzma.FORMAT_ALONE)),
        ("a-1.0.tar", tarred(SDIST, "w")),
        ("a-1.0.tar", tarred(SDIST, "w").rstrip(b"\0") + bytes(-len(tarred(SDIST, "w").rstrip(b"\0")) % 512)),
    ],
)  # fmt: skip
def test_finds_the_metadata(filename: str, archive: bytes) -> None:
    assert extract(io.BytesIO(archive), parse_filename(filename)) == METADATA


@pytest.mark.parametrize(
    ("filename", "archive", "reason"),
    [
        ("a-1.0-py3-none-any.whl", b"", "not a whole zip archive"),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL)[:-30], "not a whole zip archive"),
        ("a-1.0-py3-none-any.whl", zipped([("a/__init__.py", b"")]), "no core metadata where it belongs"),
        ("a-1.0-py3-none-any.whl", zipped([("b.dist-info/METADATA", b""), ("c.dist-info/METADATA", b"")]), "2 folders"),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL, zipfile.ZIP_BZIP2), "method 12"),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL).replace(b"METADATA", b"METADATb", 1), "not where its directory says"),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL, zipfile.ZIP_STORED).replace(b"Long", b"long"), "checksum"),
        ("a-1.0-py3-none-any.whl", tarred(SDIST), "not a whole zip archive"),
        ("a-1.0.tar.gz", b"", "ends too early"),
        ("a-1.0.tar.gz", tarred(SDIST)[:60], "damaged"),
        ("a-1.0.tar.gz", tarred([("a-1.0/src/a.egg-info/PKG-INFO", OTHER)]), "no PKG-INFO"),
        ("a-1.0.tar.gz", b"<html>not here</html>" * 99, "damaged"),
        ("a-1.0.tar", tarred(SDIST, "w").replace(b"setup.py", b"setup.pz"), "checksum"),
        ("a-1.0.tar.bz2", tarred(SDIST, "w:bz2")[:60], "damaged"),
        ("a-1.0.tar.xz", tarred(SDIST, "w:xz")[:60], "damaged"),
        ("a-1.0.tar.Z", b"\x1f\x9d", "format"),
        ("a-1.0.win32.msi", b"", "format"),
    ],
)
def test_says_what_is_wrong_with_an_archive(filename: str, archive: bytes, reason: str) -> None:
    with pytest.raises(BadMetadata, match=reason) as raised:
        extract(io.BytesIO(archive), parse_filename(filename))
    assert str(raised.value).startswith(filename)


def test_a_member_that_is_there_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = zipped([*WHEEL, WHEEL[1]])
    with pytest.raises(BadMetadata, match="twice"):
        extract(io.BytesIO(archive), parse_filename("a-1.0-py3-none-any.whl"))


def test_a_wheel_of_more_members_than_the_old_format_counts() -> None:
    archive = zipped([*((f"a/{n}", b"") for n in range(66_000)), *WHEEL[1:]], zipfile.ZIP_STORED)
    assert extract(io.BytesIO(archive), parse_filename("a-1.0-py3-none-any.whl")) == METADATA


def test_a_member_with_64_bit_numbers() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open("a-1.0.dist-info/METADATA", "w", force_zip64=True) as member,
    ):
        member.write(METADATA)
    assert extract(out, parse_filename("a-1.0-py3-none-any.whl")) == METADATA


class Sparse(io.RawIOBase):
    """A file of ``front``, many zero bytes and ``end``."""

    def __init__(self, front: bytes, zeroes: int, end: bytes) -> None:
        self._parts = (front, zeroes, end)
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        front, zeroes, end = self._parts
        self._at = offset if whence == 0 else len(front) + zeroes + len(end) + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        front, zeroes, end = self._parts
        if self._at < len(front):
            data = front[self._at : self._at + size]
        elif self._at < len(front) + zeroes:
            data = bytes(min(size, len(front) + zeroes - self._at))
        else:
            at = self._at - len(front) - zeroes
            data = end[at : at + size]
        self._at += len(data)
        return data


def test_an_entry_beyond_four_gigabytes() -> None:
    small = zipped(WHEEL[1:2], zipfile.ZIP_STORED)
    far = 5 * 1024**3
    directory = small.index(b"PK\x01\x02")
    entry = bytearray(small[directory : small.index(b"PK\x05\x06")])
    entry[42:46] = b"\xff" * 4
    entry[30:32] = (12).to_bytes(2, "little")
    entry += b"\x01\0\x08\0" + far.to_bytes(8, "little")
    at = far + directory
    end = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(12) + (1).to_bytes(8, "little") * 2
    end += len(entry).to_bytes(8, "little") + at.to_bytes(8, "little")
    end += b"PK\x06\x07" + bytes(4) + (at + len(entry)).to_bytes(8, "little") + b"\1\0\0\0"
    end += b"PK\x05\x06" + bytes(4) + b"\1\0\1\0" + b"\xff" * 8 + b"\0\0"
    file = Sparse(b"", far, small[:directory] + bytes(entry) + end)
    assert extract(file, parse_filename("a-1.0-py3-none-any.whl")) == METADATA  # type: ignore[arg-type] # reads like one


def test_a_directory_that_is_too_large_is_not_read() -> None:
    end = b"PK\x05\x06" + bytes(4) + b"\1\0\1\0" + (0xF0000000).to_bytes(4, "little") + bytes(4) + b"\0\0"
    file = Sparse(b"", 5 * 1024**3, end)
    with pytest.raises(BadMetadata, match="directory of the zip archive has 4026531840 bytes"):
        extract(file, parse_filename("a-1.0-py3-none-any.whl"))  # type: ignore[arg-type] # reads like one


def bombs() -> list[tuple[str, bytes]]:
    huge = bytes(40 * 1024 * 1024)
    header = tarfile.TarInfo("a-1.0/x")
    header.size = 1024**5
    pax = tarfile.TarInfo("a-1.0/x")
    pax.size, pax.type = len(huge), b"x"
    lying = bytearray(zipped([("a-1.0.dist-info/METADATA", huge)]))
    directory = lying.rindex(b"PK\x01\x02")
    lying[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
    return [
        ("a-1.0-py3-none-any.whl", zipped([("a-1.0.dist-info/METADATA", huge)])),
        ("a-1.0-py3-none-any.whl", bytes(lying)),
        ("a-1.0.tar.gz", tarred([("a-1.0/PKG-INFO", huge)])),
        ("a-1.0.tar", header.tobuf() + bytes(2**20)),
        ("a-1.0.tar.gz", gzip.compress(pax.tobuf() + huge)),
    ]


@pytest.mark.parametrize(("filename", "archive"), bombs())
def test_a_bomb_is_refused_and_costs_no_memory(filename: str, archive: bytes) -> None:
    file, distribution = io.BytesIO(archive), parse_filename(filename)
    tracemalloc.start()
    try:
        with pytest.raises(BadMetadata):
            extract(file, distribution)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


def test_the_search_in_a_tar_archive_ends_after_so_many_bytes() -> None:
    block = bytes(16 * 1024 * 1024)
    archive = tarred([*((f"a-1.0/{n}", block) for n in range(33)), ("a-1.0/PKG-INFO", METADATA)])
    with pytest.raises(BadMetadata, match="more than the 536870912 bytes"):
        extract(io.BytesIO(archive), parse_filename("a-1.0.tar.gz"))


@pytest.mark.parametrize(
    ("filename", "archive"),
    [
        ("a-1.0.tar.gz", tarred(LONG)),
        ("a-1.0.tar.bz2", tarred(LONG, "w:bz2")),
        ("a-1.0.tar.xz", tarred(LONG, "w:xz")),
        ("a-1.0.tar", tarred(LONG, "w")),
        ("a-1.0.zip", zipped(LONG)),
        ("a-1.0-py3-none-any.whl", zipped(WHEEL)),
    ],
)
def test_tells_a_whole_archive_from_each_of_its_beginnings(filename: str, archive: bytes) -> None:
    distribution = parse_filename(filename)
    assert reads_to_the_end(io.BytesIO(archive), distribution)
    # The empty blocks that fill up the last record of a plain archive may be missing.
    length = len(archive.rstrip(b"\0")) if filename.endswith(".tar") else len(archive)
    assert not [end for end in range(0, length, 7) if reads_to_the_end(io.BytesIO(archive[:end]), distribution)]


def test_what_cannot_be_opened_is_never_called_whole() -> None:
    assert not has_readable_format(parse_filename("a-1.0.tar.Z"))
    assert not reads_to_the_end(io.BytesIO(b"\x1f\x9d"), parse_filename("a-1.0.tar.Z"))
    assert has_readable_format(parse_filename("a-1.0.tar.gz"))


@pytest.mark.parametrize(
    ("filename", "archive"),
    [
        ("a-1.0-py3-none-any.whl", zipped(WHEEL)),
        ("a-1.0.tar.gz", tarred(SDIST)),
        ("a-1.0.tar.xz", tarred(SDIST, "w:xz")),
        ("a-1.0.tar", tarred(SDIST, "w")),
    ],
)
@pytest.mark.parametrize("good", [0, 2])
def test_an_unreadable_file_is_no_bad_archive(filename: str, archive: bytes, good: int) -> None:
    class Broken(io.BytesIO):
        left = good

        def read(self, size: int | None = -1, /) -> bytes:
            if not self.left:
                raise OSError(5, "Input/output error")
            self.left -= 1
            return super().read(size)

    with pytest.raises(OSError, match="Input/output"):
        extract(Broken(archive), parse_filename(filename))


def damaged_files() -> list[tuple[str, Callable[[], bytes]]]:
    return [
        ("a-1.0-py3-none-any.whl", lambda: zipped(WHEEL)),
        ("a-1.0.tar.gz", lambda: tarred(LONG)),
        ("a-1.0.tar.bz2", lambda: tarred(LONG, "w:bz2")),
        ("a-1.0.tar.xz", lambda: tarred(LONG, "w:xz")),
        ("a-1.0.tar", lambda: tarred(LONG, "w")),
        ("a-1.0.tar", lambda: tarred(LONG, "w", tarfile.GNU_FORMAT)),
    ]


@pytest.mark.parametrize(("filename", "archive"), damaged_files())
def test_a_damaged_archive_raises_nothing_but_bad_metadata(filename: str, archive: Callable[[], bytes]) -> None:
    import random

    distribution, whole = parse_filename(filename), archive()
    chance = random.Random(filename)  # noqa: S311 - the same damage each time, not a secret
    for _ in range(1500):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.choice((0, 1, 0x20, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        if chance.random() < 0.2:
            del broken[chance.randrange(len(broken)) :]
        for reader in (extract, reads_to_the_end):
            try:
                reader(io.BytesIO(broken), distribution)
            except BadMetadata as error:
                assert str(error).startswith(filename)  # noqa: PT017 - that none is raised is fine as well
