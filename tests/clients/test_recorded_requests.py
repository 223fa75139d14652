"""The recorded requests of old programs, sent to a real server."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.archives import Archive, sdist, wheel
from tests.clients.fixtures import PASSWORD, USER, serving
from tests.clients.recorded import (
    PIP_9,
    PIP_21,
    answer_to,
    distutils_register,
    distutils_upload,
    easy_install,
    pip_file,
    pip_page,
)
from tests.clients.server import Answer, Process

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
CORE = wheel("acme-core", "1.0+old.1")
SOURCE = Archive("upl-py27-st41-1.0.tar.gz", sdist("upl-py27-st41", "1.0").content)
PIPS = pytest.mark.parametrize("agent", [PIP_9, PIP_21], ids=["pip-9", "pip-21"])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server on a folder with two projects."""
    with serving(tmp_path_factory.mktemp("index"), (CORE, SOURCE)) as server:
        yield server


def _page(answer: Answer) -> str:
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    return (gzip.decompress(answer.body) if answer.headers["Content-Encoding"] == "gzip" else answer.body).decode()


@PIPS
def test_pip_reads_a_page(agent: bytes, index: Process) -> None:
    page = _page(answer_to(index.port, pip_page(agent, b"/simple/acme-core/", index.port)))
    assert f"#sha256={CORE.sha256}" in page
    assert 'data-requires-python="&gt;=3.6"' in page


@PIPS
def test_pip_fetches_a_file(agent: bytes, index: Process) -> None:
    path = b"/packages/acme_core-1.0%2Bold.1-py3-none-any.whl"
    answer = answer_to(index.port, pip_file(agent, path, index.port))
    assert (answer.status, answer.body) == (200, CORE.content)
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["Content-Length"] == str(len(CORE.content))


@PIPS
@pytest.mark.parametrize("path", [b"/simple/Acme_Core/", b"/simple/acme-core"])
def test_pip_is_led_to_the_page(agent: bytes, path: bytes, index: Process) -> None:
    answer = answer_to(index.port, pip_page(agent, path, index.port))
    assert answer.status == 301
    assert answer.headers["Location"].endswith("/simple/acme-core/")


def test_easy_install_reads_a_page_without_saying_what_it_takes(index: Process) -> None:
    answer = answer_to(index.port, easy_install(b"/simple/upl-py27-st41/", index.port))
    assert f"#sha256={SOURCE.sha256}" in _page(answer)
    assert answer.headers["Content-Encoding"] is None


def test_easy_install_fetches_an_sdist(index: Process) -> None:
    answer = answer_to(index.port, easy_install(b"/packages/upl-py27-st41-1.0.tar.gz", index.port))
    assert (answer.status, answer.body, answer.headers["Content-Encoding"]) == (200, SOURCE.content, None)


@pytest.mark.parametrize("python", ["2.7", "3.6", "3.9"])
def test_distutils_uploads(python: str, uploads: Process, root: Path) -> None:
    request = distutils_upload(SOURCE, "upl-py27-st41", "1.0", LOGIN, uploads.port, python=python)
    answer = answer_to(uploads.port, request)
    assert (answer.status, answer.reason) == (200, "OK"), answer.body
    assert (root / SOURCE.filename).read_bytes() == SOURCE.content
    assert SOURCE.filename in uploads.get("/simple/upl-py27-st41/").text
    again = answer_to(uploads.port, request)
    assert (again.status, again.reason) == (200, "OK")


def test_distutils_is_told_why_in_the_reason_phrase(uploads: Process, root: Path) -> None:
    SOURCE.put_into(root)
    assert uploads.comes_true(lambda: uploads.get("/simple/upl-py27-st41/").status == 200)
    other = Archive(SOURCE.filename, sdist("upl-py27-st41", "1.0", ["other"]).content)
    answer = answer_to(uploads.port, distutils_upload(other, "upl-py27-st41", "1.0", LOGIN, uploads.port))
    assert answer.status == 409
    assert answer.reason.startswith("File already exists")
    assert (root / SOURCE.filename).read_bytes() == SOURCE.content


@pytest.mark.parametrize("login", [f"{USER}:wrong", ":", f"nobody:{PASSWORD}"])
def test_distutils_with_a_wrong_login(login: str, uploads: Process, root: Path) -> None:
    answer = answer_to(uploads.port, distutils_upload(SOURCE, "upl-py27-st41", "1.0", login, uploads.port))
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="pypi"')
    assert list(root.glob("*.gz")) == []


def test_register_asks_without_a_login_first(uploads: Process) -> None:
    answer = answer_to(uploads.port, distutils_register("acme", "1.0", None, uploads.port))
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="pypi"')


@pytest.mark.parametrize("action", ["submit", "verify"])
def test_register_with_bare_line_feeds(action: str, uploads: Process) -> None:
    answer = answer_to(uploads.port, distutils_register("acme", "1.0", LOGIN, uploads.port, action))
    assert (answer.status, answer.reason) == (200, "OK"), answer.body
