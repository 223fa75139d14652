"""What the modern standards cost: large pages after a change, and ``.metadata``."""

from __future__ import annotations

import gzip
import http.client
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.corpus import BUILD, collection, empty_folder, files_of, project_name
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.load import requests_per_second
from benchmarks.pages import ASKED, CONNECTIONS
from benchmarks.pages import PATH as PAGE
from benchmarks.servers import known_state, ours, until_quiet, until_right
from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, bcrypt_line
from tests.clients.server import Process
from tests.clients.uploading import connected, upload_of

LOGIN = f"{USER}:{PASSWORD}"
RELEASES = 1_500
CHANGES = 15
"""Uploads before pages of each form."""
FORMS = {"HTML": "text/html", "JSON": "application/vnd.pypi.simple.v1+json"}
BUSY, OTHER = "acme-busy", "acme-other"

RATES = 5


def measure() -> None:
    """Measure and report."""
    _large_project()
    _metadata()


class Got(NamedTuple):
    """A page as it came, and the milliseconds that it took."""

    status: int
    etag: str | None
    body: bytes
    took: float


def _large_project() -> None:
    root, state = empty_folder("root-standards"), empty_folder("state-standards")
    for name in (BUSY, OTHER):
        for number in range(RELEASES):
            wheel(name, _version(number)).lay_into(root)
    passwords = BUILD / "htpasswd"
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    with ours(root, state, "--password-file", passwords) as server, ExitStack() as stack:
        for name in (BUSY, OTHER):
            until_right(server, f"/simple/{name}/", RELEASES)
        until_quiet(server)
        pages = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)))
        changes = {form: _changes(server, pages, accept) for form, accept in FORMS.items()}
    figures: list[Figure] = []
    for form, each in changes.items():
        figures += [
            Figure(f"{form}, gzip: first build after a change", "ms", each.builds, "50 or less"),
            Figure(
                f"{form}, gzip: from an upload's first byte until the page is right", "ms", each.wholes, "60 or less"
            ),
            Figure(f"{form}: calibration, a loop that takes 10 ms on a machine at rest", "ms", each.loops),
            Figure(f"{form}: CPU of the upload", "ms", [each.upload_cpu]),
            Figure(f"{form}: CPU of the build", "ms", [each.build_cpu]),
            Figure(
                f"{form}: another project's page of as many, next request", "ms", each.others, "kept: far below a build"
            ),
            Figure(f"{form}: other pages with another ETag, or not 304", "", [each.touched], "0"),
        ]
    report("a project of 1,500 releases", figures)


@dataclass(slots=True)
class Changes:
    """What was measured with pages of one form; milliseconds."""

    builds: list[float]
    wholes: list[float]
    others: list[float]
    upload_cpu: float = 0
    build_cpu: float = 0
    touched: int = 0
    loops: list[float] = field(default_factory=list)
    """What a loop that is always the same took, beside each build."""


def _changes(server: Process, pages: http.client.HTTPConnection, accept: str) -> Changes:
    found = Changes([], [], [])
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    before = _get(pages, OTHER, headers)
    _get(pages, BUSY, headers)
    folder = empty_folder("small")
    for number in range(CHANGES):
        made = wheel(BUSY, _version(RELEASES + number), python="py3" if "html" in accept else "py2.py3")
        request = upload_of(made.put_into(folder), LOGIN)
        with connected(server.port) as connection:
            cpu = server.cpu()
            began = time.perf_counter()
            answer = request.send(connection)
            between = server.cpu()
            page = _get(pages, BUSY, headers)
            found.wholes.append((time.perf_counter() - began) * 1000)
        found.upload_cpu += (between - cpu) / CHANGES * 1000
        found.build_cpu += (server.cpu() - between) / CHANGES * 1000
        assert answer.status == 200, answer
        assert made.filename.encode() in gzip.decompress(page.body)
        found.builds.append(page.took)
        found.loops.append(_loop())
        other = _get(pages, OTHER, headers)
        again = _get(pages, OTHER, {**headers, "If-None-Match": before.etag or ""})
        found.others.append(other.took)
        same = other.etag == before.etag and other.body == before.body
        found.touched += not (same and again.status == 304)
    return found


def _loop() -> float:
    began = time.perf_counter()
    for number in range(700):
        gzip.compress(b"%d" % number * 3_000, 6, mtime=0)
    return (time.perf_counter() - began) * 1000


def _get(connection: http.client.HTTPConnection, project: str, headers: Mapping[str, str]) -> Got:
    began = time.perf_counter()
    connection.request("GET", f"/simple/{project}/", headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    return Got(response.status, response.getheader("ETag"), body, (time.perf_counter() - began) * 1000)


def _version(number: int) -> str:
    return f"{1 + number // 100}.{number % 100}"


def _metadata() -> None:
    sidecar = f"/packages/{wheel(project_name(ASKED), '1.0').filename}.metadata"
    rates: dict[str, list[float]] = {PAGE: [], sidecar: []}
    with ours(collection(1_000), known_state(1_000)) as server:
        until_right(server, PAGE, files_of(ASKED))
        until_quiet(server)
        for _ in range(RATES):
            for path, found in rates.items():
                found.append(requests_per_second(server.port, path, seconds=2, connections=CONNECTIONS))
    report(
        "a wheel's .metadata, warm",
        (
            Figure("requests a second", "/s", rates[sidecar]),
            Figure("a page: requests a second", "/s", rates[PAGE]),
            Figure("times a page's", "x", each_to_each(rates[sidecar], rates[PAGE]), "1 or more"),
        ),
    )


if __name__ == "__main__":
    measure()
