"""What the modern standards cost: large pages after a change, ``.metadata``, and an installation by uv."""

from __future__ import annotations

import gzip
import http.client
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpus import BUILD, collection, empty_folder, files_of, project_name
from benchmarks.figures import Figure, report
from benchmarks.load import requests_per_second
from benchmarks.pages import ASKED, CONNECTIONS
from benchmarks.pages import PATH as PAGE
from benchmarks.servers import LOGS, known_state, ours, pypiserver, until_quiet, until_right
from tests.clients.archives import wheel
from tests.clients.environments import UV, Client, programs_of
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

PACKAGES = 30
OF_EACH = 3
INSTALLATIONS = 9
LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d+)')


def measure() -> None:
    """Measure and report."""
    _large_project()
    _metadata()
    for beside in (0, 1_000):
        _installations(beside)


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
        other = _get(pages, OTHER, headers)
        again = _get(pages, OTHER, {**headers, "If-None-Match": before.etag or ""})
        found.others.append(other.took)
        same = other.etag == before.etag and other.body == before.body
        found.touched += not (same and again.status == 304)
    return found


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
            Figure("times a page's", "x", _each_to_each(rates[sidecar], rates[PAGE]), "1 or more"),
        ),
    )


def _installations(beside: int) -> None:
    (LOGS / "access.log").unlink(missing_ok=True)
    mine, theirs = (_packages(f"root-uv-{whose}", beside) for whose in ("ours", "pypiserver"))
    home = empty_folder("uv")
    uv = Client(programs_of(UV), home)
    with ours(mine, empty_folder("state-uv")) as our_server, pypiserver(theirs) as their_server:
        for server in (our_server, their_server):
            until_right(server, f"/simple/{_package(0)}/", OF_EACH)
            until_quiet(server)
        ways: dict[str, tuple[str | Path, ...]] = {
            "ours": ("--default-index", f"{our_server.url}/simple/"),
            "pypiserver": ("--default-index", f"{their_server.url}/simple/"),
            "folder": ("--no-index", "--find-links", mine),
        }
        took: dict[str, list[float]] = {way: [] for way in ways}
        fetched: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(1 + INSTALLATIONS):
            for way, options in ways.items():
                whole, without_python = _install(uv, home / "target", options)
                took[way].append(whole)
                fetched[way].append(without_python)
        assert our_server.stop() == 0
    for series in (*took.values(), *fetched.values()):
        del series[0]
    asked = [found.groupdict() for found in LINE.finditer((LOGS / "access.log").read_text())]
    wheels = [each for each in asked if each["path"].endswith(".whl")]
    sidecars = [each for each in asked if each["path"].endswith(".whl.metadata")]
    # Anything else than a whole file, or a file whose metadata was not asked for.
    offered = {each["path"].removesuffix(".metadata") for each in sidecars}
    peeks = [w for w in wheels if (w["method"], w["status"]) != ("GET", "200") or w["path"] not in offered]
    assert len(wheels) - len(peeks) == len(sidecars) == PACKAGES * (1 + INSTALLATIONS), (len(wheels), len(sidecars))
    shares = _each_to_each(fetched["ours"], fetched["pypiserver"])
    report(
        f"uv installs {PACKAGES} packages from {PACKAGES * OF_EACH + beside:,} files, nothing cached",
        (
            Figure("ours", "ms", took["ours"]),
            Figure("pypiserver", "ms", took["pypiserver"]),
            Figure("calibration: from the folder itself, without a server", "ms", took["folder"]),
            Figure("share of pypiserver's time", "x", _each_to_each(took["ours"], took["pypiserver"]), "0.5 or less"),
            Figure("ours: resolving and fetching, by uv's own clock", "ms", fetched["ours"]),
            Figure("pypiserver: resolving and fetching, by uv's own clock", "ms", fetched["pypiserver"]),
            Figure("resolving and fetching: share of pypiserver's time", "x", shares),
            Figure("wheels read for their metadata", "", [len(peeks)], "0"),
        ),
    )


def _install(uv: Client, target: Path, options: Sequence[str | Path]) -> tuple[float, float]:
    """Return the milliseconds of the whole program, and of what it did with an index by its own clock."""
    shutil.rmtree(target, ignore_errors=True)
    began = time.monotonic()
    done = uv.run("uv", "pip", "install", "--no-cache", "--target", target, *options, _package(0))
    took = time.monotonic() - began
    installed = list(target.glob("acme_part_*/__init__.py"))
    assert len(installed) == PACKAGES, installed
    steps = re.findall(r"(?:Resolved|Prepared) \d+ packages in ([\d.]+)(ms|s)\b", done.output)
    assert len(steps) == 2, done.output
    return took * 1000, sum(float(number) * (1000 if unit == "s" else 1) for number, unit in steps)


def _package(number: int) -> str:
    return f"acme-part-{number}"


def _needed(number: int) -> Iterator[str]:
    """What a package needs: a tree with a few ties across it."""
    for other in (2 * number + 1, 2 * number + 2, number + 7):
        if other < PACKAGES:
            yield f"{_package(other)}>=1.0"


def _packages(name: str, beside: int) -> Path:
    folder = empty_folder(name)
    for number in range(PACKAGES):
        for release in range(OF_EACH):
            wheel(_package(number), f"1.{release}", list(_needed(number))).lay_into(folder)
    if beside:
        for path in collection(beside).iterdir():
            shutil.copy2(path, folder)
    return folder


def _each_to_each(ours_: Sequence[float], others: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours_, others, strict=True)]


if __name__ == "__main__":
    measure()
