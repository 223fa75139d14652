"""The options of ``twistd pypi`` and ``twist pypi``."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import NoReturn

from twisted.python import usage

from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.layers import Layer, of_command_line, of_extra, of_variables, parser_of
from twisted_pypi.options.reading import config_of
from twisted_pypi.options.setting import Contradiction, Setting
from twisted_pypi.options.table import SETTINGS

DESCRIPTION = "Serve folders of Python packages to pip, uv, poetry and twine."


def refuse(prog: str, problem: BadSetting) -> NoReturn:
    """Say in one sentence what is wrong, and end the process: 1 for a contradiction, 2 for a wrong value."""
    sys.stderr.write(f"{prog}: {problem}\n")
    raise SystemExit(1 if isinstance(problem, Contradiction) else 2)


def version_line() -> str:
    """What ``--version`` says."""
    return f"twisted_pypi {version('twisted_pypi')}"


class Options(usage.Options):
    """The settings of one server, as twistd and twist read them.

    argparse does the reading: twistd's own way would answer a wrong value with
    its whole usage on standard output.
    """

    config: Config
    """The settings; there when ``parseOptions`` has returned."""

    def __init__(self, environ: Mapping[str, str] | None = None, config: Config | None = None) -> None:
        super().__init__()
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        if config is not None:
            self.config = config

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Read the settings; ends the process with one sentence when they cannot be used."""
        program = self.program()
        try:
            command_line = of_command_line(self._parser(), SETTINGS, sys.argv[1:] if options is None else options)
            self.config = read(command_line, SETTINGS, self._parser(), self.environ)
        except BadSetting as problem:
            refuse(program, problem)

    def program(self) -> str:
        """What the program is called in sentences about its options."""
        outer = os.path.basename(sys.argv[0]) if self.parent is not None else "twistd"  # noqa: PTH119  # a text, no path
        return f"{outer} pypi"

    def _parser(self) -> ArgumentParser:
        program = self.program()
        return parser_of(SETTINGS, program, f"{program} --root DIR [options]", DESCRIPTION, version_line())

    def __str__(self) -> str:
        """Everything that can be set."""
        return self._parser().format_help()


def read(
    command_line: Layer,
    settings: Sequence[Setting],
    parser: ArgumentParser,
    environ: Mapping[str, str],
    default_root: str | None = None,
    *,
    serving: bool = True,
) -> Config:
    """The settings that a command line and the environment make together.  Raises ``BadSetting``.

    ``serving`` is not for commands that only look at the folders of a server.
    """
    extra = of_extra(partial(of_command_line, parser, settings, place=" (in PYPI_EXTRA)"), environ)
    layers = (command_line, extra, of_variables(settings, environ))
    return config_of(settings, layers, default_root=default_root, environ=environ, serving=serving)
