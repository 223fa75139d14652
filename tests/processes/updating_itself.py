"""A server that brings what is in its folder up to date by itself, and the index that it asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.archives import wheel
from tests.clients.fixtures import serving
from tests.clients.server import Process, twistd_pypi
from tests.processes.mirrored import asked

OLD, NEW, NEWEST = (wheel("borrowed", version) for version in ("1.0", "1.1", "1.2"))
OURS = wheel("acme-secret", "1.0")


@dataclass(frozen=True, slots=True)
class Updating:
    """Both servers."""

    folder: Path
    upstream: Process
    server: Process

    def publish(self) -> None:
        """Put the newest version where the upstream serves from."""
        NEWEST.lay_into(self.folder / "upstream" / "packages")

    def asked(self) -> list[str]:
        """What the upstream was asked for."""
        return asked(self.folder / "asked")


@contextmanager
def updating_itself(folder: Path) -> Iterator[Updating]:
    """A server that has a package of ours, and one whose newer version the index has."""
    root = folder / "packages"
    OLD.lay_into(root)
    OURS.lay_into(root)
    published = (OLD, NEW, wheel("acme-secret", "9.0"))
    with serving(folder / "upstream", published, "--access-log", folder / "asked") as upstream:
        more = ("--update-every", "2s", "--private", "acme-*", "--upstream", f"{upstream.url}/simple/")
        with twistd_pypi(root, "--disable-fallback", *more, log=folder / "server.log") as server:
            yield Updating(folder, upstream, server)
            print(f"The log of {server.url}:\n{server.log[-6000:]}")  # noqa: T201 - pytest shows it with a failed test
