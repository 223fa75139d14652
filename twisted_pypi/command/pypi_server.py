"""``pypi-server``: the old server's command line, with and without a sub-command."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import NoReturn

from twisted_pypi.command.foreground import serve
from twisted_pypi.config import Config, Fallback
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.layers import Layer, of_command_line, parser_of
from twisted_pypi.options.setting import Contradiction, Given
from twisted_pypi.options.subcommand import DESCRIPTION, read, refuse, version_line
from twisted_pypi.options.table import SETTINGS, UPDATE
from twisted_pypi.options.update_choices import UpdateChoices, choices_of

DEFAULT_ROOT = "~/packages"

_USAGE = "{prog} [run] [options] [DIR ...]\n       {prog} update [-x] [options] [DIR]"


class Verb(Enum):
    """The sub-commands."""

    RUN = "run"
    UPDATE = "update"


def main(argv: Sequence[str] | None = None, prog: str = "pypi-server") -> None:
    """Do what the command line says; ends the process."""
    try:
        config, choices = said_by(sys.argv[1:] if argv is None else argv, os.environ, prog)
        if choices is not None:
            _update(config, choices)
        # Whoever only asks for --help does not wait for the whole server to be imported.
        from twisted.internet import reactor  # noqa: PLC0415  # and importing it chooses it

        from twisted_pypi.tap.server import makeService  # noqa: PLC0415  # as above

        serve(config, makeService, reactor)
    except BadSetting as problem:
        refuse(prog, problem)


def run(argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Serve, as ``twisted-pypi run``; ends the process."""
    del environ
    main(["run", *argv], "twisted-pypi run")
    raise SystemExit(0)


def update(argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Update, as ``twisted-pypi update``; ends the process."""
    del environ
    main(["update", *argv], "twisted-pypi update")
    raise SystemExit(0)


def settings_of(argv: Sequence[str], environ: Mapping[str, str], prog: str, *, serving: bool = True) -> Config:
    """The settings of the server that a command line asks for; ``serving`` is not for who only looks at its folders.

    Raises ``BadSetting``, and ``Contradiction`` for what cannot be done.
    """
    config, choices = said_by(argv, environ, prog, serving=serving)
    if choices is not None:
        raise Contradiction("an update is no server: expected the options of `run`.")
    return config


def said_by(
    argv: Sequence[str], environ: Mapping[str, str], prog: str, *, serving: bool = True
) -> tuple[Config, UpdateChoices | None]:
    """The settings that a command line asks for, and what it asks of an update if it is one.

    Raises ``BadSetting``.
    """
    parser = _parser(prog)
    verb, line = _verb(of_command_line(parser, SETTINGS + UPDATE, argv))
    if verb is Verb.UPDATE:
        # What clients are told of other projects has nothing to do with it, and rules hold in any case.
        with_fallback = {**line.given, "fallback": Given("update", "off", Fallback.OFF)}
        return read(Layer(with_fallback, line.operands), SETTINGS, parser, environ, DEFAULT_ROOT), choices_of(line)
    names = {setting.name for setting in UPDATE}
    for name, given in line.given.items():
        if name in names:
            raise BadSetting(f"{given.where} only goes with update: expected it behind `{prog} update`.")
    return read(line, SETTINGS, parser, environ, DEFAULT_ROOT, serving=serving), None


def _update(config: Config, choices: UpdateChoices) -> NoReturn:
    """Update, and end the process.  Raises ``BadSetting``."""
    from twisted.internet import reactor  # noqa: PLC0415  # importing it chooses it

    from twisted_pypi.command import update as updating  # noqa: PLC0415  # who serves needs none of it

    raise SystemExit(updating.update(config, choices, os.environ, reactor))


def _verb(line: Layer) -> tuple[Verb, Layer]:
    """What is to be done: the first operand, or ``-U`` in the form without one."""
    verbs = {verb.value: verb for verb in Verb}
    if line.operands and line.operands[0] in verbs:
        return verbs[line.operands[0]], Layer(line.given, line.operands[1:])
    if line.operands and get_close_matches(line.operands[0], verbs) and not Path(line.operands[0]).is_dir():
        # A mistyped sub-command must not become a new folder that takes uploads.
        raise BadSetting(f"{line.operands[0]!r} is no sub-command and no folder: expected {' or '.join(verbs)}.")
    return (Verb.UPDATE if "update" in line.given else Verb.RUN), line


def _parser(prog: str) -> ArgumentParser:
    description = f"{DESCRIPTION} Without a DIR, {DEFAULT_ROOT} is served."
    return parser_of(SETTINGS + UPDATE, prog, _USAGE.format(prog=prog), description, version_line())
