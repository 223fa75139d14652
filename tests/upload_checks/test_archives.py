"""One row a check: how to make the archive that is bad, and what is said about it."""

import gzip
import io
import stat
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable

import pytest

from twisted_pypi.core_metadata import parse
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadMetadata, TwistedPyPIError
from twisted_pypi.testing.archives import core_metadata, sdist, tar_archive, wheel, zip_archive
from twisted_pypi.upload_checks import check_archive, check_metadata

WHEEL = "x-1.0-py3-none-any.whl"
SDIST = "x-1.0.tar.gz"
METADATA = core_metadata("x", "1.0")
INFO = "x-1.0.dist-info"
PARTS = {
    "x.py": b"",
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    f"{INFO}/RECORD": b"",
}
SOURCE = {"x-1.0/x.py": b"", "x-1.0/PKG-INFO": METADATA}


def wheel_with(more: dict[str, bytes | None]) -> bytes:
    """A good wheel with other members; ``None`` takes one out."""
    return zip_archive((name, data) for name, data in {**PARTS, **more}.items() if data is not None)


def sdist_with(more: dict[str, bytes | None]) -> bytes:
    """A good source distribution with other members."""
    return tar_archive((name, data) for name, data in {**SOURCE, **more}.items() if data is not None)


def zip_with(member: zipfile.ZipInfo, data: bytes = b"", method: int = zipfile.ZIP_STORED) -> bytes:
    """A good wheel and one special member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in PARTS.items():
            archive.writestr(name, content)
        member.compress_type = method
        archive.writestr(member, data)
    return out.getvalue()


def zip_link(target: str) -> bytes:
    """A wheel with a symbolic link at ``x/link``."""
    member = zipfile.ZipInfo("x/link")
    member.create_system = 3
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_with(member, target.encode())


def tar_with(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", **pax: str) -> bytes:
    """A good source distribution and one special member."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for each, data in SOURCE.items():
            member = tarfile.TarInfo(each)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        member.pax_headers = {key.replace("__", "."): value for key, value in pax.items()}
        archive.addfile(member)
    return out.getvalue()


