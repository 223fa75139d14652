"""What is told of a file that was taken back, and of those who had it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twisted_pypi.distributions import ProjectName, normalize
from twisted_pypi.policy.moments import SECOND_NS, iso
from twisted_pypi.policy.recalls import REMOVED, YANKED, Recall


@dataclass(frozen=True, slots=True)
class RecalledFile:
    """A file that the index it was fetched from took back."""

    project: ProjectName
    filename: str
    sha256: str
    recall: Recall
    index: str | None
    """The address of that index; ``None`` where nothing says it."""
    fetched_ns: int | None
    """When it was fetched, nanoseconds since the epoch."""
    cached: bool
    """Is it in the cache of upstream files?  If not, an update put it into the folders."""
    doubted: bool = False
    """Was so much gone in one pass that it is taken for a glitch, and reported only?"""

    @property
    def needs_a_hand(self) -> bool:
        """Should somebody look at the machines that have it?  Not for what is yanked, or was missed only once."""
        return self.recall.how != YANKED and (self.recall.how != REMOVED or self.recall.confirmed)


@dataclass(frozen=True, slots=True)
class Taker:
    """Somebody who took a file."""

    user: str | None
    """The name of the login, if there was one."""
    address: str
    """The address of the client."""
    agent: str
    """What the client says it is."""
    first_ns: int
    """When that was for the first time, nanoseconds since the epoch."""
    last_ns: int
    """When that was for the last time."""
    times: int
    """How often; a client that takes a file in pieces counts for each of them."""


def write_recall(recalled: RecalledFile, takers: Sequence[Taker] | None) -> Mapping[str, object]:
    """Return what a report says of a file, ready for JSON; without ``takers``, nothing of who took it."""
    recall = recalled.recall
    said: dict[str, object] = {
        "project": recalled.project,
        "filename": recalled.filename,
        "sha256": recalled.sha256,
        "how": recall.how,
        "reason": recall.reason,
        "since": iso(recall.since_ns),
        "confirmed": recall.confirmed,
        "hidden": recall.hidden,
        "doubted": recalled.doubted,
        "needs-a-hand": recalled.needs_a_hand,
        "index": recalled.index,
        "fetched": None if recalled.fetched_ns is None else iso(recalled.fetched_ns),
        "kept": "cache" if recalled.cached else "folders",
    }
    if takers is not None:
        said["takers"] = [
            {
                "user": each.user,
                "address": each.address,
                "agent": each.agent,
                "first": iso(each.first_ns),
                "last": iso(each.last_ns),
                "times": each.times,
            }
            for each in takers
        ]
    return said


def read_recalled(found: object) -> tuple[RecalledFile, list[Taker] | None]:
    """Return what ``write_recall`` was given.  Raises ``ValueError`` for what it cannot have written."""
    try:
        return _recalled(found), _takers(found)
    except (AttributeError, KeyError, TypeError) as problem:
        raise ValueError("expected what is told of a recalled file") from problem


def _recalled(found: Any) -> RecalledFile:
    recall = Recall(
        str(found["how"]),
        _ns(found["since"]),
        confirmed=bool(found["confirmed"]),
        hidden=bool(found["hidden"]),
        reason=None if found["reason"] is None else str(found["reason"]),
    )
    return RecalledFile(
        normalize(found["project"]),
        str(found["filename"]),
        str(found["sha256"]),
        recall,
        None if found["index"] is None else str(found["index"]),
        None if found["fetched"] is None else _ns(found["fetched"]),
        cached=found["kept"] == "cache",
        doubted=bool(found["doubted"]),
    )


def _takers(found: Any) -> list[Taker] | None:
    if "takers" not in found:
        return None
    return [
        Taker(
            None if each["user"] is None else str(each["user"]),
            str(each["address"]),
            str(each["agent"]),
            _ns(each["first"]),
            _ns(each["last"]),
            int(each["times"]),
        )
        for each in found["takers"]
    ]


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND_NS
