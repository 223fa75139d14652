"""What answers at each address."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from twisted_pypi.boundaries import RunInThread
from twisted_pypi.config import Action, Config, Fallback
from twisted_pypi.tap.showing import Showing
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.fallback import NoFallback, Redirect
from twisted_pypi.web.files import Files
from twisted_pypi.web.handlers import Bindings, Status, health
from twisted_pypi.web.integrity import Integrity
from twisted_pypi.web.legacy import LegacyJson, Search
from twisted_pypi.web.marks import Marks
from twisted_pypi.web.packing import zstd_packer
from twisted_pypi.web.pages import FinishedPages
from twisted_pypi.web.people.explaining import ExplanationPage
from twisted_pypi.web.people.listing import Listing
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.people.welcome import Welcome
from twisted_pypi.web.resource import Handler
from twisted_pypi.web.simple import Simple
from twisted_pypi.web.tree import Handlers
from twisted_pypi.web.uploads import Uploads
from twisted_pypi.web.why import Why

if TYPE_CHECKING:
    from twisted_pypi.web.metrics import Metrics


def make_handlers(
    config: Config,
    showing: Showing,
    *,
    pages: FinishedPages, uploads: Uploads, marks: Marks, templates: Templates, status: Status,
    metrics: Metrics | None, address: Callable[[IndexRequest], str], run_in_thread: RunInThread,
) -> Handlers:  # fmt: skip
    """Return what answers at each address, by these settings."""
    index = showing.index
    private = Action.LIST in config.authenticate
    redirects = config.fallback is Fallback.REDIRECT
    fallback = Redirect(config.fallback_url, run_in_thread, showing.owners) if redirects else NoFallback()
    simple = Simple(showing.shown, pages, fallback, private=private, run_in_thread=run_in_thread, zstd=zstd_packer())
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
    tell = None if showing.outside is None else showing.outside.recalls.log
    files = Files(index, config.download_caching, pages, tell=tell, address=address)
    own: dict[bytes, tuple[Action | None, Handler]] = {b"status": (Action.LIST, status.get)}
    if metrics is not None:
        own[b"metrics"] = Action.LIST, metrics.get
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
        upstream_file=None if showing.outside is None else showing.outside.files(address, files),
        why=Why(showing.explainer, ExplanationPage(templates), run_in_thread).get,
        own=own,
    )
