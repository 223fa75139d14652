"""An application installed by uv from our server, from nginx, from the old one and from the folder itself, in turns.

nginx has what our server answers as files: pages, packed ones beside them, and the metadata of each wheel beside it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.application import PACKAGES, RELEASES, application, package
from benchmarks.corpus import collection, empty_folder
from benchmarks.figures import Figure, each_to_each, ratio, report
from benchmarks.heads import JSON
from benchmarks.nginx import nginx
from benchmarks.nginx import program as program_of_nginx
from benchmarks.servers import LOGS, ours, pypi_server, pypiserver, until_quiet, until_right
from tests.clients.environments import UV, Client, programs_of
from tests.clients.server import Process

ROUNDS = 15
PROGRAM_ROUNDS = 3
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # everything in it is in a temporary folder of its own
"""Where uv unpacks: to write 1,700 files to a disk takes it longer than everything else together."""
LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d+)')


def measure() -> None:
    """Measure and report."""
    for beside in (0, 1_000):
        _installations(beside)


@dataclass(slots=True)
class Way:
    """One way to the packages, and what each installation took by it; milliseconds."""

    options: tuple[str | Path, ...]
    server: Process | None = None
    whole: list[float] = field(default_factory=list)
    resolved: list[float] = field(default_factory=list)
    """Until uv knows what to install, by its own clock: here an index can be fast or slow."""
    fetched: list[float] = field(default_factory=list)
    """Fetching and unpacking, by its own clock: mostly uv's own work."""
    uv_cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)

    def install(self, uv: Client, memory: Path) -> None:
        """Install once, with nothing cached."""
        target = memory / "target"
        shutil.rmtree(target, ignore_errors=True)
        before, children = self._cpu(), resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        arguments = ("pip", "install", "--no-cache", "--target", target, *self.options, package(0))
        done = uv.run("uv", *arguments, variables={"TMPDIR": str(memory)})
        self.whole.append((time.monotonic() - began) * 1000)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.uv_cpu.append((after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime) * 1000)
        self.server_cpu.append((self._cpu() - before) * 1000)
        assert len(list(target.glob("acme_part_*/__init__.py"))) == PACKAGES, done.output
        steps = re.findall(r"(?:Resolved|Prepared) \d+ packages in ([\d.]+)(ms|s)\b", done.output)
        assert len(steps) == 2, done.output
        for series, (number, unit) in zip((self.resolved, self.fetched), steps, strict=True):
            series.append(float(number) * (1000 if unit == "s" else 1))

    def forget(self) -> None:
        """Leave out what was measured so far."""
        for series in (self.whole, self.resolved, self.fetched, self.uv_cpu, self.server_cpu):
            series.clear()

    def _cpu(self) -> float:
        return 0 if self.server is None else self.server.cpu_with_children()


def _installations(beside: int) -> None:
    (LOGS / "access.log").unlink(missing_ok=True)
    mine, theirs = (_root(f"root-uv-{whose}", beside) for whose in ("ours", "pypiserver"))
    uv = Client(programs_of(UV), empty_folder("uv"))
    with ExitStack() as stack:
        our_server = stack.enter_context(ours(mine, empty_folder("state-uv")))
        servers = our_server, *(stack.enter_context(start(theirs)) for start in (pypiserver, pypi_server))
        for server in servers:
            for number in range(PACKAGES):
                until_right(server, f"/simple/{package(number)}/", RELEASES)
            until_quiet(server)
        static = [] if program_of_nginx() is None else [stack.enter_context(nginx(_static(our_server, mine)))]
        memory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)))
        new, old, program = (_by(server) for server in servers)
        files = [_by(server) for server in static]
        folder = Way(("--no-index", "--find-links", mine))
        _in_turns([new, *files, old, folder], ROUNDS, uv, memory)
        _in_turns([program], PROGRAM_ROUNDS, uv, memory)
        assert our_server.stop() == 0
    report(
        f"uv installs {PACKAGES} packages (28 MB) from {PACKAGES * RELEASES + beside:,} files, nothing cached",
        [
            *_figures(new, old, program, folder),
            *(figure for way in files for figure in _beside_files(new, way)),
            Figure("wheels read for their metadata", "", [_peeks(1 + ROUNDS)], "0"),
        ],
    )


