"""What recalls files that upstream indexes take back, and who knows who took them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from twisted.application.service import IService

from twisted_pypi.boundaries import Cache, KnownFile, Ownership, RunInThread, Upstream
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.rules import Rules
from twisted_pypi.recalling.downloads_log import DownloadsLog
from twisted_pypi.recalling.kept_files import KeptFiles
from twisted_pypi.recalling.looking import Looks
from twisted_pypi.recalling.recaller import Recaller
from twisted_pypi.sidecars import Sidecar, Source
from twisted_pypi.storage.beside import look_beside
from twisted_pypi.tap.folders import Folders


@dataclass(frozen=True, slots=True)
class Recalls:
    """What recalls, and who knows who took what."""

    recaller: Recaller
    log: DownloadsLog
    services: tuple[IService, ...]


def make_recaller(
    config: Config,
    folders: Folders,
    cache: Cache | None,
    *,
    rules: Callable[[], Rules],
    run_in_thread: RunInThread,
    clock: Callable[[], float],
) -> Recaller:
    """Return what recalls; ``cache`` is ``None`` where nothing is fetched for clients."""

    def sidecar_of(known: KnownFile) -> Sidecar | None:
        try:
            return look_beside(f"{config.roots[known.root]}/{known.path}").sidecar
        except OSError:
            return None

    kept = KeptFiles(
        cache,
        folders.local,
        folders.store,
        sidecar_of=sidecar_of,
        run_in_thread=run_in_thread,
        changed=folders.publish,
    )
    return Recaller(kept, hide_removed=lambda: rules().hide_removed, clock=clock, tell=folders.tell)


def make_recalls(
    config: Config,
    folders: Folders,
    cache: Cache | None,
    upstream: Upstream,
    owners: Ownership,
    *,
    rules: Callable[[], Rules],
    run_in_thread: RunInThread,
    reactor: Any,
) -> Recalls:
    """Return what recalls for a server, with the services that it needs."""
    recaller = make_recaller(config, folders, cache, rules=rules, run_in_thread=run_in_thread, clock=reactor.seconds)
    log = DownloadsLog(folders.state_folder, run_in_thread, reactor)
    services: list[IService] = [log]

    async def projects() -> Collection[ProjectName]:
        ways = await folders.local.sources(run_in_thread)
        fetched = {name for name, sources in ways.items() if Source.UPSTREAM in sources}
        return fetched if cache is None else fetched | cache.projects()

    # Updates look at what is in the folders often enough; who is offline asks nobody; of several processes, one asks.
    if cache is not None and not config.offline and folders.keeps:
        merge = frozenset(config.merge)
        services.append(Looks(recaller, upstream, owners, projects, clock=reactor, random=random.random, merge=merge))
    return Recalls(recaller, log, tuple(services))
