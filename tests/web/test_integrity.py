"""What is attested of files, over HTTP."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from twisted_pypi.attestations import provenance
from twisted_pypi.boundaries import LocatedFile
from twisted_pypi.config import Action
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import LoginRequired, NoSuchFile
from twisted_pypi.sidecars import Sidecar, format_sidecar, sidecar_name
from twisted_pypi.testing.archives import attestation
from twisted_pypi.testing.memory_index import known_file
from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.bodies import IndexRequest, Intake
from twisted_pypi.web.integrity import Integrity
from twisted_pypi.web.replies import Reply, text_reply
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.tree import Handlers, Tree

NAME = "x_y-1.0-py3-none-any.whl"
KNOWN = known_file(NAME)
MADE = attestation(NAME, KNOWN.sha256)
SIDECAR = Sidecar(KNOWN.sha256, attestations=(MADE,), publisher={"kind": "GitHub"})
TYPE = b"application/vnd.pypi.integrity.v1+json"


class OneFile:
    """An index of one file in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def file(self, project: ProjectName, filename: str) -> LocatedFile:
        if (project, filename) != ("x-y", NAME):
            raise NoSuchFile(f"there is no file {filename}")
        return LocatedFile(KNOWN, str(self._folder / NAME))


class Plain:
    """Whatever a site needs besides."""

    headers: tuple[tuple[bytes, bytes], ...] = ()
    prefix = ""

    def page(self, status: int, sentence: str) -> bytes:
        return f"{status} {sentence}".encode()

    def is_trusted(self, _host: str) -> bool:
        return False

    def passes(self, _request: IndexRequest, action: object) -> bool:
        return action is Action.DOWNLOAD

    async def admit(self, _request: IndexRequest, _action: object) -> None:
        raise LoginRequired("a login is needed")

    async def receive(self, _request: IndexRequest, _length: int | None) -> Intake:
        raise AssertionError


async def at_once(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def unused(_request: IndexRequest) -> Reply:
    return text_reply(500, "not asked")


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    plain: Any = Plain()
    index: Any = OneFile(tmp_path)
    handler = Integrity(index, at_once, private=False).get
    others: dict[str, Any] = {each.name: unused for each in fields(Handlers)}
    handlers = Handlers(**others | {"provenance": handler, "simple_shortcut": lambda _: False, "own": {}})
    site = IndexSite(
        Tree(plain, handlers, prefix="", health="/health"),
        plain,
        access_log=None,
        error_pages=plain,
        addresses=plain,
        reactor=ClockWithDate(),
    )
    wire = Wire(site)
    yield wire
    wire.hang_up()


def ask(wire: Wire, path: str = f"/integrity/x-y/1.0/{NAME}/provenance", *lines: str, method: str = "GET") -> bytes:
    return wire.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode())


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    path = tmp_path / sidecar_name(NAME)
    path.write_bytes(format_sidecar(SIDECAR))
    return path


@pytest.mark.usefixtures("sidecar")
@pytest.mark.parametrize("project", ["x-y", "X.Y", "x_y"])
@pytest.mark.parametrize("version", ["1.0", "1.0.0", "v1"])
def test_the_provenance_of_a_file(wire: Wire, project: str, version: str) -> None:
    answer = ask(wire, f"/integrity/{project}/{version}/{NAME}/provenance")
    assert status(answer) == 200
    assert (head(answer)[b"content-type"], head(answer)[b"cache-control"]) == (TYPE, b"no-cache")
    assert body(answer) == provenance([MADE], {"kind": "GitHub"})
    again = ask(wire, f"/integrity/x-y/1.0/{NAME}/provenance", f"If-None-Match: {head(answer)[b'etag'].decode()}")
    assert (status(again), body(again), head(again)[b"etag"]) == (304, b"", head(answer)[b"etag"])
    only_head = ask(wire, method="HEAD")
    assert (status(only_head), body(only_head)) == (200, b"")
    assert head(only_head)[b"content-length"] == head(answer)[b"content-length"]


def test_it_is_read_anew_each_time(wire: Wire, sidecar: Path) -> None:
    first = head(ask(wire))[b"etag"]
    sidecar.write_bytes(format_sidecar(Sidecar(KNOWN.sha256, attestations=(MADE, MADE))))
    answer = ask(wire, f"/integrity/x-y/1.0/{NAME}/provenance", f"If-None-Match: {first.decode()}")
    assert status(answer) == 200
    assert json.loads(body(answer))["attestation_bundles"][0]["publisher"] == {"kind": "unverified"}


@pytest.mark.parametrize(
    "path", ["/integrity", "/integrity/", f"/integrity/x-y/1.0/{NAME}", f"/integrity/x-y/1.0/{NAME}/provenance/more"]
)
def test_a_project_of_that_name_stays_where_it_is(wire: Wire, path: str) -> None:
    # Nobody passes here but who downloads.
    assert status(ask(wire, path)) in {401, 404}


@pytest.mark.usefixtures("sidecar")
@pytest.mark.parametrize(
    ("accept", "code"),
    [
        ("*/*", 200),
        ("application/*", 200),
        (TYPE.decode(), 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        (f"{TYPE.decode()};q=0", 406),
    ],
)
def test_it_has_one_form(wire: Wire, accept: str, code: int) -> None:
    answer = ask(wire, f"/integrity/x-y/1.0/{NAME}/provenance", f"Accept: {accept}")
    assert (status(answer), head(answer)[b"vary"]) == (code, b"Accept")


@pytest.mark.usefixtures("sidecar")
@pytest.mark.parametrize(
    "path",
    [
        f"/integrity/x-y/2.0/{NAME}/provenance",
        "/integrity/x-y/1.0/other-1.0.tar.gz/provenance",
        f"/integrity/z/1.0/{NAME}/provenance",
        "/integrity/x-y/1.0/%FF/provenance",
    ],
)
def test_what_is_not_there_is_404(wire: Wire, path: str) -> None:
    assert status(ask(wire, path)) == 404


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"{",
        format_sidecar(Sidecar(KNOWN.sha256)),
        format_sidecar(Sidecar("0" * 64, attestations=(MADE,))),
    ],
)
def test_without_attestations_of_these_bytes_it_is_404(wire: Wire, tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / sidecar_name(NAME)).write_bytes(data)
    answer = ask(wire)
    assert status(answer) == 404
    assert b"nothing is attested of " + NAME.encode() in body(answer)


def test_a_sidecar_that_cannot_be_read_is_503(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / sidecar_name(NAME)).mkdir()
    answer = ask(wire)
    assert status(answer) == 503
    assert b"retry-after" in head(answer)
