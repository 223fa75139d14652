"""Pages and small files beside nginx, which sends the same bytes from files; both on one core, in turns."""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import BUILD, collection, empty_folder, files_of, project_name
from benchmarks.driving import Target, in_turns
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.heads import GZIP, HTML, JSON, heads
from benchmarks.nginx import nginx, program
from benchmarks.servers import ours, pinned, until_quiet, until_right
from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, bcrypt_line
from tests.clients.server import Process

ROUNDS, SECONDS = 5, 1.0
CONNECTIONS = (16, 64)
ASKED = 7
BUSY, MANY = "acme-busy", 1_500
"""A project, and how many releases it has."""
PROJECTS = 20_000
PAGE = f"/simple/{project_name(ASKED)}/"
FILE = f"/packages/{wheel(project_name(ASKED), '1.0', ['acme-bababa-0>=1.0']).filename}"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of request, as ours is asked and as nginx is."""

    name: str
    path: str
    static: str
    """Where nginx has it."""
    accept: str
    goal: str
    encoding: str = GZIP
    unchanged: bool = False
    """Does the client have it already?"""
    strict: bool = False
    """Is no head to be the same as another?"""


PAGES = (
    Row("page, HTML", PAGE, f"{PAGE}index.html", HTML, "0.8 or more"),
    Row("page, JSON", PAGE, f"{PAGE}index.json", JSON, "0.8 or more"),
    Row("page, HTML, every head different", PAGE, f"{PAGE}index.html", HTML, "", strict=True),
    Row("page, JSON, every head different", PAGE, f"{PAGE}index.json", JSON, "", strict=True),
    Row("page, JSON: 304", PAGE, f"{PAGE}index.json", JSON, "0.7 or more", unchanged=True),
    Row(".metadata", f"{FILE}.metadata", f"{FILE}.metadata", "*/*", "0.7 or more", "identity"),
    Row("wheel of 1.5 KB", FILE, FILE, "*/*", "0.6 or more", "identity"),
    Row("wheel of 1.5 KB, every head different", FILE, FILE, "*/*", "", "identity", strict=True),
    Row("wheel of 1.5 KB: 304", FILE, FILE, "*/*", "0.7 or more", "identity", unchanged=True),
    Row(
        f"page of {MANY:,} releases, JSON, gzip", f"/simple/{BUSY}/", f"/simple/{BUSY}/index.json", JSON, "0.8 or more"
    ),
)
LIST = Row(f"/simple/ of {PROJECTS:,} projects, JSON", "/simple/", "/simple/index.json", JSON, "0.8, or 2,000/s")
"""Compressed, as every client asks for it."""


def measure() -> None:
    """Measure and report."""
    if program() is None:
        return
    _pages()
    _list()


def _pages() -> None:
    root = crowded()
    with pinned(ours(root, empty_folder("state-static"), "--metrics")) as mine:
        until_right(mine, PAGE, files_of(ASKED))
        until_right(mine, f"/simple/{BUSY}/", MANY)
        until_quiet(mine)
        _compare("beside nginx", mine, PAGES, CONNECTIONS)
    passwords = BUILD / "htpasswd"
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    _login(root, passwords)


def _list() -> None:
    root = empty_folder("root-many")
    for number in range(PROJECTS):
        wheel(project_name(number), "1.0").lay_into(root)
    with pinned(ours(root, empty_folder("state-many"), "--metrics")) as mine:
        until_right(mine, "/simple/", PROJECTS)
        until_quiet(mine)
        _compare(f"beside nginx, {PROJECTS:,} projects", mine, (LIST,), (16,))


def crowded() -> Path:
    """Return a folder with 1,000 files of common projects and one project of many releases."""
    root = empty_folder("root-static")
    for path in collection(1_000).iterdir():
        if path.is_file():
            os.link(path, root / path.name)
    for number in range(MANY):
        wheel(BUSY, f"{1 + number // 100}.{number % 100}").lay_into(root)
    return root


def _compare(part: str, mine: Process, rows: tuple[Row, ...], connections: tuple[int, ...]) -> None:
    static = empty_folder("static")
    for row in rows:
        _copy(mine, row, static)
    with nginx(static) as theirs:
        for many in connections:
            figures = [figure for row in rows for figure in _figures(row, mine, theirs, many)]
            report(f"{part}, {many} connections", figures)


def _copy(mine: Process, row: Row, static: Path) -> None:
    """Write what ours answers to where nginx finds it."""
    target = static / row.static.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(mine.get(row.path, {"Accept": row.accept, "Accept-Encoding": "identity"}).body)
    if row.encoding == GZIP:
        packed = mine.get(row.path, {"Accept": row.accept, "Accept-Encoding": row.encoding})
        assert packed.headers["Content-Encoding"] == "gzip", packed.headers
        target.with_name(target.name + ".gz").write_bytes(packed.body)


def _figures(row: Row, mine: Process, theirs: Process, connections: int) -> list[Figure]:
    targets = [
        Target(server, _requests(server, row, path), varied=row.strict)
        for server, path in ((mine, row.path), (theirs, row.static))
    ]
    in_turns(targets, ROUNDS, SECONDS, connections)
    our, their = targets
    return [
        Figure(f"{row.name}: requests a second", "/s", our.rates),
        Figure(f"{row.name}: nginx", "/s", their.rates),
        Figure(f"{row.name}: CPU of one", "us", our.costs),
        Figure(f"{row.name}: nginx, CPU of one", "us", their.costs),
        Figure(f"{row.name}: of nginx's requests a second", "x", each_to_each(our.rates, their.rates), row.goal),
        Figure(f"{row.name}: nginx's CPU of ours", "x", each_to_each(their.costs, our.costs), row.goal),
    ]


def _requests(server: Process, row: Row, path: str, *more: str) -> list[bytes]:
    answer = server.get(path, {"Accept": row.accept, "Accept-Encoding": row.encoding})
    assert answer.status == 200, (path, answer)
    lines = [*more, f"If-None-Match: {answer.headers['ETag']}"] if row.unchanged else more
    return heads(path, row.accept, *lines, encoding=row.encoding)


def _login(root: Path, passwords: Path) -> None:
    """With a login, against the same without."""
    header = f"Authorization: Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
    with ExitStack() as stack:
        options = "--metrics", "--password-file", passwords, "--authenticate", "update,download,list"
        closed = stack.enter_context(pinned(ours(root, empty_folder("state-closed"), *options)))
        opened = stack.enter_context(pinned(ours(root, empty_folder("state-open"), "--metrics")))
        until_right(opened, PAGE, files_of(ASKED))
        until_quiet(opened)
        until_quiet(closed)
        figures = []
        for row in PAGES[:4]:
            targets = [
                Target(closed, heads(row.path, row.accept, header), varied=row.strict),
                Target(opened, heads(row.path, row.accept), varied=row.strict),
            ]
            in_turns(targets, ROUNDS, SECONDS, CONNECTIONS[0])
            rates, costs = (
                each_to_each(targets[0].rates, targets[1].rates),
                each_to_each(targets[1].costs, targets[0].costs),
            )
            goal = "" if row.strict else "0.9 or more"
            figures += [
                Figure(f"{row.name}: requests a second", "/s", targets[0].rates),
                Figure(f"{row.name}: of those without a login", "x", rates, goal),
                Figure(f"{row.name}: CPU without of that with", "x", costs, goal),
            ]
    report("with a login (bcrypt)", figures)


if __name__ == "__main__":
    measure()
