"""A file that is moved into a folder of 100,000, until its project's page shows it."""

from __future__ import annotations

import http.client
import time
from contextlib import closing

from benchmarks.corpus import collection, empty_folder, files_of
from benchmarks.figures import Figure, report
from benchmarks.pages import ASKED, PATH
from benchmarks.servers import known_state, ours, until_quiet, until_right
from benchmarks.small_uploads import PREFIX, remove_uploads
from tests.clients.archives import wheel

FILES, MOVED = 100_000, 25
PAUSE = 0.5
"""Seconds between two files."""


def measure() -> None:
    """Measure and report."""
    root, aside = collection(FILES), empty_folder("aside")
    remove_uploads(root)
    new: list[float] = []
    again: list[float] = []
    try:
        with ours(root, known_state(FILES)) as server:
            until_right(server, PATH, files_of(ASKED))
            until_quiet(server)
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
                for number in range(MOVED):
                    for found, project in ((new, f"{PREFIX}m{number}"), (again, f"{PREFIX}same")):
                        made = wheel(project, f"1.{number}")
                        path = made.lay_into(aside)
                        began = time.monotonic()
                        path.rename(root / path.name)
                        _until_listed(connection, project.replace("_", "-"), made.filename.encode())
                        found.append((time.monotonic() - began) * 1e3)
                        time.sleep(PAUSE)
    finally:
        remove_uploads(root)
    report(
        f"a file moved in, {FILES:,} files",
        [
            Figure("of a new project, until its page shows it", "ms", new, "100 or less"),
            Figure("of a project that is there, until its page shows it", "ms", again, "100 or less"),
        ],
    )


def _until_listed(connection: http.client.HTTPConnection, project: str, filename: bytes) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection.request("GET", f"/simple/{project}/")
        response = connection.getresponse()
        if filename in response.read() and response.status == 200:
            return
        time.sleep(0.002)
    raise RuntimeError(f"{filename!r} is not listed after a minute")


if __name__ == "__main__":
    measure()
