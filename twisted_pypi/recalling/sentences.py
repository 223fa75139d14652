"""What is said of a recall, in the log and on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from twisted_pypi.policy.moments import iso
from twisted_pypi.policy.recalls import REMOVED, YANKED
from twisted_pypi.recalling.report import RecalledFile, Taker

LONGEST_REASON = 300
"""Characters that are shown of the reason that an index gives."""


def sentence(recalled: RecalledFile, *, back: bool = False) -> str:
    """Return what became of a file, in one sentence without its full stop; ``back``: it is not recalled any more."""
    index = recalled.index or "its index"
    fetched = "" if recalled.fetched_ns is None else f", fetched from {index} at {iso(recalled.fetched_ns)},"
    subject = f"{recalled.filename} of {recalled.project}{fetched}"
    recall = recalled.recall
    if back:
        return f"{subject} is as good as before: it was {recall.how} there, and is not any more"
    reason = f" ({plain(recall.reason)})" if recall.reason else ""
    return (
        f"{subject} was {recall.how} there, as was first seen at {iso(recall.since_ns)}{reason}; {_following(recalled)}"
    )


def plain(text: str) -> str:
    """Return text of a stranger as it may stand in a line of a log or on a terminal."""
    text = " ".join(text.split())
    return "".join(each if each.isprintable() else "?" for each in text)[:LONGEST_REASON]


def _following(recalled: RecalledFile) -> str:
    """What is done with the file."""
    recall = recalled.recall
    if recall.hidden:
        return "it is kept from clients, and stays on the disk"
    if recall.how == YANKED:
        return "installers pass it over unless it is asked for by its very version"
    if recalled.doubted:
        return "so much is gone that it is taken for a glitch, and it is still given out"
    if recall.how == REMOVED and not recall.confirmed:
        return "it is still given out, until that is seen again an hour later"
    return "it is still given out, as the rules say"


def taken(takers: Iterable[Taker]) -> list[str]:
    """Return who took a file, a line each."""
    lines = []
    for each in takers:
        who = plain(each.user) if each.user else "somebody"
        times = "once" if each.times == 1 else f"{each.times} times"
        agent = f" with {plain(each.agent)}" if each.agent else ""
        lines.append(f"taken {times} by {who} from {plain(each.address)}{agent}, last at {iso(each.last_ns)}")
    return lines or ["taken by nobody, as far back as the log of downloads goes"]
