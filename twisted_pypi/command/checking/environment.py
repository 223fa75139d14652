"""The settings of the old image: what of its environment cannot be used here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.layers import EXTRA

_PROG = "twisted-pypi check"
_PREFIX = "PYPI_"


def read_settings(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Config, list[Finding]]:
    """Return the settings, and what of the environment had to be left out to have any.

    Raises ``BadSetting`` when it is the command line that cannot be used.
    """
    left = dict(environ)
    found: list[Finding] = []
    while True:
        try:
            return settings_of(argv, left, _PROG), found
        except BadSetting as problem:
            culprit = _culprit(argv, left, str(problem))
            if culprit is None:
                raise
            found.append(_finding(str(problem), culprit, left))
            left = culprit


def _culprit(argv: Sequence[str], environ: Mapping[str, str], problem: str) -> dict[str, str] | None:
    """The environment without the first thing that this problem is about; ``None``: it is about none."""
    for without in _with_one_less(environ):
        try:
            settings_of(argv, without, _PROG)
        except BadSetting as other:
            if str(other) == problem:
                continue
        return without
    return None


def _with_one_less(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment without one variable, or without one option of ``PYPI_EXTRA``."""
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name != EXTRA:
            yield {key: text for key, text in environ.items() if key != name}
    try:
        words = shlex.split(environ.get(EXTRA, ""))
    except ValueError:
        words = []
    for at, word in enumerate(words):
        if word.startswith("-"):
            # What follows an option that is not known is its value, more likely than a folder.
            if words[at + 1 : at + 2] and not words[at + 1].startswith("-"):
                yield {**environ, EXTRA: shlex.join(words[:at] + words[at + 2 :])}
            yield {**environ, EXTRA: shlex.join(words[:at] + words[at + 1 :])}
    if EXTRA in environ:
        yield {key: text for key, text in environ.items() if key != EXTRA}


def _finding(problem: str, without: Mapping[str, str], environ: Mapping[str, str]) -> Finding:
    name = next(key for key in environ if environ[key] != without.get(key))
    rest = f", which leaves {without[name]!r}" if without.get(name) else ""
    return Finding(
        f"With this environment no server starts: {problem}",
        Level.BAD,
        Matter.SETTING,
        f"Correct it, or take it out of {name}{rest}; what follows is said of a server without it.",
    )
