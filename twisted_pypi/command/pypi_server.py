"""``pypi-server``: the old server's command line, with and without a sub-command."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import Path

from twisted_pypi.command.foreground import serve
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.layers import Layer, of_command_line, parser_of
from twisted_pypi.options.setting import Contradiction
from twisted_pypi.options.subcommand import DESCRIPTION, read, refuse, version_line
from twisted_pypi.options.table import SETTINGS, UPDATE

DEFAULT_ROOT = "~/packages"

_USAGE = "{prog} [run] [options] [DIR ...]\n       {prog} update [-x] [options] [DIR]"


class Verb(Enum):
    """The sub-commands."""

    RUN = "run"
    UPDATE = "update"


def main(argv: Sequence[str] | None = None, prog: str = "pypi-server") -> None:
    """Do what the command line says; ends the process."""
    try:
        config = settings_of(sys.argv[1:] if argv is None else argv, os.environ, prog)
    except BadSetting as problem:
        refuse(prog, problem)
    # Whoever only asks for --help does not wait for the whole server to be imported.
    from twisted.internet import reactor  # noqa: PLC0415  # and importing it chooses it

    from twisted_pypi.tap import makeService  # noqa: PLC0415  # as above

    serve(config, makeService, reactor)


def settings_of(argv: Sequence[str], environ: Mapping[str, str], prog: str) -> Config:
    """The settings of the server that a command line asks for.

    Raises ``BadSetting``, and ``Contradiction`` for what cannot be done.
    """
    parser = _parser(prog)
    verb, line = _verb(of_command_line(parser, SETTINGS + UPDATE, argv))
    if verb is Verb.UPDATE:
        raise Contradiction("update is not there yet in this version: expected `run`, which serves the folder.")
    names = {setting.name for setting in UPDATE}
    for name, given in line.given.items():
        if name in names:
            raise BadSetting(f"{given.where} only goes with update: expected it behind `{prog} update`.")
    return read(line, SETTINGS, parser, environ, DEFAULT_ROOT)


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
