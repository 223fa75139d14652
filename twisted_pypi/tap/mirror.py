"""The mirror: what asks upstream indexes, and what brings their projects up to date."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

from twisted.internet.threads import deferToThreadPool

from twisted_pypi.boundaries import LocalFiles, Ownership, PackageStore, RunInThread, Upstream
from twisted_pypi.boundaries.happenings import TellOfHappenings
from twisted_pypi.catalog.location import FILENAME, state_folders
from twisted_pypi.config import Config, Watch
from twisted_pypi.mirroring.destinations import BesideTheOthers, Destination, IntoFolder
from twisted_pypi.mirroring.one_pass import UpdatePass
from twisted_pypi.mirroring.one_project import Wanted
from twisted_pypi.mirroring.schedule import Runs, Updates
from twisted_pypi.options.update_choices import UpdateChoices
from twisted_pypi.owning import Owners
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.rules import Rules
from twisted_pypi.recalling.recaller import Pass
from twisted_pypi.ruling import RulesInForce
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.scanner import Scanner
from twisted_pypi.tap.folders import cache_dir, make_folders
from twisted_pypi.tap.recalls import make_recaller
from twisted_pypi.upstream.addresses import without_login
from twisted_pypi.upstream.assembling import make_fetcher
from twisted_pypi.upstream.fetching import Fetcher
from twisted_pypi.upstream.index import Indexes
from twisted_pypi.upstream.pages import KeptPages

PUBLIC = "the public index"
"""What the upstream is called when none was named."""


@dataclass(frozen=True, slots=True)
class OneUpdate:
    """Everything for an update by a command, which goes on beside a server."""

    scanner: Scanner
    """The service that finds out what is in the folders."""
    update: UpdatePass
    index: str
    """What the upstream is called."""
    warnings: tuple[str, ...]
    """What the operator should know of the settings."""
    fetcher: Fetcher
    recalls: Pass | None = None
    """What finds out which of the files here the upstream took back; ``None``: nobody does."""

    async def start(self) -> None:
        """Find out what is in the folders.  Raises ``Busy`` and ``Unreadable``."""
        self.scanner.startService()
        await self.scanner.rescan()

    async def stop(self) -> None:
        """Close everything."""
        await self.fetcher.close()
        if self.scanner.running:
            await self.scanner.stopService()


def make_pass(
    config: Config,
    upstream: Upstream,
    local_files: LocalFiles,
    ownership: Ownership,
    store: PackageStore,
    *,
    rules: Callable[[], Rules],
    run_in_thread: RunInThread,
    reactor: Any,
    choices: UpdateChoices | None = None,
    **more: Any,
) -> UpdatePass:
    """Return what brings the projects of the upstream up to date; ``more`` goes to the ``UpdatePass``."""
    chosen = choices or UpdateChoices()
    wanted = Wanted(
        config.update_all_files,
        config.update_keep,
        config.update_unstable or chosen.unstable,
        chosen.ignored,
    )
    destination: Destination = BesideTheOthers(store, local_files, run_in_thread)
    if chosen.folder is not None:
        destination = IntoFolder(chosen.folder, DirectoryStore([chosen.folder]), run_in_thread)
    return UpdatePass(
        upstream,
        local_files,
        ownership,
        destination,
        run_in_thread=run_in_thread,
        clock=reactor,
        index=upstream_name(config),
        wanted=wanted,
        rules=rules,
        **more,
    )


def make_updates(config: Config, update: Runs, reactor: Any, tell: TellOfHappenings | None = None) -> Updates | None:
    """Return the service that updates again and again, if these settings ask for it; ``tell`` is told of what came of it."""
    if config.update_every is None:
        return None
    return Updates(update, config.update_every, reactor, random.random, tell)


def make_one_update(
    config: Config, choices: UpdateChoices, reactor: Any, environ: Mapping[str, str], folder: str
) -> OneUpdate:
    """Return an update by a command; blocking.

    It keeps a catalog of its own in ``folder``, as a server may be running
    that has the real one, and begins with what that knows.  Raises ``BadSetting``.
    """
    run_in_thread: RunInThread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    states = list(state_folders(config.state_dir, config.roots[0], cache_dir(environ)))
    copy_catalog(states, folder)
    folders = make_folders(replace(config, state_dir=folder, watch=Watch.OFF), reactor, environ)
    fetcher, warnings = make_fetcher(
        reactor, config.upstreams, environ, random.random, netrc=config.upstream_netrc, ca_file=config.upstream_ca
    )
    upstream = Indexes(
        config.upstreams, fetcher, KeptPages(lambda: states[0]), reactor, run_in_thread, offline=config.offline
    )
    owners = Owners(
        NamePatterns(config.private), folders.marks, folders.local, run_in_thread=run_in_thread, clock=reactor.seconds,
        doubt=folders.doubt,
    )  # fmt: skip
    folders.changes.subscribe(owners.drop)
    rules = _rules(config, reactor, run_in_thread)
    recalls = None
    if choices.execute and choices.folder is None:
        # The cache is the server's alone; its own looks are enough for that.
        recaller = make_recaller(config, folders, None, rules=rules, run_in_thread=run_in_thread, clock=reactor.seconds)
        recalls = recaller.begin()
    update = make_pass(
        config,
        upstream,
        folders.local,
        owners,
        folders.store,
        rules=rules,
        run_in_thread=run_in_thread,
        reactor=reactor,
        choices=choices,
        saw=(lambda *_seen: None) if recalls is None else recalls.saw,
    )
    if not isinstance(folders.scanner, Scanner):
        raise TypeError
    return OneUpdate(folders.scanner, update, upstream_name(config), tuple(warnings), fetcher, recalls)


def upstream_name(config: Config) -> str:
    """Return what the upstream is called in a sentence."""
    return " or ".join(without_login(each) for each in config.upstreams) or PUBLIC


def copy_catalog(states: list[str], folder: str) -> None:
    """Copy the catalog of a server, which may be running, into another folder; blocking.

    It is a memory only: what cannot be copied is found out again.
    """
    for state in states:
        path = os.path.join(state, FILENAME)  # noqa: PTH118  # texts, as all of the catalog's paths
        if os.path.exists(path):  # noqa: PTH110  # as above
            target = os.path.join(folder, FILENAME)  # noqa: PTH118  # as above
            with suppress(sqlite3.Error):
                _back_up(path, target)
                return
            with suppress(FileNotFoundError):
                os.unlink(target)  # noqa: PTH108  # as above


def _back_up(path: str, target: str) -> None:
    with (
        closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def _rules(config: Config, reactor: Any, run_in_thread: RunInThread) -> Callable[[], Rules]:
    if config.rules is None:
        return Rules
    rules = RulesInForce(config.rules, reactor, run_in_thread, lambda: None)
    return lambda: rules.rules
