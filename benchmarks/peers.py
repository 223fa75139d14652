"""Other Python package indexes, each in an environment of its own, pinned and started at its best."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.corpus import BUILD, empty_folder
from benchmarks.servers import LOGS
from tests.clients.environments import PYPISERVER, Environment, programs_of
from tests.clients.server import Process, clean_variables, free_port

SIMPLE_REPOSITORY = Environment("simple-repository-server-0.10.0", ("simple-repository-server==0.10.0",))
PROXPI = Environment("proxpi-1.3.1", ("proxpi==1.3.1", "gunicorn==27.0.1"))
PEERS = (PYPISERVER, SIMPLE_REPOSITORY, PROXPI)


def simple_repository_server(root: Path) -> Process:
    """A server of the modern standards; it wants a folder for each project, which is made of links."""
    tree = empty_folder("root-simple-repository")
    for path in root.iterdir():
        if path.is_file() and not path.name.startswith("."):
            project = (
                path.name.split("-")[0].replace("_", "-") if path.suffix == ".whl" else path.name.rpartition("-")[0]
            )
            folder = tree / project.replace("_", "-").lower()
            folder.mkdir(exist_ok=True)
            os.link(path, folder / path.name)
    port = free_port()
    command: list[str | Path] = [programs_of(SIMPLE_REPOSITORY) / "python", "-m", "simple_repository_server"]
    command += ["--host", "127.0.0.1", "--port", str(port), tree]
    return Process(command, port, _log("simple-repository-server"), clean_variables() | {"HOME": str(BUILD)})


def proxpi(upstream: str) -> Process:
    """A proxy that keeps the pages of ``upstream``: gunicorn with threads, as its own image starts it."""
    port = free_port()
    command: list[str | Path] = [programs_of(PROXPI) / "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1"]
    command += ["--worker-class", "gthread", "--threads", "8", "--timeout", "600", "proxpi.server:app"]
    variables = clean_variables() | {
        "HOME": str(BUILD),
        "PROXPI_INDEX_URL": f"{upstream}/simple/",
        "PROXPI_INDEX_TTL": "36000",
        "PROXPI_CACHE_DIR": str(empty_folder("proxpi")),
    }
    return Process(command, port, _log("proxpi"), variables)


def versions() -> str:
    """Return the peers and their versions, as a sentence has them."""
    return ", ".join(each.requirements[0].replace("==", " ") for each in PEERS)


def _log(name: str) -> Path:
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{name}.log"
    path.unlink(missing_ok=True)
    return path
