"""Why each file of a project is given out here or not, as a value, as JSON, and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from twisted_pypi.distributions import ProjectName, same_version
from twisted_pypi.policy.moments import iso
from twisted_pypi.project_records import Whose
from twisted_pypi.simple.json import upload_time

UNDECIDED = "undecided"
"""What JSON says of a project of which only a comparison with the upstream can tell whose it is."""


class State(StrEnum):
    """What becomes of a file when a client asks for it."""

    LOCAL = "local"
    """It lies in the folders of the server."""
    CACHED = "cached"
    """It was fetched from an upstream index and is kept."""
    AVAILABLE = "available"
    """It is fetched from an upstream index when somebody asks for it."""
    HELD_BACK = "held back"
    """A rule keeps it from clients for a while."""
    DENIED = "denied"
    """A rule keeps it from clients."""
    RECALLED = "recalled"
    """The upstream index took it back."""
    UNUSABLE = "unusable"
    """It cannot be verified, or its name is not that of a file of its project."""


@dataclass(frozen=True, slots=True)
class ExplainedFile:
    """One file, and what becomes of it."""

    filename: str
    version: str
    """As written in its name; empty when that cannot be understood."""
    state: State
    because: str
    """The reason, as it follows the name of the file."""
    sha256: str | None = None
    """Hex digest."""
    yanked: str | None = None
    """Why it is yanked (PEP 592), empty when no reason was given; ``None``: it is not."""
    rule: str | None = None
    """The rule that keeps it from clients."""
    until_ns: int | None = None
    """Until when, nanoseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One project, whose it is, and its files."""

    project: ProjectName
    whose: Whose | None
    """``None``: only a comparison with the upstream can tell; until then it is ours."""
    because: str
    """The reason, as it follows "because"."""
    files: tuple[ExplainedFile, ...]
    status: str | None = None
    """Its status marker (PEP 792)."""
    reason: str | None = None
    """Why it has that."""
    index: str | None = None
    """The address of the upstream index that it comes from, where it is known."""
    stale_since_ns: int | None = None
    """When the upstream last said what is shown, where it could not be asked since."""
    trouble: str | None = None
    """Why the upstream could not be asked."""


def sentences(explanation: Explanation, version: str | None = None) -> Iterator[str]:
    """Return the explanation line by line; with ``version``, of its files alone."""
    name = explanation.project
    match explanation.whose:
        case None:
            yield f"{name} is held to be ours until it is compared with the upstream, because {explanation.because}."
        case Whose.OURS:
            yield f"{name} is ours, because {explanation.because}."
        case Whose.UPSTREAM:
            yield f"{name} is the upstream's, because {explanation.because}."
    if explanation.status is not None:
        yield f"{name} is {explanation.status}{f': {explanation.reason}' if explanation.reason else ''}."
    if explanation.stale_since_ns is not None:
        since = iso(explanation.stale_since_ns)
        yield f"What the upstream has is shown as it was at {since}: {explanation.trouble or 'it cannot be asked'}."
    elif explanation.trouble is not None:
        yield f"Nothing of the upstream is shown: {explanation.trouble}."
    files = files_of(explanation, version)
    for file in files:
        yanked = "" if file.yanked is None else f"; yanked{f': {file.yanked}' if file.yanked else ''}"
        yield f"{file.filename} {file.because}{yanked}."
    if not files:
        yield f"There is no file of {name}{f' {version}' if version else ''}."


def files_of(explanation: Explanation, version: str | None) -> tuple[ExplainedFile, ...]:
    """Return the files of one version, in whatever spelling (PEP 440); all for ``None``."""
    if version is None:
        return explanation.files
    return tuple(file for file in explanation.files if same_version(file.version, version))


def write_document(explanation: Explanation, version: str | None = None) -> dict[str, object]:
    """Return the explanation as an object of JSON."""
    said: dict[str, object | None] = {
        "project": explanation.project,
        "whose": explanation.whose or UNDECIDED,
        "because": explanation.because,
        "status": explanation.status,
        "reason": explanation.reason,
        "index": explanation.index,
        "stale-since": _moment(explanation.stale_since_ns),
        "trouble": explanation.trouble,
        "files": [_file(file) for file in files_of(explanation, version)],
    }
    return _known(said)


def read_document(found: object) -> Explanation:
    """Return the explanation that an object of JSON is.  Raises ``ValueError`` when it is none."""
    if not isinstance(found, dict) or not isinstance(found.get("files"), list):
        raise ValueError("expected an object with files")  # noqa: TRY004  # it is the text that is wrong
    whose, files = _text(found, "whose"), found["files"]
    return Explanation(
        ProjectName(_text(found, "project")),
        None if whose == UNDECIDED else Whose(whose),
        _text(found, "because"),
        tuple(_read_file(each) for each in files),
        _perhaps(found, "status"),
        _perhaps(found, "reason"),
        _perhaps(found, "index"),
        _nanoseconds(found, "stale-since"),
        _perhaps(found, "trouble"),
    )


def _file(file: ExplainedFile) -> dict[str, object]:
    return _known(
        {
            "filename": file.filename,
            "version": file.version,
            "state": file.state,
            "because": file.because,
            "sha256": file.sha256,
            "yanked": file.yanked,
            "rule": file.rule,
            "until": _moment(file.until_ns),
        }
    )


def _read_file(found: object) -> ExplainedFile:
    if not isinstance(found, dict):
        raise ValueError("expected an object for each file")  # noqa: TRY004  # it is the text that is wrong
    return ExplainedFile(
        _text(found, "filename"),
        _text(found, "version"),
        State(_text(found, "state")),
        _text(found, "because"),
        _perhaps(found, "sha256"),
        _perhaps(found, "yanked"),
        _perhaps(found, "rule"),
        _nanoseconds(found, "until"),
    )


def _known(said: Mapping[str, object | None]) -> dict[str, object]:
    return {key: value for key, value in said.items() if value is not None}


def _text(found: Mapping[str, object], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        raise ValueError(f"expected a text for {key!r}")  # noqa: TRY004  # it is the text that is wrong
    return value


def _perhaps(found: Mapping[str, object], key: str) -> str | None:
    return None if found.get(key) is None else _text(found, key)


def _moment(ns: int | None) -> str | None:
    return None if ns is None else upload_time(ns)


def _nanoseconds(found: Mapping[str, object], key: str) -> int | None:
    text = _perhaps(found, key)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
