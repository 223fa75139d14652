"""The one place where objects meet: a ``Config`` becomes a service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from secrets import token_bytes
from typing import Any

from twisted.application.service import IService
from twisted.internet.threads import deferToThreadPool

from twisted_pypi.accounts.htpasswd_accounts import HtpasswdAccounts
from twisted_pypi.accounts.nobody import Nobody
from twisted_pypi.accounts.threads import HashingThreads
from twisted_pypi.boundaries import Index, LocalFiles, RunInThread
from twisted_pypi.catalog import Catalog
from twisted_pypi.config import Action, Attestations, Config, Fallback
from twisted_pypi.events import Changes
from twisted_pypi.indexes.local import LocalIndex
from twisted_pypi.indexes.marked import Marked
from twisted_pypi.indexes.more_hashes import MoreHashes
from twisted_pypi.indexes.provenance import WithProvenance
from twisted_pypi.marking import Marker
from twisted_pypi.options import Options
from twisted_pypi.serving.announcing import Announcer
from twisted_pypi.serving.logs import LogFile, LogLines
from twisted_pypi.serving.server import Server
from twisted_pypi.storage.project_marks import ProjectMarks
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.scanner import Scanner
from twisted_pypi.storage.sweeper import Sweeper
from twisted_pypi.throttle import Throttle
from twisted_pypi.uploading import Uploader, Verify
from twisted_pypi.web.access_log import AccessLog
from twisted_pypi.web.addresses import Addresses
from twisted_pypi.web.fallback import NoFallback, Redirect
from twisted_pypi.web.files import Files
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.handlers import Bindings, Status, health
from twisted_pypi.web.hot import HotAnswers
from twisted_pypi.web.integrity import Integrity
from twisted_pypi.web.legacy import LegacyJson, Search
from twisted_pypi.web.marks import Marks
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.people.errors import ErrorPages
from twisted_pypi.web.people.listing import Listing
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.people.welcome import Welcome
from twisted_pypi.web.proxies import TrustedProxies, resolve_by
from twisted_pypi.web.reception import Reception
from twisted_pypi.web.simple import Simple
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.tree import Handlers, Tree
from twisted_pypi.web.uploads import Uploads

__all__ = ["Options", "makeService"]

NO_UPLOADS = "this server takes no uploads: nobody can log in to it, since it has no password file (--password-file)"
"""Why nobody may upload to a server without a password file."""

NO_USERS = "this server takes no uploads: its password file is not there, or has no users"
"""Why nobody may upload to a server that wants no login for it, and has a password file that lets nobody in."""

DAEMON_UMASK = 0o022
"""The umask of a daemon: twistd's own would let nobody else read what was uploaded."""


def makeService(options: Options, reactor: Any = None) -> IService:
    """Return the server that these options ask for.  Nothing is opened before it is started."""
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415  # importing it chooses it
    config = options.config
    run_in_thread: RunInThread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    changes = Changes()
    marks = ProjectMarks(config.roots[0], reactor, changes.publish)
    catalog = Catalog(config.roots, state_dir=config.state_dir, cache_dir=_cache_dir(options.environ))
    scanner = Scanner(
        reactor,
        reactor,
        catalog,
        changes.publish,
        follow_links=config.follow_links,
        watch=config.watch,
        rescan=config.rescan,
        readers=os.cpu_count() or 1,
        marks=marks,
    )
    local = LocalIndex(catalog, scanner.enquiries)
    index = Marked(local, marks.of)
    store = DirectoryStore(config.roots)
    hashing = HashingThreads(reactor)
    accounts = _accounts(config, hashing, reactor)
    proxies = TrustedProxies(config.trusted_proxies, resolve_by(reactor.nameResolver), reactor)
    guard = Guard(accounts, config.authenticate, proxies, closed=partial(_closed, config, accounts))
    pages = FinishedPages()
    changes.subscribe(pages.drop)
    uploader = Uploader(
        store,
        local,
        overwrite=config.overwrite,
        run_in_thread=run_in_thread,
        clock=reactor.seconds,
        checks=config.upload_checks,
        attestations=config.attestations,
        verify=_verifier(config, reactor),
        record_of=marks.of,
    )
    uploads = Uploads(store, uploader, run_in_thread, largest=config.max_upload_size, at_once=config.max_uploads)
    templates = Templates()
    status = Status(index, index.counts, version("twisted_pypi"), scanner.troubles)
    handlers = _handlers(
        config, index, pages=pages, uploads=uploads, templates=templates, status=status, run_in_thread=run_in_thread,
        marks=Marks(Marker(store, local, marks.change, run_in_thread), local, marks.of),
    )  # fmt: skip
    tree = Tree(guard, handlers, prefix=config.server_base_url, health=config.health_endpoint)
    log_file = None if config.access_log == "off" else _access_log_file(options)
    access_log = None if log_file is None else AccessLog(log_file.write, guard.address, reactor)
    site = IndexSite(
        tree,
        Reception(tree, guard, uploads),
        access_log=access_log,
        error_pages=ErrorPages(templates),
        addresses=Addresses(config.server_base_url, config.public_url, proxies),
        hot=HotAnswers(accounts, token_bytes(32)),
        reactor=reactor,
    )
    server = Server(
        config,
        site,
        reactor=reactor,
        log_files=[] if log_file is None else [log_file],
        umask=_umask(options),
    )
    announcer = Announcer(config, index, lambda: accounts.users)
    sweeper = Sweeper(store.sweep, run_in_thread, reactor)
    for service in filter(None, (access_log, hashing, proxies, scanner, sweeper, announcer)):
        service.setServiceParent(server)
    return server