def renamed(archive: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    """An archive with other bytes in the place of some."""
    assert len(old) == len(new)
    assert old in archive
    return archive.replace(old, new, count)


def zip_bomb(*, lying: bool = False) -> bytes:
    """A small wheel with 128 MiB in it, or one that only says so."""
    if not lying:
        return zip_with(zipfile.ZipInfo("x/zeroes"), bytes(128 << 20), zipfile.ZIP_DEFLATED)
    archive = bytearray(wheel_with({"x/zeroes": bytes(4096)}))
    at = archive.rindex(b"x/zeroes") - 46
    archive[at + 24 : at + 28] = (128 << 20).to_bytes(4, "little")
    return bytes(archive)


def tar_bomb() -> bytes:
    """A source distribution that unpacks to a thousand times its size."""
    return tar_archive([*SOURCE.items(), ("x-1.0/zeroes", bytes(128 << 20))])


def unpacked(archive: bytes) -> bytes:
    """The plain tar archive in a packed one."""
    return gzip.decompress(archive)


def encrypted() -> bytes:
    """A wheel whose first member says that it is encrypted."""
    archive = bytearray(wheel("x", "1.0"))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(archive)


def sparse() -> bytes:
    """A source distribution with a member as old GNU tar writes one with holes."""
    member = tarfile.TarInfo("x-1.0/y")
    member.type = tarfile.GNUTYPE_SPARSE
    return gzip.compress(unpacked(sdist("x", "1.0")).rstrip(b"\0").ljust(3 * 512, b"\0") + member.tobuf() + bytes(1024))


GOOD: list[tuple[str, str, Callable[[], bytes]]] = [
    ("a wheel", WHEEL, lambda: wheel("x", "1.0")),
    ("a wheel with folders", WHEEL, lambda: wheel_with({"x/": b"", "x/y/": b"", "x/y/z.py": b""})),
    ("entry points", WHEEL, lambda: wheel_with({f"{INFO}/entry_points.txt": b"# x\n[console_scripts]\nx=x:main.Y [z]\nB = b\n"})),
    ("a newer minor version", WHEEL, lambda: wheel_with({f"{INFO}/WHEEL": b"Wheel-Version: 1.9\r\n"})),
    ("other bundled metadata", WHEEL, lambda: wheel_with({"x/_vendor/y-2.dist-info/METADATA": b"Name: y\n"})),
    ("a link inside", WHEEL, lambda: zip_link("../x/lib.so.1")),
    ("a name in an old code page", WHEEL, lambda: renamed(wheel_with({"x/a.txt": b""}), b"x/a.txt", b"x/\xe9.txt")),
    ("another spelling of the folder", "x_y-1.0-py3-none-any.whl", lambda: wheel("X.Y", "1.0.0")),
    ("an sdist", SDIST, lambda: sdist("x", "1.0")),
    ("an sdist with ./", SDIST, lambda: tar_archive([(f"./{name}", data) for name, data in SOURCE.items()])),
    ("an sdist with folders", SDIST, lambda: tar_with("x-1.0", tarfile.DIRTYPE)),
    ("an sdist with a link inside", SDIST, lambda: tar_with("x-1.0/a/link", tarfile.SYMTYPE, "../x.py")),
    ("an sdist with a hard link inside", SDIST, lambda: tar_with("x-1.0/a/link", tarfile.LNKTYPE, "x-1.0/x.py")),
    ("an sdist with a long name", SDIST, lambda: sdist_with({f"x-1.0/{'y' * 200}/{'z' * 90}": b"1"})),
    ("a global header (git archive)", SDIST, lambda: tar_with("pax_global_header", tarfile.XGLTYPE)),
    ("an sdist of another top folder", SDIST, lambda: tar_archive([("X-1/PKG-INFO", METADATA)])),
    ("an sdist as bz2", "x-1.0.tar.bz2", lambda: tar_archive(SOURCE.items(), "w:bz2")),
    ("an sdist as xz", "x-1.0.tar.xz", lambda: tar_archive(SOURCE.items(), "w:xz")),
    ("an sdist as zip", "x-1.0.zip", lambda: zip_archive(SOURCE.items())),
    ("an sdist as tgz", "x-1.0.tgz", lambda: sdist("x", "1.0")),
]  # fmt: skip

BAD: list[tuple[str, str, Callable[[], bytes], str]] = [
    ("empty", WHEEL, lambda: b"", "is empty"),
    ("an empty sdist", SDIST, lambda: b"", "is empty"),
    ("no archive", WHEEL, lambda: b"<html>", "not a whole zip archive"),
    ("no archive as sdist", SDIST, lambda: b"<html>" * 200, "is damaged"),
    ("half a wheel", WHEEL, lambda: wheel("x", "1.0")[:-30], "not a whole zip archive"),
    ("half an sdist", SDIST, lambda: sdist("x", "1.0")[:-9], "is damaged"),
    ("a tar archive as wheel", WHEEL, lambda: sdist("x", "1.0"), "not a whole zip archive"),
    ("a program in front", WHEEL, lambda: b"#!/bin/sh\n" + wheel("x", "1.0"), "begins with 10 bytes that belong"),
    ("a member that is elsewhere", WHEEL, lambda: renamed(wheel("x", "1.0"), b"x.py", b"y.py", 1), "not where its dir"),
    ("no METADATA", WHEEL, lambda: wheel_with({f"{INFO}/METADATA": None}), f"no {INFO}/METADATA"),
    ("no WHEEL", WHEEL, lambda: wheel_with({f"{INFO}/WHEEL": None}), f"no {INFO}/WHEEL"),
    ("no RECORD", WHEEL, lambda: wheel_with({f"{INFO}/RECORD": None}), f"no {INFO}/RECORD"),
    ("no .dist-info", WHEEL, lambda: zip_archive([("x.py", b"")]), "0 folders that end in .dist-info"),
    ("two .dist-info", WHEEL, lambda: wheel_with({"y-1.dist-info/METADATA": b""}), "2 folders that end in .dist-info"),
    ("another's .dist-info", "y-1.0-py3-none-any.whl", lambda: wheel("x", "1.0"), "of another name or version"),
    ("another version's .dist-info", "x-2.0-py3-none-any.whl", lambda: wheel("x", "1.0"), "of another name or version"),
    ("a folder called METADATA", WHEEL, lambda: wheel_with({f"{INFO}/METADATA": None, f"{INFO}/METADATA/": b""}), "no x-1.0"),
    ("no Wheel-Version", WHEEL, lambda: wheel_with({f"{INFO}/WHEEL": b"Tag: a\n"}), "has no Wheel-Version"),
    ("Wheel-Version 2", WHEEL, lambda: wheel_with({f"{INFO}/WHEEL": b"Wheel-Version: 2.0\n"}), "starts with 2, which"),
    ("a huge WHEEL", WHEEL, lambda: wheel_with({f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n" * 99_999}), "at most 1048576"),
    ("entry points that are none", WHEEL, lambda: wheel_with({f"{INFO}/entry_points.txt": b"x = y\n"}), "cannot be read"),
    ("entry points twice", WHEEL, lambda: wheel_with({f"{INFO}/entry_points.txt": b"[a]\nx=y\nx=z\n"}), "cannot be read"),
    ("entry points in no UTF-8", WHEEL, lambda: wheel_with({f"{INFO}/entry_points.txt": b"[a]\nx=\xff\n"}), "cannot be read"),
    ("an entry point to nowhere", WHEEL, lambda: wheel_with({f"{INFO}/entry_points.txt": b"[a]\nx=y z\n"}), "'y z'; expected module:object"),
    ("an absolute member", WHEEL, lambda: wheel_with({"/etc/x": b""}), "member named '/etc/x'"),
    ("a drive", WHEEL, lambda: wheel_with({"C:/x": b""}), "member named 'C:/x'"),
    ("a member outside", WHEEL, lambda: wheel_with({"../x": b""}), "member named '../x'"),
    ("a member outside, later", WHEEL, lambda: wheel_with({"x/../../y": b""}), "without '..'"),
    ("a backslash", WHEEL, lambda: renamed(wheel_with({"x/abc": b""}), b"x/abc", b"x\\abc"), "without '..', backslashes"),
    ("a control character", WHEEL, lambda: renamed(wheel_with({"x/abc": b""}), b"x/abc", b"x/a\nc"), "control characters"),
    ("a NUL", WHEEL, lambda: renamed(wheel_with({"x/abc": b""}), b"x/abc", b"x/a\0c"), "control characters"),
    ("a member of no name", WHEEL, lambda: renamed(wheel_with({"xx": b""}), b"xx", b".."), "member named"),
    ("a member called .", WHEEL, lambda: wheel_with({".": b""}), "member without a name"),
    ("a member twice", WHEEL, lambda: zip_with(zipfile.ZipInfo("x.py")), "has x.py twice"),
    ("a member twice, spelt otherwise", WHEEL, lambda: wheel_with({"./x.py": b""}), "has x.py twice"),
    ("a link outside", WHEEL, lambda: zip_link("../../etc/passwd"), "link at x/link to '../../etc/passwd'"),
    ("a link to the root", WHEEL, lambda: zip_link("/etc/passwd"), "link at x/link to '/etc/passwd'"),
    ("a link to nowhere", WHEEL, lambda: zip_link(""), "link at x/link to ''"),
    ("a long link", WHEEL, lambda: zip_link("x" * 5000), "at most 4096 are read"),
    ("bzip2 in a wheel", WHEEL, lambda: zip_with(zipfile.ZipInfo("y"), b"", zipfile.ZIP_BZIP2), "neither stored nor deflated"),
    ("an encrypted member", WHEEL, encrypted, "is encrypted"),
    ("a bomb", WHEEL, zip_bomb, "unpacks to more than 50 times its size"),
    ("what says it is a bomb", WHEEL, lambda: zip_bomb(lying=True), "unpacks to more than 50 times its size"),
    ("an sdist that is a bomb", SDIST, tar_bomb, "unpacks to more than"),
    ("no PKG-INFO", SDIST, lambda: sdist_with({"x-1.0/PKG-INFO": None}), "no x-1.0/PKG-INFO"),
    ("PKG-INFO too deep", SDIST, lambda: sdist_with({"x-1.0/PKG-INFO": None, "x-1.0/y/PKG-INFO": METADATA}), "no x-1.0/PKG-INFO"),
    ("no PKG-INFO in a zip", "x-1.0.zip", lambda: zip_archive([("x-1.0/x.py", b"")]), "no x-1.0/PKG-INFO"),
    ("two folders at the top", SDIST, lambda: sdist_with({"y/x.py": b""}), r"2 members at its top \(x-1.0, y\)"),
    ("a file at the top", SDIST, lambda: sdist_with({"setup.py": b""}), "2 members at its top"),
    ("nothing but a file", SDIST, lambda: tar_archive([("PKG-INFO", METADATA)]), "expected one folder"),
    ("nothing at all", SDIST, lambda: tar_archive([]), "0 members at its top"),
    ("two folders at the top of a zip", "x-1.0.zip", lambda: zip_archive([*SOURCE.items(), ("y/z", b"")]), "2 members"),
    ("an absolute member of an sdist", SDIST, lambda: sdist_with({"/x-1.0/y": b""}), "member named '/x-1.0/y'"),
    ("an outside member of an sdist", SDIST, lambda: sdist_with({"x-1.0/../../y": b""}), "without '..'"),
    ("a member of an sdist twice", SDIST, lambda: tar_with("x-1.0/x.py"), "has x-1.0/x.py twice"),
    ("PKG-INFO twice", SDIST, lambda: tar_with("x-1.0/PKG-INFO"), "has x-1.0/PKG-INFO twice"),
    ("a symbolic link outside", SDIST, lambda: tar_with("x-1.0/y", tarfile.SYMTYPE, "../../etc"), "link at x-1.0/y to"),
    ("an absolute symbolic link", SDIST, lambda: tar_with("x-1.0/y", tarfile.SYMTYPE, "/etc"), "link at x-1.0/y to '/etc'"),
    ("a hard link outside", SDIST, lambda: tar_with("x-1.0/y", tarfile.LNKTYPE, "x-1.0/../../etc"), "link at x-1.0/y to"),
    ("a long link outside", SDIST, lambda: tar_with("x-1.0/y", tarfile.SYMTYPE, "a/" * 99 + "../" * 200), "link at"),
    ("a device", SDIST, lambda: tar_with("x-1.0/y", tarfile.CHRTYPE), "is a device or such"),
    ("a pipe", SDIST, lambda: tar_with("x-1.0/y", tarfile.FIFOTYPE), "is a device or such"),
    ("a sparse member (GNU)", SDIST, sparse, "is sparse"),
    ("a sparse member (pax)", SDIST, lambda: tar_with("x-1.0/y", GNU__sparse__major="1"), "is sparse"),
    ("a header that is broken", "x-1.0.tar", lambda: renamed(unpacked(sdist("x", "1.0")), b"x.py", b"y.py"), "checksum"),
]  # fmt: skip


@pytest.mark.parametrize(("filename", "build"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD])
def test_good_archives_are_taken(filename: str, build: Callable[[], bytes]) -> None:
    inspected = check_archive(io.BytesIO(build()), parse_filename(filename))
    assert parse(inspected.metadata).metadata_version == "2.1"


@pytest.mark.parametrize(("filename", "build", "sentence"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_says_what_is_wrong_with_an_archive(filename: str, build: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(TwistedPyPIError, match=sentence) as raised:
        check_archive(io.BytesIO(build()), parse_filename(filename))
    assert filename in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_bomb_costs_no_memory() -> None:
    for filename, archive in ((WHEEL, zip_bomb(lying=True)), (SDIST, tar_bomb())):
        tracemalloc.start()
        with pytest.raises(TwistedPyPIError):
            check_archive(io.BytesIO(archive), parse_filename(filename))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 << 20


def test_an_archive_may_not_have_members_without_end() -> None:
    archive = zip_archive((f"x-1.0/{n}", b"") for n in range(200_001))
    with pytest.raises(TwistedPyPIError, match="more than 200000 members"):
        check_archive(io.BytesIO(archive), parse_filename("x-1.0.zip"))


@pytest.mark.parametrize(
    ("filename", "archive", "headers"),
    [
        (WHEEL, wheel_with({f"{INFO}/licenses/a/LICENSE": b""}), "Metadata-Version: 2.4\nLicense-File: a/LICENSE"),
        (WHEEL, wheel_with({}), "Metadata-Version: 2.1\nLicense-File: elsewhere"),
        (WHEEL, wheel_with({}), "Metadata-Version: 2.99"),
        (WHEEL, wheel_with({}), "Metadata-Version: 1.0"),
        (SDIST, sdist_with({"x-1.0/LICENSE": b""}), "Metadata-Version: 2.4\nLicense-File: LICENSE"),
        ("x-1.0.zip", zip_archive([*SOURCE.items(), ("x-1.0/a/L", b"")]), "Metadata-Version: 2.5\nLicense-File: a/L"),
    ],
)
def test_metadata_that_keeps_its_word(filename: str, archive: bytes, headers: str) -> None:
    inspected = check_archive(io.BytesIO(archive), parse_filename(filename))
    check_metadata(parse(f"{headers}\nName: x\nVersion: 1\n".encode()), filename, inspected.licenses)


@pytest.mark.parametrize(
    ("filename", "archive", "headers", "sentence"),
    [
        (WHEEL, wheel_with({"LICENSE": b""}), "Metadata-Version: 2.4\nLicense-File: LICENSE", "licence file 'LICENSE'"),
        (WHEEL, wheel_with({}), "Metadata-Version: 2.4\nLicense-File: ../LICENSE", "licence file '../LICENSE'"),
        (SDIST, sdist_with({}), "Metadata-Version: 2.6\nLicense-File: COPYING", "licence file 'COPYING', which is not"),
        (
            WHEEL,
            wheel_with({}),
            "Metadata-Version: 3.0",
            "'3.0' of x-1.0-py3-none-any.whl is not known; expected 1.0 to",
        ),
        (WHEEL, wheel_with({}), "Metadata-Version: new", "'new' of"),
        (SDIST, sdist_with({}), "Home-page: a", "no Metadata-Version; expected 1.0 to 2.6"),
    ],
)
def test_metadata_that_does_not(filename: str, archive: bytes, headers: str, sentence: str) -> None:
    inspected = check_archive(io.BytesIO(archive), parse_filename(filename))
    with pytest.raises(BadMetadata, match=sentence):
        check_metadata(parse(f"{headers}\nName: x\nVersion: 1\n".encode()), filename, inspected.licenses)
