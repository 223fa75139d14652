from hashlib import sha256
from pathlib import Path

import pytest

from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadMetadata, BadUpload, TwistedPyPIError
from twisted_pypi.testing.archives import core_metadata, sdist, tar_archive, wheel, zip_archive
from twisted_pypi.uploading.contents import Contents, check_contents

WHEEL = "x-1.0-py3-none-any.whl"


def check(folder: Path, filename: str, data: bytes, *, name_is_known: bool = True) -> Contents:
    (folder / "staged").write_bytes(data)
    return check_contents(str(folder / "staged"), parse_filename(filename), name_is_known=name_is_known)


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        (WHEEL, wheel("x", "1.0", "Requires-Python: >=3.9")),
        ("x-1.0.tar.gz", sdist("x", "1.0", "Requires-Python: >=3.9")),
    ],
)
def test_what_is_known_of_a_good_archive(tmp_path: Path, filename: str, data: bytes) -> None:
    metadata = core_metadata("x", "1.0", "Requires-Python: >=3.9")
    expected = Contents(parse_filename(filename), metadata, sha256(metadata).hexdigest(), ">=3.9")
    assert check(tmp_path, filename, data) == expected


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        ("x-1.0.tar.gz", tar_archive([("x-1.0/setup.py", b"")])),
        ("x-1.0.zip", zip_archive([("x-1.0/setup.py", b"")])),
        ("x-1.0-py2.7.egg", zip_archive([("x.py", b"")])),
        ("x-1.0.tar.Z", b"\x1f\x9d what cannot be opened"),
        ("x-1.0.win32.msi", b"what cannot be opened"),
        ("x-1.0.win32.exe", b"MZ what cannot be opened"),
        ("x-1.0.linux-x86_64.tar.gz", tar_archive([("usr/lib/x.py", b"")])),
    ],
)
def test_old_archives_may_be_without_metadata(tmp_path: Path, filename: str, data: bytes) -> None:
    assert check(tmp_path, filename, data) == Contents(parse_filename(filename))


def test_old_metadata_may_be_without_a_version(tmp_path: Path) -> None:
    contents = check(tmp_path, "x-1.0.tar.gz", tar_archive([("x-1.0/PKG-INFO", b"Name: x\n")]))
    assert (contents.metadata, contents.requires_python) == (b"Name: x\n", None)


@pytest.mark.parametrize(
    ("filename", "data", "error", "reason"),
    [
        (WHEEL, b"", BadUpload, "empty"),
        ("x-1.0.win32.exe", b"", BadUpload, "empty"),
        (WHEEL, b"<html>", BadMetadata, "not a whole zip"),
        (WHEEL, wheel("x", "1.0")[:-1], BadMetadata, "not a whole zip"),
        (WHEEL, zip_archive([("x.py", b"")]), BadMetadata, "no core metadata"),
        (WHEEL, zip_archive([("x-1.0.dist-info/METADATA", b"Name: x\n")]), BadMetadata, "no Version"),
        (WHEEL, wheel("y", "1.0"), BadUpload, "of project y"),
        (WHEEL, wheel("x", "2.0"), BadUpload, "of version 2.0"),
        ("x-1.0.tar.gz", b"<html>", BadMetadata, "damaged|ends too early"),
        ("x-1.0.tar.gz", sdist("x", "1.0")[:60], BadMetadata, "damaged|too early"),
        ("x-1.0.tar.gz", sdist("y", "1.0"), BadUpload, "of project y"),
        ("x-1.0.tar.gz", sdist("x", "2.0"), BadUpload, "of version 2.0"),
        ("x-1.0-py2.7.egg", b"<html>", BadMetadata, "not a whole zip"),
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
        ("x-1.0_1-py3-none-any.whl", "x", "1.0-1"),
        ("x-1.0.0-py3-none-any.whl", "X", "1.0.0"),
    ],
)
def test_spellings_do_not_count(tmp_path: Path, filename: str, name: str, version: str) -> None:
    metadata = core_metadata(name, version)
    data = zip_archive([(f"{filename.partition('-py3')[0]}.dist-info/METADATA", metadata)])
    assert check(tmp_path, filename, data).metadata == metadata


def test_metadata_settles_where_an_old_name_splits_when_the_form_does_not(tmp_path: Path) -> None:
    data = sdist("up-2", "1-2")
    assert check(tmp_path, "up-2-1-2.zip", data, name_is_known=False).distribution.project == "up-2"
