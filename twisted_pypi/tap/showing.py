"""What is shown to clients: the folders, under the rules, and what is fetched from upstream indexes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twisted.application.service import IService

from twisted_pypi.boundaries import Index, LocalFiles, RunInThread
from twisted_pypi.config import Config, Fallback
from twisted_pypi.indexes.expiry import Expiry
from twisted_pypi.indexes.explaining import Explainer
from twisted_pypi.indexes.more_hashes import MoreHashes
from twisted_pypi.indexes.provenance import WithProvenance
from twisted_pypi.options import Options
from twisted_pypi.options.reading import rules_in
from twisted_pypi.owning import Owners
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.rules import Rules
from twisted_pypi.tap.folders import Folders
from twisted_pypi.web.pages import FinishedPages

if TYPE_CHECKING:
    from twisted_pypi.tap.outside import Outside


@dataclass(frozen=True, slots=True)
class Showing:
    """What is shown to clients."""

    index: LocalFiles
    """The folders."""
    shown: Index
    """All projects, as their pages show them."""
    owners: Owners
    explainer: Explainer
    outside: Outside | None
    """``None``: no upstream index is ever asked."""
    services: list[IService] = field(default_factory=list)


def make_showing(
    options: Options, folders: Folders, pages: FinishedPages, run_in_thread: RunInThread, reactor: Any
) -> Showing:
    """Return what is shown to clients.  Files of settings are read.  Raises ``BadSetting``."""
    config = options.config
    folders.changes.subscribe(pages.drop)
    folders.changes.subscribe_to_everything(pages.drop_all)
    expiry = Expiry(reactor, pages.expire)
    services: list[IService] = [expiry]
    rules: Callable[[], Rules] = Rules
    index: LocalFiles = folders.index
    path = config.rules or _rules_to_come(config)
    if path is not None:
        from twisted_pypi.indexes.ruled import Ruled  # noqa: PLC0415  # who has no rules needs none of this
        from twisted_pypi.ruling import RulesInForce  # noqa: PLC0415  # as above

        in_force = RulesInForce(
            path, reactor, run_in_thread, folders.changes.publish_everything, may_come=config.rules is None
        )
        services.append(in_force)
        rules = lambda: in_force.rules  # noqa: E731  # the name has its type above
        index = Ruled(index, rules, clock=reactor.seconds, expect_end=expiry.expect)
    shown = _shown(config, index, run_in_thread)
    owners = Owners(
        NamePatterns(config.private), folders.marks, folders.local, run_in_thread=run_in_thread, clock=reactor.seconds,
        cached=lambda: frozenset() if outside is None else outside.cached_projects(), doubt=folders.doubt,
    )  # fmt: skip
    folders.changes.subscribe(owners.drop)
    outside: Outside | None = None
    if config.fallback is Fallback.PROXY or config.update_every is not None:
        from twisted_pypi.tap.outside import make_outside  # noqa: PLC0415  # who asks nobody does not wait for it

        outside = make_outside(
            config, folders, shown, owners=owners, rules=rules, expiry=expiry,
            environ=options.environ, run_in_thread=run_in_thread, reactor=reactor,
        )  # fmt: skip
        services += outside.services
        shown = outside.shown
    explainer = Explainer(
        folders.local, owners, folders.marks.of, rules, clock=reactor.seconds, run_in_thread=run_in_thread,
        mirrored=None if outside is None or outside.pull_through is None else outside.pull_through.mirrored,
        merge=config.merge,
    )  # fmt: skip
    return Showing(index, shown, owners, explainer, outside, services)


def _rules_to_come(config: Config) -> str | None:
    """The rules file that is not there yet, where there is something that it would bite on."""
    asks = config.fallback is Fallback.PROXY or config.update_every is not None
    return rules_in(config.roots[0]) if asks and config.fallback is not Fallback.REDIRECT else None


def _shown(config: Config, index: LocalFiles, run_in_thread: RunInThread) -> Index:
    """The index as its pages show it: each feature is an index around another."""
    shown: Index = index
    # Its address has to be an absolute https URL (PEP 740), and nothing else says what that is.
    if config.public_url is not None and config.public_url.startswith("https:"):
        shown = WithProvenance(index, config.public_url)
    if config.hash_algo not in {None, "sha256"}:
        shown = MoreHashes(shown, str(config.hash_algo), run_in_thread)
    return shown
