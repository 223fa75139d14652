"""``twisted-pypi``: the operator's command."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn

from twisted_pypi.command.verbs import VERBS, Verb, handler_of, usage
from twisted_pypi.errors import BadSetting, TwistedPyPIError
from twisted_pypi.options.subcommand import refuse, version_line

INTERRUPTED = 130
"""The exit code of what somebody broke off."""

_VERBS: Mapping[str, Verb] = {verb.name: verb for verb in VERBS}


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says; ends the process with the exit code, where there is one to say."""
    words = list(sys.argv[1:] if argv is None else argv)
    first, rest = (words[0], words[1:]) if words else ("--help", [])
    if first == "--version":
        sys.stdout.write(f"{version_line()}\n")
    elif first in {"--help", "-h"}:
        sys.stdout.write(usage())
    elif first not in _VERBS:
        near = get_close_matches(first, _VERBS, 1)
        meant = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(_VERBS)}."
        refuse("twisted-pypi", BadSetting(f"{first!r} is no command: {meant}"))
    elif (verb := _VERBS[first]).help and {"--help", "-h"} & set(rest):
        sys.stdout.write(f"usage: twisted-pypi {verb.name} {verb.words}\n\n{verb.help}\n")
    elif (code := _done(verb, rest)) is not None:
        raise SystemExit(code)


def _done(verb: Verb, rest: Sequence[str]) -> int | None:
    """Do it, say what came of it, and return the exit code if it has one."""
    prog = f"twisted-pypi {verb.name}"
    try:
        said = handler_of(verb)(rest, os.environ)
        if not isinstance(said, int):
            sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
    except BadSetting as problem:
        refuse(prog, problem)
    except BrokenPipeError:
        # Whoever read has seen enough; nothing is left to be written when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit:
        # A start that failed is one, and has said its sentence.
        raise
    except TwistedPyPIError as problem:
        _failed(prog, str(problem).rstrip("."))
    except OSError as problem:
        what = f"{problem.filename} cannot be used" if problem.filename else "that cannot be done"
        _failed(prog, f"{what} ({problem.strerror or problem})")
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    return said if isinstance(said, int) else None


def _failed(prog: str, sentence: str) -> NoReturn:
    sys.stderr.write(f"{prog}: {sentence}.\n")
    raise SystemExit(1)
