"""One of several processes that serve together; imported only where there are several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted_pypi.catalog.journal import Journal, why_not_shared
from twisted_pypi.catalog.location import state_folders
from twisted_pypi.config import Config
from twisted_pypi.options import Options
from twisted_pypi.serving.endpoints import Place
from twisted_pypi.serving.logs import LogFile, LogLines
from twisted_pypi.serving.starting import CannotStart
from twisted_pypi.serving.workers.adopting import adopted
from twisted_pypi.serving.workers.handover import MEMORY, Handover, Socket
from twisted_pypi.serving.workers.keeping import Workers
from twisted_pypi.sharing import KeyLocks, SharedMemory
from twisted_pypi.storage.following import Following
from twisted_pypi.tap.folders import cache_dir

if TYPE_CHECKING:
    from twisted_pypi.catalog import Catalog
    from twisted_pypi.serving.certificates import CertificateInForce
    from twisted_pypi.tap.folders import Folders

WORKER = "twisted_pypi.tap.worker"
"""The module that a worker runs."""


@dataclass(frozen=True, slots=True)
class Together:
    """One process, as far as it has to do with the others."""

    memory: SharedMemory
    journal: Journal
    handover: Handover | None = None
    """What a worker was given; ``None`` for the keeper."""

    @property
    def keeps(self) -> bool:
        """Is it the one that scans, sweeps and updates?"""
        return self.handover is None

    @property
    def location(self) -> str | None:
        """Where the catalog is that another process has opened."""
        return None if self.handover is None else self.handover.catalog

    def following(self, catalog: Catalog, clock: Any) -> Following:
        """Return what keeps this process in step."""
        return Following(self.memory, catalog, self.journal, clock)

    def locks(self, following: Following, clock: Any) -> KeyLocks:
        """Return the locks between the processes; whoever gets one is in step with all."""
        return KeyLocks(lambda: self.memory.descriptor, clock, following.catch_up)

    def places(self, reactor: Any) -> list[Place]:
        """Return where a worker listens: on the sockets that it inherited."""
        return [] if self.handover is None else [adopted(reactor, each) for each in self.handover.sockets]

    def workers(
        self,
        options: Options,
        folders: Folders,
        log_file: LogFile | LogLines | None,
        certificate: CertificateInForce | None,
        reactor: Any,
    ) -> Workers | None:
        """Return the other processes, as the keeper looks after them."""
        if not self.keeps:
            return None
        config, reactor_module = options.config, type(reactor).__module__

        def handover(number: int, sockets: tuple[Socket, ...]) -> Handover | None:
            location = folders.catalog.location
            if location is None:
                return None
            pem = None if certificate is None else certificate.pem
            return Handover(config, number, location, sockets, reactor_module, isinstance(log_file, LogLines), pem)

        return Workers(
            config.workers - 1,
            module=WORKER,
            reactor=reactor,
            prepare=partial(_prepare, config, cache_dir(options.environ), self.memory),
            ready=folders.scanner.enquiries.named,
            handover=handover,
            memory=lambda: self.memory.descriptor,
            changed=self.memory.count,
        )


def as_keeper(config: Config) -> Together:
    """Be the first process.  Nothing is opened yet."""
    return Together(SharedMemory(config.workers), Journal(begins=True))


def as_worker(handover: Handover) -> Together:
    """Be another one."""
    memory = SharedMemory(handover.config.workers, handover.number, MEMORY)
    return Together(memory, Journal(begins=False), handover)


def _prepare(config: Config, cache: str, memory: SharedMemory) -> None:
    reasons = why_not_shared(state_folders(config.state_dir, config.roots[0], cache))
    if reasons is not None:
        raise CannotStart(
            f"--workers {config.workers} needs a catalog on a local disk, and here it could only be in memory ({reasons}):"
            " expected a folder for it with --state-dir, or --workers 1.",
            2,
        )
    memory.open()
