"""The one place where objects meet: a ``Config`` becomes a service."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.metadata import version
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService
from twisted.internet.threads import deferToThreadPool

from twisted_pypi.accounts.threads import HashingThreads
from twisted_pypi.boundaries import RunInThread
from twisted_pypi.config import Action, LogFormat
from twisted_pypi.marking import Marker
from twisted_pypi.options import Options
from twisted_pypi.serving.announcing import Announcer
from twisted_pypi.serving.clock_steps import ClockSteps
from twisted_pypi.serving.notifying import notifier_of
from twisted_pypi.serving.privileges import give_up_root
from twisted_pypi.serving.reloading import reloads_of
from twisted_pypi.serving.server import Server
from twisted_pypi.serving.turns import Turns
from twisted_pypi.serving.undecided import Undecided
from twisted_pypi.storage.sweeper import Sweeper
from twisted_pypi.tap.figures import counted, make_figures, make_progress, measurements_of
from twisted_pypi.tap.folders import make_folders
from twisted_pypi.tap.logins import make_accounts, make_verifier, why_closed
from twisted_pypi.tap.outer import access_log_file, log_file, umask
from twisted_pypi.tap.showing import make_showing
from twisted_pypi.tap.web import make_handlers
from twisted_pypi.uploading import Uploader
from twisted_pypi.web.access_lines import JsonLines
from twisted_pypi.web.access_log import AccessLog
from twisted_pypi.web.addresses import Addresses
from twisted_pypi.web.guard import Guard
from twisted_pypi.web.handlers import Status
from twisted_pypi.web.hot import HotAnswers
from twisted_pypi.web.marks import Marks
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.people.errors import ErrorPages
from twisted_pypi.web.people.status import StatusPage
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.proxies import TrustedProxies, resolve_by
from twisted_pypi.web.reception import Reception
from twisted_pypi.web.site import IndexSite
from twisted_pypi.web.tree import Tree
from twisted_pypi.web.uploads import Uploads

if TYPE_CHECKING:
    from twisted_pypi.tap.together import Together


def makeService(options: Options, reactor: Any = None, together: Together | None = None) -> IService:
    """Return the server that these options ask for.  Nothing is opened before it is started.

    ``together`` is there for one of the processes that another one has started.
    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415  # importing it chooses it
    config = options.config
    run_in_thread: RunInThread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    if together is None and config.workers > 1:
        from twisted_pypi.tap.together import as_keeper  # noqa: PLC0415  # one process alone needs none of it

        together = as_keeper(config)
    folders = make_folders(config, reactor, options.environ, together)
    outward, reports = None, None
    if config.audit_log is not None or config.webhooks:
        from twisted_pypi.tap.outward import make_outward  # noqa: PLC0415  # who tells nobody needs none of it

        outward = make_outward(
            config, folders, options.environ,
            ending_since=lambda: server.ending_since, run_in_thread=run_in_thread, reactor=reactor,
        )  # fmt: skip
        folders = replace(folders, tell=outward.tell)
    marks, scanner, local, store = folders.marks, folders.scanner, folders.local, folders.store
    hashing = HashingThreads(reactor)
    accounts = make_accounts(config, hashing, reactor)
    proxies = TrustedProxies(config.trusted_proxies, resolve_by(reactor.nameResolver), reactor)
    measurements = measurements_of(config)
    guard = Guard(
        counted(accounts, measurements), config.authenticate, proxies, closed=partial(why_closed, config, accounts)
    )
    if outward is not None:
        reports = outward.reports(guard, reactor.seconds)
    pages = FinishedPages(config.page_cache)
    showing = make_showing(options, folders, pages, run_in_thread, reactor)
    uploader = Uploader(
        store,
        local,
        overwrite=config.overwrite,
        run_in_thread=run_in_thread,
        clock=reactor.seconds,
        checks=config.upload_checks,
        attestations=config.attestations,
        verify=make_verifier(config, reactor),
        record_of=marks.of,
        owners=showing.owners,
        locks=None if folders.following is None or together is None else together.locks(folders.following, reactor),
    )
    uploads = Uploads(
        store, uploader, run_in_thread, largest=config.max_upload_size, at_once=config.max_uploads, reports=reports
    )
    templates = Templates()
    progress, telling = make_progress(folders, showing, together, reactor)
    status = Status(
        showing.index, showing.index.counts, version("twisted_pypi"), scanner.troubles, progress,
        clock=reactor.seconds, mirror=None if showing.outside is None else showing.outside.mirror(),
        admins=config.admins, identify=guard.identify, pages=StatusPage(templates),
    )  # fmt: skip
    figures = make_figures(
        config, measurements, folders, showing, pages=pages, connections=lambda: site.open_connections,
        error_pages=ErrorPages(templates), proxies=proxies, together=together, run_in_thread=run_in_thread,
        reactor=reactor,
    )  # fmt: skip
    handlers = make_handlers(
        config, showing, pages=pages, uploads=uploads, templates=templates, status=status,
        address=guard.address, run_in_thread=run_in_thread, metrics=figures.shown,
        marks=Marks(Marker(store, local, marks.change, run_in_thread), local, marks.of, reports),
    )  # fmt: skip
    tree = Tree(guard, handlers, prefix=config.server_base_url, health=config.health_endpoint)
    access_file = None if config.access_log == "off" else access_log_file(options, together)
    form = JsonLines() if config.log_format is LogFormat.JSON else None
    access_log = None if access_file is None else AccessLog(access_file.write, guard.address, reactor, form)
    # They are of use only where reading needs a login.
    turns = Turns(reactor) if config.authenticate - {Action.UPDATE} else None
    site = IndexSite(
        tree,
        Reception(tree, guard, uploads),
        access_log=access_log,
        error_pages=ErrorPages(templates),
        addresses=Addresses(config.server_base_url, config.public_url, proxies),
        hot=HotAnswers(accounts, token_bytes(32), turns),
        measurements=measurements,
        catch_up=None if folders.following is None else folders.following.catch_up,
        reactor=reactor,
    )
    certificate, redirect = None, None
    if config.tls_cert is not None or config.redirect_http is not None:
        from twisted_pypi.tap.tls import make_certificate, make_redirect  # noqa: PLC0415  # without TLS none of it is needed

        certificate = make_certificate(config, together)
        redirect = make_redirect(
            config, access_log=access_log, error_pages=ErrorPages(templates), proxies=proxies, reactor=reactor
        )
    workers = None if together is None else together.workers(options, folders, access_file, certificate, reactor)
    server = Server(
        config,
        site,
        reactor=reactor,
        log_file=log_file(options),
        log_files=[each for each in (access_file, *(outward.log_files if outward else ())) if each is not None],
        umask=umask(options),
        workers=workers,
        adopted=() if together is None else together.places(reactor),
        become_owner=give_up_root if folders.keeps else lambda _: None,
        certificate=certificate,
        redirect=redirect,
        figures=figures.site,
        reloads=reloads_of((accounts, *showing.services)),
        notifier=notifier_of(options.environ) if folders.keeps else None,
    )
    announcer = Announcer(config, showing.index, lambda: accounts.users)
    undecided = Undecided(config, showing.owners.undecided)
    sweeper = Sweeper(store.sweep, run_in_thread, reactor)
    serving = (
        *(outward.services if outward else ()),
        ClockSteps(reactor),
        turns,
        access_log,
        *figures.services,
        *telling,
        hashing,
        proxies,
        scanner,
        *showing.services,
    )
    keeping = (sweeper, announcer, undecided, workers) if folders.keeps else ()
    for service in filter(None, (*serving, *keeping)):
        service.setServiceParent(server)
    return server
