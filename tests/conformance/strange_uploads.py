"""Uploads that strangers may send, as Hypothesis strategies: right, nearly right, and anything."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance import corpus
from tests.conformance.forms import BOUNDARY
from tests.conformance.rows import Request
from tests.conformance.strangers import rarely
from twisted_pypi.testing.archives import core_metadata, sdist, wheel, zip_archive

_METADATA = core_metadata("good", "1.0")
_ARCHIVES = (
    ("good-1.0-py3-none-any.whl", wheel("good", "1.0")),
    ("good-1.0.tar.gz", sdist("good", "1.0")),
    ("good-1.0.zip", zip_archive([("good-1.0/PKG-INFO", _METADATA)])),
    ("good-1.0-py2.7.egg", zip_archive([("EGG-INFO/PKG-INFO", _METADATA)])),
)
_SUSPECT_NAMES = (
    *("", "../good-1.0.zip", "/good-1.0.zip", "..\\good-1.0.zip", ".good-1.0.zip", "good-1.0.zip\x00", "good.zip"),
    *("g\u00f6\u00f6d-1.0.zip", "good-1.0.whl", "good-1.0.zip.json", ".good-1.0.zip.json", "good-1.0.zip.asc", "-.zip"),
    *("x" * 300 + "-1.0.zip", "good-1.0.zip/", "good-1.0.zip\n", "~good-1.0.zip"),
)
_NAMES = st.one_of(st.sampled_from(_SUSPECT_NAMES), st.text(max_size=30))


@st.composite
def archives(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name and the bytes of a file."""
    name, content = draw(st.sampled_from(_ARCHIVES))
    damaged = bytearray(content)
    if draw(st.booleans()):
        places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
        for at, byte in draw(st.lists(places, max_size=6)):
            damaged[at] = byte
    whole = bytes(damaged[: rarely(draw, st.integers(0, len(damaged)), len(damaged))])
    return rarely(draw, _NAMES, name), rarely(draw, st.binary(max_size=200), whole)


_FIELDS = (
    *(("name", "good"), ("name", "Good"), ("version", "1.0"), ("version", "1"), ("metadata_version", "2.1")),
    *(("protocol_version", "1"), ("requires_python", ""), ("classifiers", "x"), ("comment", "UNKNOWN")),
)
_SUSPECT_FIELDS = (
    *("name", "version", "filetype", "pyversion", "md5_digest", "sha256_digest", "blake2_256_digest", "attestations"),
    *("content", "gpg_signature", "metadata_version", "", "x" * 300),
)
_SUSPECT_VALUES = st.one_of(st.sampled_from(("", "0" * 64, "[]", "\ud800", "../x", "a\r\nb")), st.text(max_size=30))
_OTHER_FIELDS = st.lists(st.tuples(st.sampled_from(_SUSPECT_FIELDS), _SUSPECT_VALUES), max_size=3)
_OTHER_FILES = st.lists(st.tuples(st.sampled_from(("content", "gpg_signature", "other")), archives()), max_size=2)
_ACTIONS = (*["file_upload"] * 10, "submit", "remove_pkg", "verify", "")


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """The body of an upload, whole or not."""
    end = rarely(draw, st.just(b"\n"), b"\r\n")
    fields = [(":action", draw(st.sampled_from(_ACTIONS))), *draw(st.lists(st.sampled_from(_FIELDS), max_size=6))]
    parts = []
    for name, value in [*fields, *rarely(draw, _OTHER_FIELDS, [])]:
        disposition = f'Content-Disposition: form-data; name="{name}"'
        parts.append(end.join((disposition.encode(), b"", value.encode("utf-8", "surrogatepass"))))
    for name, (filename, content) in [("content", draw(archives())), *rarely(draw, _OTHER_FILES, [])]:
        escaped = filename.replace('"', "%22").replace("\r", " ").replace("\n", " ")
        disposition = f'Content-Disposition: form-data; name="{name}"; filename="{escaped}"'
        parts.append(end.join((disposition.encode("utf-8", "replace"), b"", content)))
    dashes = b"--" + BOUNDARY.encode()
    body = b"".join(dashes + end + part + end for part in parts) + dashes + b"--" + end
    body = draw(st.sampled_from((b"", end, b"preamble" + end))) + body
    return body[: rarely(draw, st.integers(0, len(body)), len(body))]


_CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
_OTHER_CONTENT_TYPES = st.sampled_from(
    (
        *(f'multipart/form-data; boundary="{BOUNDARY}"', f"{_CONTENT_TYPE}; charset=utf-8", "multipart/form-data"),
        *("multipart/form-data; boundary=", "multipart/form-data; boundary=\xff", "application/x-www-form-urlencoded"),
        *("text/plain", "", "multipart/form-data; boundary=" + "x" * 2000),
    )
)
_OTHER_PLACES = st.sampled_from(
    ["/legacy/", "/simple/", "/pypi", "/RPC2", "/packages/", "/simple/acme-core/", "//", "/%00"]
)


@st.composite
def uploads(draw: st.DrawFn) -> Request:
    """A POST."""
    lines = (
        f"Content-Type: {rarely(draw, _OTHER_CONTENT_TYPES, _CONTENT_TYPE)}",
        rarely(draw, st.just("X-Y: no login"), corpus.LOGIN),
        draw(st.sampled_from(("Accept: */*", "Accept: application/json", "Accept: text/html"))),
    )
    data = rarely(draw, st.binary(max_size=300), draw(forms()))
    return Request(rarely(draw, _OTHER_PLACES, "/"), lines, "POST", data)