def _by(server: Process) -> Way:
    return Way(("--default-index", f"{server.url}/simple/"), server)


def _static(server: Process, root: Path) -> Path:
    """Write what our server answers to where nginx finds it."""
    static = empty_folder("static-uv")
    accept = {"Accept": JSON, "Accept-Encoding": "identity"}
    (static / "packages").mkdir()
    for path in root.glob("*.whl"):
        os.link(path, static / "packages" / path.name)
        if path.name.startswith(package(0).rpartition("-")[0].replace("-", "_")):
            metadata = server.get(f"/packages/{path.name}.metadata", {})
            (static / "packages" / f"{path.name}.metadata").write_bytes(metadata.body)
    for number in range(PACKAGES):
        folder = static / "simple" / package(number)
        folder.mkdir(parents=True)
        address = f"/simple/{package(number)}/"
        (folder / "index.json").write_bytes(server.get(address, accept).body)
        packed = server.get(address, accept | {"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip", packed.headers
        (folder / "index.json.gz").write_bytes(packed.body)
    return static


def _in_turns(ways: list[Way], rounds: int, uv: Client, memory: Path) -> None:
    for each in ways:
        each.install(uv, memory)
        each.forget()
    for _ in range(rounds):
        for each in ways:
            each.install(uv, memory)
        # Nobody is always behind the same one.
        ways = ways[1:] + ways[:1]


def _figures(new: Way, old: Way, program: Way, folder: Way) -> Sequence[Figure]:
    return (
        Figure("ours", "ms", new.whole),
        Figure("pypiserver, with threads", "ms", old.whole),
        Figure("pypiserver, by its own program", "ms", program.whole),
        Figure("to compare: from the folder itself, without a server", "ms", folder.whole),
        Figure("share of pypiserver's time, with threads", "x", each_to_each(new.whole, old.whole), "0.5 or less"),
        Figure("share of pypiserver's time, by its own program", "x", ratio(new.whole, program.whole), "0.5 or less"),
        Figure("ours: resolving, by uv's own clock", "ms", new.resolved),
        Figure("pypiserver, with threads: resolving", "ms", old.resolved),
        Figure("from the folder: resolving", "ms", folder.resolved),
        Figure("resolving: share of pypiserver's time", "x", each_to_each(new.resolved, old.resolved), "0.5 or less"),
        Figure("ours: fetching and unpacking, by uv's own clock", "ms", new.fetched),
        Figure("pypiserver, with threads: fetching and unpacking", "ms", old.fetched),
        Figure("from the folder: unpacking", "ms", folder.fetched),
        Figure("ours: CPU of the server", "ms", new.server_cpu),
        Figure("pypiserver, with threads: CPU of the server", "ms", old.server_cpu),
        Figure("ours: CPU of uv itself", "ms", new.uv_cpu),
        Figure("from the folder: CPU of uv itself", "ms", folder.uv_cpu),
    )


def _beside_files(new: Way, files: Way) -> Sequence[Figure]:
    return (
        Figure("nginx, with sidecars", "ms", files.whole),
        Figure("nginx: resolving", "ms", files.resolved),
        Figure("nginx: CPU of the server", "ms", files.server_cpu),
        Figure("times nginx's time", "x", each_to_each(new.whole, files.whole), "1.1 or less"),
    )


def _peeks(installations: int) -> int:
    """How often our server was asked for anything of a wheel but a whole one whose metadata had been asked for."""
    asked = [found.groupdict() for found in LINE.finditer((LOGS / "access.log").read_text())]
    wheels = [each for each in asked if each["path"].endswith(".whl")]
    sidecars = [each for each in asked if each["path"].endswith(".whl.metadata")]
    offered = {each["path"].removesuffix(".metadata") for each in sidecars}
    peeks = [w for w in wheels if (w["method"], w["status"]) != ("GET", "200") or w["path"] not in offered]
    assert len(wheels) - len(peeks) == PACKAGES * installations, len(wheels)
    return len(peeks)


def _root(name: str, beside: int) -> Path:
    folder = empty_folder(name)
    for path in application().iterdir():
        os.link(path, folder / path.name)
    if beside:
        for path in filter(Path.is_file, collection(beside).iterdir()):
            shutil.copy2(path, folder)
    return folder


if __name__ == "__main__":
    measure()
