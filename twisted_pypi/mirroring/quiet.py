"""Projects in which there was nothing to be fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twisted_pypi.boundaries import KnownFile, UpstreamPage
from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.rules import Rules


@dataclass(frozen=True, slots=True)
class _Quiet:
    etag: str
    held: int
    """A fingerprint of the files that were here."""
    rules: Rules
    until_ns: int | None
    """When the rules will say something else of some file."""


class QuietProjects:
    """Remembers them for as long as the page, the files here and the rules stay the same."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._quiet: dict[ProjectName, _Quiet] = {}

    def has(self, found: UpstreamPage, held: Sequence[KnownFile], rules: Rules, now_ns: int) -> bool:
        """Is there still nothing to be fetched?"""
        quiet = self._quiet.get(found.page.name)
        return (
            quiet is not None
            and (quiet.etag, quiet.held, quiet.rules) == (found.etag, _fingerprint(held), rules)
            and (quiet.until_ns is None or now_ns < quiet.until_ns)
        )

    def add(self, found: UpstreamPage, held: Sequence[KnownFile], rules: Rules, now_ns: int) -> None:
        """Nothing was to be fetched."""
        until_ns = rules.next_change(found.page, now_ns)
        self._quiet[found.page.name] = _Quiet(found.etag, _fingerprint(held), rules, until_ns)


def _fingerprint(held: Sequence[KnownFile]) -> int:
    return hash(frozenset((each.filename, each.sha256) for each in held))
