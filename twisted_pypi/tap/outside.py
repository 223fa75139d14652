"""What asks upstream indexes, for clients or on a schedule; imported only where one of them may be asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.application.service import IService

from twisted_pypi.boundaries import Index, Ownership, RunInThread
from twisted_pypi.config import Config, Fallback
from twisted_pypi.distributions import ProjectName
from twisted_pypi.downloading import Downloads
from twisted_pypi.downloading.service import DownloadsService
from twisted_pypi.indexes.expiry import Expiry
from twisted_pypi.indexes.first_match import FirstMatch
from twisted_pypi.indexes.mirrored import Mirrored
from twisted_pypi.mirroring.one_pass import UpdatePass
from twisted_pypi.mirroring.outcomes import PassSummary
from twisted_pypi.mirroring.schedule import Updates
from twisted_pypi.policy.rules import Rules
from twisted_pypi.recalling.passes import RecallingRuns
from twisted_pypi.storage.sweeper import Sweeper
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.tap.folders import Folders
from twisted_pypi.tap.mirror import make_pass, make_updates
from twisted_pypi.tap.recalls import Recalls, make_recalls
from twisted_pypi.upstream.assembling import make_fetcher
from twisted_pypi.upstream.index import Indexes
from twisted_pypi.upstream.pages import KeptPages
from twisted_pypi.upstream.service import Connections
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.files import Files
from twisted_pypi.web.held_files import HeldFiles
from twisted_pypi.web.resource import Handler
from twisted_pypi.web.status import Mirror
from twisted_pypi.web.upstream_files import UpstreamFiles


@dataclass(frozen=True, slots=True)
class PullThrough:
    """What fetches projects for clients when they are wanted."""

    cache: DirectoryCache
    mirrored: Mirrored
    downloads: Downloads
    index: FirstMatch
    """Our own projects and, for what is not ours, upstream's."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What asks upstream indexes."""

    upstream: Indexes
    shown: Index
    """All projects: our own and, where they are fetched for clients, upstream's."""
    pull_through: PullThrough | None
    """``None``: nothing is fetched for clients."""
    services: tuple[IService, ...]
    download_caching: bytes | None
    recalls: Recalls
    updates: Updates | None

    def mirror(self) -> Mirror:
        """Return what there is to say of it."""
        cache = None if self.pull_through is None else self.pull_through.cache.size
        return Mirror(self.recalls.recaller, self.recalls.log, self.upstream.health, cache)

    def cached_projects(self) -> frozenset[ProjectName]:
        """Return the projects of which files are kept."""
        return frozenset() if self.pull_through is None else self.pull_through.cache.projects()

    def files(self, address: Callable[[IndexRequest], str], files: Files) -> Handler | None:
        """Return what answers for files of upstream's projects; ``files`` answers for those in the folders."""
        if self.pull_through is None:
            return None
        index, downloads = self.pull_through.index, self.pull_through.downloads
        elsewhere = UpstreamFiles(index, downloads, self.download_caching, tell=self.recalls.log, address=address)
        return HeldFiles(index, files.get, elsewhere.get).get


def make_outside(
    config: Config,
    folders: Folders,
    shown: Index,
    *,
    owners: Ownership,
    rules: Callable[[], Rules],
    expiry: Expiry,
    environ: Mapping[str, str],
    run_in_thread: RunInThread,
    reactor: Any,
) -> Outside:
    """Return what asks upstream indexes; ``shown`` are our own projects as pages show them.

    Files of settings are read.  Raises ``BadSetting``.
    """
    fetcher, warnings = make_fetcher(
        reactor, config.upstreams, environ, random.random, netrc=config.upstream_netrc, ca_file=config.upstream_ca
    )
    upstream = Indexes(
        config.upstreams,
        fetcher,
        KeptPages(folders.state_folder),
        reactor,
        run_in_thread,
        offline=config.offline,
    )
    pull_through, cache = None, None
    if config.fallback is Fallback.PROXY:
        cache = DirectoryCache(config.roots[0], limit=config.cache_size, clock=reactor.seconds)
    recalls = make_recalls(
        config, folders, cache, upstream, owners, rules=rules, run_in_thread=run_in_thread, reactor=reactor
    )
    services: list[IService] = [Connections(fetcher, warnings), *recalls.services]
    if cache is not None:
        mirrored = Mirrored(
            upstream,
            cache,
            rules,
            clock=reactor.seconds,
            run_in_thread=run_in_thread,
            expect_end=expiry.expect,
            offline=config.offline,
            saw=recalls.recaller.saw,
        )
        downloads = Downloads(upstream, cache, run_in_thread, reactor)
        index = FirstMatch(shown, mirrored, owners, folders.marks.of, merge=config.merge)
        pull_through = PullThrough(cache, mirrored, downloads, index)
        services += [
            Sweeper(cache.sweep, run_in_thread, reactor),
            DownloadsService(downloads, cache.seed, run_in_thread),
        ]

    def update(runs: RecallingRuns[PassSummary]) -> UpdatePass:
        return make_pass(
            config, upstream, folders.local, owners, folders.store,
            rules=rules, run_in_thread=run_in_thread, reactor=reactor, saw=runs.saw,
        )  # fmt: skip

    updates = make_updates(config, RecallingRuns(recalls.recaller, update), reactor, folders.tell)
    if updates is not None and folders.keeps:
        services.append(updates)
    return Outside(
        upstream,
        shown if pull_through is None else pull_through.index,
        pull_through,
        tuple(services),
        config.download_caching,
        recalls,
        updates,
    )
