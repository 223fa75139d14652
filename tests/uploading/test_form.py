from hashlib import blake2b, md5, sha256

import pytest

from twisted_pypi.errors import BadFilename, BadUpload, TwistedPyPIError
from twisted_pypi.testing.memory_store import MemoryStore
from twisted_pypi.uploading import UploadForm
from twisted_pypi.uploading.form import check_digests, check_name

DATA = b"data"
MD5 = md5(DATA, usedforsecurity=False).hexdigest()
SHA256 = sha256(DATA).hexdigest()
BLAKE2_256 = blake2b(DATA, digest_size=32).hexdigest()
BLAKE2_512 = blake2b(DATA).hexdigest()


def form(filename: str = "x-1.0.tar.gz", **fields: str) -> UploadForm:
    return UploadForm({name: (value,) for name, value in fields.items()}, filename)


@pytest.mark.parametrize("absent", ["", " ", "UNKNOWN", "None"])
def test_a_field_that_says_nothing_is_absent(absent: str) -> None:
    assert form(name=absent).value("name") is None
    assert UploadForm({"name": (absent, " x ")}, "x").value("name") == "x"
    assert form().value("name") is None


@pytest.mark.parametrize(
    ("filename", "name", "version", "project"),
    [
        ("x-1.0.tar.gz", "x", "1.0", "x"),
        ("x-1.0.tar.gz", "X", "1", "x"),
        ("Spam.Eggs-1.0-py3-none-any.whl", "spam_eggs", "1.0", "spam-eggs"),
        ("x-1.0_1-py3-none-any.whl", "x", "1.0-1", "x"),
        ("x-1.0+abc.1-py3-none-any.whl", "x", "1.0+abc-1", "x"),
        ("x-2004d.odd.tar.gz", "x", "2004d odd", "x"),
        ("upl-py27-st41-1.0.tar.gz", "upl-py27-st41", "1.0", "upl-py27-st41"),
        ("upl-2-1.0.tar.gz", "upl", "2-1.0", "upl"),
        ("x-1.0.win-amd64-py3.8.exe", "x", "1.0", "x"),
        ("x-1.0.tar.gz", "", "", "x"),
        ("x-1.0.tar.gz", "UNKNOWN", "None", "x"),
    ],
)
def test_file_name_and_fields_agree(filename: str, name: str, version: str, project: str) -> None:
    assert check_name(form(filename, name=name, version=version)).project == project


@pytest.mark.parametrize(
    ("filename", "name", "version", "error", "reason"),
    [
        ("y-1.0.tar.gz", "x", "1.0", BadFilename, "does not start with the project name"),
        ("y-1.0-py3-none-any.whl", "x", "1.0", BadUpload, "the form says x"),
        ("x-1.1.tar.gz", "x", "1.0", BadUpload, "the form says 1.0"),
        ("x-1.0.tar.gz", "-x", "1.0", BadUpload, "not valid"),
        ("x-1.0.tar.gz", "x\n", "2.0", BadUpload, "the form says 2.0"),
        ("x-1.0.txt", "x", "1.0", BadFilename, "does not end like a package"),
        ("x-1.0.tar.gz.asc", "x", "1.0", BadFilename, "does not end like a package"),
        ("../x-1.0.tar.gz", "x", "1.0", BadFilename, "slash"),
        ("..\\x-1.0.tar.gz", "x", "1.0", BadFilename, "slash"),
        ("C:\\x-1.0.tar.gz", "x", "1.0", BadFilename, "slash"),
        (".x-1.0.tar.gz", "x", "1.0", BadFilename, "starts with a dot"),
        (".", "x", "1.0", BadFilename, "starts with a dot"),
        ("x" * 300 + "-1.0.tar.gz", "x", "1.0", BadFilename, "too long"),
        ("x\x7f-1.0.tar.gz", "x", "1.0", BadFilename, "control character"),
        ("x\r\n-1.0.tar.gz", "x", "1.0", BadFilename, "control character"),
        ("x-1.0\0.tar.gz", "x", "1.0", BadFilename, "control character"),
        ("", "x", "1.0", BadFilename, "end like a package"),
        ("x" * 250 + "-1.0.zip", "x", "1.0", BadFilename, "too long"),
    ],
)
def test_says_where_file_name_and_fields_disagree(
    filename: str, name: str, version: str, error: type[TwistedPyPIError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        check_name(form(filename, name=name, version=version))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"md5_digest": MD5, "sha256_digest": SHA256, "blake2_256_digest": BLAKE2_256},
        {"md5_digest": MD5.upper(), "sha256_digest": SHA256.upper(), "blake2_256_digest": BLAKE2_256.upper()},
        {"blake2_256_digest": BLAKE2_512},
        {"md5_digest": "", "sha256_digest": "None"},
    ],
)
def test_digests_agree(fields: dict[str, str]) -> None:
    staged = MemoryStore().stage(None, ())
    staged.write(DATA)
    check_digests(form(**fields), staged)
    staged.discard()


def test_of_a_digest_that_is_given_twice_both_count() -> None:
    staged = MemoryStore().stage(None, ())
    staged.write(DATA)
    with pytest.raises(BadUpload, match="sha256_digest"):
        check_digests(UploadForm({"sha256_digest": (SHA256, "0" * 64)}, "x"), staged)
    staged.discard()


@pytest.mark.parametrize(
    "fields",
    [
        {"md5_digest": "0" * 32},
        {"sha256_digest": "0" * 64},
        {"blake2_256_digest": "0" * 64},
        {"blake2_256_digest": "0" * 128},
        {"sha256_digest": MD5},
        {"sha256_digest": "x" * 64},
        {"md5_digest": MD5, "sha256_digest": SHA256, "blake2_256_digest": SHA256},
    ],
)
def test_one_digest_that_disagrees_is_enough(fields: dict[str, str]) -> None:
    staged = MemoryStore().stage(None, ())
    staged.write(DATA)
    with pytest.raises(BadUpload, match=f"{list(fields)[-1]}"):
        check_digests(form(**fields), staged)
    staged.discard()