def _handlers(
    config: Config,
    index: Marked,
    *,
    pages: FinishedPages, uploads: Uploads, marks: Marks, templates: Templates, status: Status,
    run_in_thread: RunInThread,
) -> Handlers:  # fmt: skip
    private = Action.LIST in config.authenticate
    fallback = Redirect(config.fallback_url, run_in_thread) if config.fallback is Fallback.REDIRECT else NoFallback()
    shown = _shown(config, index, run_in_thread)
    simple = Simple(shown, pages, fallback, private=private, run_in_thread=run_in_thread)
    bindings = Bindings(
        Welcome(
            templates,
            index,
            run_in_thread,
            version=version("twisted_pypi"),
            path=config.welcome,
            uploads=config.password_file is not None or not config.authenticate,
            login_to_read=bool({Action.LIST, Action.DOWNLOAD} & config.authenticate),
        ),
        Listing(templates, index),
        LegacyJson(index, run_in_thread),
        Search(index, run_in_thread),
    )
    files = Files(index, config.download_caching, pages)
    return Handlers(
        welcome=bindings.welcome,
        health=health,
        simple=simple.get,
        simple_shortcut=simple.shortcut,
        all_files=bindings.all_files,
        file=files.get,
        file_shortcut=files.shortcut,
        project_json=bindings.project_json,
        provenance=Integrity(index, run_in_thread, private=Action.DOWNLOAD in config.authenticate).get,
        rpc=bindings.rpc,
        upload=uploads.post,
        marks=marks.get,
        mark=marks.post,
        own={b"status": (Action.LIST, status.get)},
    )


def _shown(config: Config, index: LocalFiles, run_in_thread: RunInThread) -> Index:
    """The index as its pages show it: each feature is an index around another."""
    shown: Index = index
    # Its address has to be an absolute https URL (PEP 740), and nothing else says what that is.
    if config.public_url is not None and config.public_url.startswith("https:"):
        shown = WithProvenance(index, config.public_url)
    if config.hash_algo not in {None, "sha256"}:
        shown = MoreHashes(shown, str(config.hash_algo), run_in_thread)
    return shown


def _verifier(config: Config, reactor: Any) -> Verify | None:
    """Who verifies attestations; an extra, which is imported only where it is asked for."""
    if config.attestations not in {Attestations.VERIFY, Attestations.REQUIRE}:
        return None
    from twisted_pypi.uploading.verification import Verifier  # noqa: PLC0415  # slow, and not always installed

    return Verifier(reactor.seconds)


def _accounts(config: Config, hashing: HashingThreads, reactor: Any) -> HtpasswdAccounts | Nobody:
    if config.password_file is None:
        return Nobody()
    return HtpasswdAccounts(config.password_file, clock=reactor, in_thread=hashing, tries=Throttle(reactor))


def _closed(config: Config, accounts: HtpasswdAccounts | Nobody) -> str | None:
    """Why nobody may upload; an open server is never an accident."""
    if config.password_file is None:
        # No login at all was asked for with both options, or there is no password file by default.
        return NO_UPLOADS if config.authenticate else None
    if Action.UPDATE not in config.authenticate and not accounts.users:
        return NO_USERS
    return None


def _cache_dir(environ: Mapping[str, str]) -> str:
    """Where this user keeps what can be made again (XDG base directory specification)."""
    return os.path.join(environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "twisted-pypi")  # noqa: PTH118, PTH111  # a text, no path yet


def _is_daemon(options: Options) -> bool:
    """Will twistd fork, and give up its standard output?"""
    outer = options.parent
    return isinstance(outer, Mapping) and not outer.get("nodaemon", True)


def _umask(options: Options) -> int | None:
    outer = options.parent
    return DAEMON_UMASK if _is_daemon(options) and outer is not None and outer.get("umask") is None else None


def _access_log_file(options: Options) -> LogFile | LogLines:
    """Where lines of the access log go: a daemon has no standard output, so there they go to its log."""
    if options.config.access_log == "-" and _is_daemon(options):
        return LogLines()
    return LogFile(options.config.access_log)
