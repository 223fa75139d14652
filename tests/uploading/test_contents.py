from hashlib import sha256
from pathlib import Path

import pytest

from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadFilename, BadMetadata, BadUpload, TwistedPyPIError
from twisted_pypi.testing.archives import core_metadata, sdist, tar_archive, wheel, zip_archive
from twisted_pypi.uploading.contents import Contents, check_contents, look_into

WHEEL = "x-1.0-py3-none-any.whl"


def check(folder: Path, filename: str, data: bytes, *, name_is_known: bool = True, strict: bool = True) -> Contents:
    (folder / "staged").write_bytes(data)
    read = check_contents if strict else look_into
    return read(str(folder / "staged"), parse_filename(filename), name_is_known=name_is_known)


def wheel_of(folder: str, metadata: bytes) -> bytes:
    return zip_archive(
        [
            (f"{folder}.dist-info/METADATA", metadata),
            (f"{folder}.dist-info/WHEEL", b"Wheel-Version: 1.0\n"),
            (f"{folder}.dist-info/RECORD", b""),
        ]
    )


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        (WHEEL, wheel("x", "1.0", "Requires-Python: >=3.9")),
        ("x-1.0.tar.gz", sdist("x", "1.0", "Requires-Python: >=3.9")),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_what_is_known_of_a_good_archive(tmp_path: Path, filename: str, data: bytes, strict: bool) -> None:
    metadata = core_metadata("x", "1.0", "Requires-Python: >=3.9")
    expected = Contents(parse_filename(filename), metadata, sha256(metadata).hexdigest(), ">=3.9")
    assert check(tmp_path, filename, data, strict=strict) == expected


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        (WHEEL, b""),
        (WHEEL, b"<html>"),
        (WHEEL, zip_archive([("x.py", b"")])),
        ("x-1.0.tar.gz", b""),
        ("x-1.0.tar.gz", b"<html>"),
        ("x-1.0.tar.gz", tar_archive([("x-1.0/setup.py", b"")])),
        ("x-1.0.zip", zip_archive([("x-1.0/setup.py", b"")])),
        ("x-1.0-py2.7.egg", zip_archive([("x.py", b"")])),
        ("x-1.0.tar.Z", b"\x1f\x9d what cannot be opened"),
        ("x-1.0.win32.msi", b"what cannot be opened"),
        ("x-1.0.win32.exe", b"MZ what cannot be opened"),
        ("x-1.0.win32.exe", b""),
        ("x-1.0.linux-x86_64.tar.gz", tar_archive([("usr/lib/x.py", b"")])),
    ],
)
def test_by_names_alone_anything_may_be_in_a_file(tmp_path: Path, filename: str, data: bytes) -> None:
    assert check(tmp_path, filename, data, strict=False) == Contents(parse_filename(filename))


def test_by_names_alone_metadata_is_kept_as_it_is(tmp_path: Path) -> None:
    contents = check(tmp_path, "x-1.0.tar.gz", tar_archive([("x-1.0/PKG-INFO", b"Name: x\n")]), strict=False)
    assert (contents.metadata, contents.requires_python) == (b"Name: x\n", None)
    contents = check(tmp_path, WHEEL, wheel("y", "2.0", "Requires-Python: >=3"), strict=False)
    assert (contents.metadata, contents.requires_python) == (core_metadata("y", "2.0", "Requires-Python: >=3"), ">=3")
    assert contents.distribution == parse_filename(WHEEL)


@pytest.mark.parametrize(
    ("filename", "data", "error", "reason"),
    [
        (WHEEL, b"", BadUpload, "empty"),
        (WHEEL, b"<html>", BadMetadata, "not a whole zip"),
        (WHEEL, wheel("x", "1.0")[:-1], BadMetadata, "not a whole zip"),
        (WHEEL, zip_archive([("x.py", b"")]), BadMetadata, "expected one"),
        (WHEEL, wheel_of("x-1.0", b"Name: x\n"), BadMetadata, "no Version"),
        (WHEEL, wheel_of("x-1.0", b""), BadMetadata, "no Name"),
        (WHEEL, wheel_of("x-1.0", b"Name: x\nVersion: 1.0\n"), BadMetadata, "no Metadata-Version"),
        (WHEEL, wheel_of("x-1.0", core_metadata("y", "1.0")), BadUpload, "of project y"),
        (WHEEL, wheel_of("x-1.0", core_metadata("x", "2.0")), BadUpload, "of version 2.0"),
        ("x-1.0.tar.gz", tar_archive([("x-1.0/setup.py", b"")]), BadMetadata, "no x-1.0/PKG-INFO"),
        ("x-odd.tar.gz", sdist("x", "odd"), BadFilename, "the version 'odd'"),
        ("x-1.0.tar.gz", b"<html>", BadMetadata, "damaged|ends too early"),
        ("x-1.0.tar.gz", sdist("x", "1.0")[:60], BadMetadata, "damaged|too early"),
        ("x-1.0.tar.gz", sdist("y", "1.0"), BadUpload, "of project y"),
        ("x-1.0.tar.gz", sdist("x", "2.0"), BadUpload, "of version 2.0"),
    ],
)
def test_says_what_is_wrong_with_a_file(
    tmp_path: Path, filename: str, data: bytes, error: type[TwistedPyPIError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        check(tmp_path, filename, data)


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("My_App-1.0-py3-none-any.whl", "My App", "1.0"),
        ("x-1.0.post1-py3-none-any.whl", "x", "1.0-1"),
        ("x-1.0.0-py3-none-any.whl", "X", "1.0.0"),
    ],
)
def test_spellings_do_not_count(tmp_path: Path, filename: str, name: str, version: str) -> None:
    metadata = core_metadata(name, version)
    assert check(tmp_path, filename, wheel_of(filename.partition("-py3")[0], metadata)).metadata == metadata


@pytest.mark.parametrize("strict", [True, False])
def test_metadata_settles_where_an_old_name_splits_when_the_form_does_not(tmp_path: Path, strict: bool) -> None:
    found = check(tmp_path, "up-2-1-2.tar.gz", sdist("up-2", "1-2"), name_is_known=False, strict=strict)
    assert found.distribution.project == "up-2"
