"""``twisted-pypi``: the operator's command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from twisted_pypi.command import pypi_server
from twisted_pypi.command.check import check
from twisted_pypi.command.health import health
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.subcommand import refuse, version_line

_USAGE = """\
usage: twisted-pypi run [options] [DIR ...]      serve; the options are those of pypi-server
       twisted-pypi update [-x] [options] [DIR]  say what is newer upstream, or with -x fetch it
       twisted-pypi check [options] [DIR ...]    say what would be served, and what is in the way
       twisted-pypi health [options]             ask the server that these options start whether it is well
       twisted-pypi health --pid N               the same, with the options of the process N
       twisted-pypi passwd FILE USER             add a user to an htpasswd file, or give one a new password
       twisted-pypi passwd --delete FILE USER    remove a user
       twisted-pypi yank NAME VERSION|FILE       keep installers from a release that was a mistake
       twisted-pypi unyank NAME VERSION|FILE     take that back
       twisted-pypi status NAME [STATUS]         say or set: active, archived, quarantined, deprecated
                                                 (these three with --root DIR, or --url URL -u USER; --reason TEXT)
       twisted-pypi why NAME [VERSION] [options] say whose a project is, and what becomes of each of its files
       twisted-pypi why NAME [VERSION] --url URL the same, as the server there knows it (-u USER)
       twisted-pypi own NAME [--root DIR]        make a project yours: it takes uploads, and is asked for nowhere else
       twisted-pypi own --release NAME           give it back
       twisted-pypi own --show NAME              say whose it is, and why
       twisted-pypi recalls [options]            list what upstream indexes took back, and who took it from here
       twisted-pypi recalls --url URL            the same, as the server there knows it (-u USER)
       twisted-pypi --version
       twisted-pypi --help
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Do what the command line says; ends the process."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb, rest = (words[0], words[1:]) if words else ("--help", [])
    others: Mapping[str, Callable[[Sequence[str]], None]] = {
        "check": _check,
        "health": _health,
        "passwd": _passwd,
        "why": _why,
        "own": _own,
        "recalls": _recalls,
    }
    match verb:
        case "run" | "update":
            pypi_server.main([verb, *rest], f"twisted-pypi {verb}")
        case "yank" | "unyank" | "status":
            _mark(verb, rest)
        case "--version":
            sys.stdout.write(f"{version_line()}\n")
        case "--help" | "-h":
            sys.stdout.write(_USAGE)
        case _ if verb in others:
            others[verb](rest)
        case _:
            refuse(
                "twisted-pypi",
                BadSetting(
                    f"{verb!r} is no command: expected run, update, check, health, passwd, yank, unyank, status, why,"
                    " own or recalls."
                ),
            )


def _passwd(argv: Sequence[str]) -> None:
    from twisted_pypi.command.passwd import passwd  # noqa: PLC0415  # the hashes take a while to import

    try:
        said = passwd(argv)
    except BadSetting as problem:
        refuse("twisted-pypi passwd", problem)
    sys.stdout.write(f"{said}\n")


def _mark(verb: str, argv: Sequence[str]) -> None:
    from twisted_pypi.command.mark import mark  # noqa: PLC0415  # what the server is made of takes a while to import

    try:
        said = mark(verb, argv)
    except BadSetting as problem:
        refuse(f"twisted-pypi {verb}", problem)
    sys.stdout.write(f"{said}\n")


def _why(argv: Sequence[str]) -> None:
    from twisted_pypi.command.why import why  # noqa: PLC0415  # what the server is made of takes a while to import

    try:
        said = why(argv, os.environ)
    except BadSetting as problem:
        refuse("twisted-pypi why", problem)
    sys.stdout.write(f"{said}\n")


def _own(argv: Sequence[str]) -> None:
    from twisted_pypi.command.own import own  # noqa: PLC0415  # as above

    try:
        said = own(argv, os.environ)
    except BadSetting as problem:
        refuse("twisted-pypi own", problem)
    sys.stdout.write(f"{said}\n")


def _recalls(argv: Sequence[str]) -> None:
    from twisted_pypi.command.recalls import recalls  # noqa: PLC0415  # as above

    try:
        needs_a_hand, said = recalls(argv, os.environ)
    except BadSetting as problem:
        refuse("twisted-pypi recalls", problem)
    sys.stdout.write(f"{said}\n")
    raise SystemExit(1 if needs_a_hand else 0)


def _check(argv: Sequence[str]) -> None:
    try:
        findings = list(check(pypi_server.settings_of(argv, os.environ, "twisted-pypi check")))
    except BadSetting as problem:
        refuse("twisted-pypi check", problem)
    for finding in findings:
        sys.stdout.write(f"{'!' if finding.bad else '-'} {finding.sentence}\n")
    raise SystemExit(1 if any(finding.bad for finding in findings) else 0)


def _health(argv: Sequence[str]) -> None:
    try:
        well, said = health(argv, os.environ)
    except BadSetting as problem:
        refuse("twisted-pypi health", problem)
    sys.stdout.write(f"{said}\n")
    raise SystemExit(0 if well else 1)
