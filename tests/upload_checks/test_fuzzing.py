"""Whatever strangers send, it is taken or refused with a sentence, and nothing else is ever raised."""

import io
import random
import tarfile
import warnings
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadFilename, TwistedPyPIError
from twisted_pypi.testing.archives import sdist, tar_archive, wheel, zip_archive
from twisted_pypi.upload_checks import check_archive, check_fields, check_release, check_version

NAMES = st.sampled_from(
    ["x.py", "./x.py", "x/", "../x", "/x", "x\\y", "C:x", "x-1.0", "x-1.0/PKG-INFO", "x-1.0/y", "", ".", "//", "\x00"]
    + [f"x-1.0.dist-info/{each}" for each in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/L")]
) | st.text(max_size=20)
CONTENTS = st.sampled_from(
    [b"", b"Metadata-Version: 2.1\nName: x\nVersion: 1.0\n", b"Wheel-Version: 1.0\n", b"[a]\nb = c:d\n", b"\xff\0"]
)


def refuses_or_takes(filename: str, archive: bytes) -> None:
    """Fail unless there is an answer, and one that is one sentence."""
    try:
        check_archive(io.BytesIO(archive), parse_filename(filename))
    except TwistedPyPIError as error:
        assert "\n" not in str(error)  # noqa: PT017  # that none is raised is fine as well
        str(error).encode()


@given(st.lists(st.tuples(NAMES, CONTENTS, st.integers(0, 0xFFFFFFFF)), max_size=8))
@settings(deadline=None)
def test_any_zip_archive(members: list[tuple[str, bytes, int]]) -> None:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for name, data, attributes in members:
            member = zipfile.ZipInfo(name.encode("utf-8", "replace").decode() or "x")
            member.external_attr = attributes
            archive.writestr(member, data)
    for filename in ("x-1.0-py3-none-any.whl", "x-1.0.zip"):
        refuses_or_takes(filename, out.getvalue())


@given(
    st.lists(
        st.tuples(NAMES, CONTENTS, st.sampled_from([*tarfile.SUPPORTED_TYPES, b"g", b"x", b"?"]), NAMES), max_size=8
    )
)
@settings(deadline=None)
def test_any_tar_archive(members: list[tuple[str, bytes, bytes, str]]) -> None:
    out = io.BytesIO()
    for name, data, kind, target in members:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, target, len(data)
        out.write(member.tobuf(tarfile.GNU_FORMAT, "utf-8", "replace") + data + bytes(-len(data) % 512))
    refuses_or_takes("x-1.0.tar", out.getvalue() + bytes(1024))


@pytest.mark.parametrize(
    ("filename", "build"),
    [
        ("x-1.0-py3-none-any.whl", lambda: wheel("x", "1.0")),
        ("x-1.0.tar.gz", lambda: sdist("x", "1.0")),
        ("x-1.0.tar", lambda: tar_archive([("x-1.0/PKG-INFO", b"Name: x\n"), ("x-1.0/" + "y" * 200, b"")], "w")),
        ("x-1.0.zip", lambda: zip_archive([("x-1.0/PKG-INFO", b"Name: x\n")])),
    ],
)
def test_damaged_archives(filename: str, build: Callable[[], bytes]) -> None:
    whole = build()
    chance = random.Random(filename)  # noqa: S311  # the same damage each time, not a secret
    for _ in range(800):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.choice((0, 1, 0x20, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        refuses_or_takes(filename, bytes(broken))


@given(
    st.from_regex(r"[A-Za-z0-9._-]{1,12}-[0-9][A-Za-z0-9.+!-]{0,6}(\.tar\.gz|\.zip|\.exe|\.egg)", fullmatch=True)
    | st.from_regex(r"[a-z._]{1,6}-1\.0(-[0-9a-z._]{1,8}){2,5}\.whl", fullmatch=True),
    st.dictionaries(st.sampled_from(["filetype", "pyversion", "protocol_version", "metadata_version"]), st.text()),
)
def test_any_name_and_fields(filename: str, fields: dict[str, str]) -> None:
    try:
        distribution = parse_filename(filename)
    except BadFilename:
        return
    for check in (
        lambda: check_fields(distribution, fields.get),
        lambda: check_version(distribution),
        lambda: check_release(distribution, [parse_filename("x-1.0-py3-none-any.whl"), distribution]),
    ):
        try:
            check()
        except TwistedPyPIError as error:
            assert str(error)  # noqa: PT017  # that none is raised is fine as well
