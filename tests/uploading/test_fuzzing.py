"""Whatever the form and its file are, the upload is taken or refused with a sentence."""

from typing import Any

import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.config import UploadChecks
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.testing.archives import sdist, wheel
from twisted_pypi.testing.memory_index import MemoryIndex
from twisted_pypi.testing.memory_store import MemoryStore
from twisted_pypi.uploading import Uploader, UploadForm
from twisted_pypi.web.replies import text_reply

FILENAMES = (
    st.sampled_from(["x-1.0-py3-none-any.whl", "x-1.0.tar.gz", "x-1.0.zip", "X-1.exe", "x-1-py2.7.egg", "../x-1.whl"])
    | st.from_regex(r"\.?[A-Za-z0-9._ \\/-]{0,9}-[0-9v!+a.-]{1,9}(-[a-z0-9._]{0,6}){0,4}(\.whl|\.tar\.gz|\.zip|)")
    | st.text()
)
NAMES = ["name", "version", "filetype", "pyversion", "protocol_version", "metadata_version", "attestations"]
VALUES = st.lists(st.sampled_from(["x", "1.0", "sdist", "source", "2.1", "[]", "[{}]", "UNKNOWN", ""]) | st.text())
FIELDS = st.dictionaries(
    st.sampled_from([*NAMES, "md5_digest", "sha256_digest", "blake2_256_digest"]), VALUES.map(tuple), max_size=4
)
FILES = st.sampled_from([wheel("x", "1.0"), sdist("x", "1.0"), b"", b"PK\3\4"]) | st.binary(max_size=99)


async def at_once(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def outcome(form: UploadForm, data: bytes, checks: UploadChecks) -> KnownFile:
    store = MemoryStore()
    uploader = Uploader(store, MemoryIndex(), overwrite=False, run_in_thread=at_once, clock=lambda: 1.0, checks=checks)
    staged = store.stage(None, ())
    try:
        staged.write(data)
        return await uploader.accept(form, lambda: staged, None)
    finally:
        staged.discard()


@given(FILENAMES, FIELDS, FILES, st.sampled_from(UploadChecks))
@settings(deadline=None)
def test_any_form(filename: str, fields: dict[str, tuple[str, ...]], data: bytes, checks: UploadChecks) -> None:
    found: list[object] = []
    Deferred.fromCoroutine(outcome(UploadForm(fields, filename), data, checks)).addBoth(found.append)
    if isinstance(found[0], Failure):
        error = found[0].value
        assert isinstance(error, TwistedPyPIError), found[0].getTraceback()
        reply = text_reply(400, str(error))
        assert reply.reason is not None
        assert b"\n" not in reply.reason


@pytest_twisted.ensureDeferred
async def test_some_forms_are_taken() -> None:
    for filename, data in (("x-1.0-py3-none-any.whl", wheel("x", "1.0")), ("x-1.0.tar.gz", sdist("x", "1.0"))):
        assert (await outcome(UploadForm({}, filename), data, UploadChecks.STRICT)).filename == filename
