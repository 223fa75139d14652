"""What ``twisted-pypi`` can do: one row for each word that may stand first, and the usage that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import cast

from twisted_pypi.errors import TwistedPyPIError

Handler = Callable[[Sequence[str], Mapping[str, str]], str | int]
"""Does what the words behind the verb say, with this environment.

It returns the text for standard output, which ends with exit code 0, or the
exit code when it has written by itself.  It raises ``BadSetting`` for words
that cannot be used (exit code 2), ``CannotBeDone`` or any other
``TwistedPyPIError`` for what cannot be done (1).
"""


class CannotBeDone(TwistedPyPIError):
    """What was asked for was understood, and nothing of it could be done; the exit code is 1."""


class Group(StrEnum):
    """The headings of the usage, in their order."""

    SERVING = "The server"
    LOOKING = "What is there, and what is wrong"
    KEEPING = "Packages"
    PEOPLE = "Users"


@dataclass(frozen=True, slots=True)
class Verb:
    """One sub-command."""

    name: str
    words: str
    """What may stand behind it."""
    summary: str
    """What it does, in a few words that go on from its name."""
    target: str
    """Where its ``Handler`` is: ``module:function`` in this package; imported only when it is wanted."""
    group: Group
    help: str = ""
    """What ``--help`` says, for those whose own parser would list every option of the server."""


_OPTIONS = "The options are those of the server, and so are the variables: `twisted-pypi run --help` lists them."

VERBS = (
    Verb("run", "[options] [DIR ...]", "serve; the options are those of pypi-server", "pypi_server:run", Group.SERVING),
    Verb(
        "health",
        "[options] | --pid N",
        "ask the server that these options start whether it is well",
        "health:main",
        Group.SERVING,
        f"Ask the server that these options, or those of the process N, start whether it is well.\n\n"
        f"--json    the answer as JSON\n\n{_OPTIONS}\nThe exit code is 0 when it is, and else 1.",
    ),
    Verb(
        "update",
        "[-x] [options] [DIR]",
        "say what is newer upstream, or with -x fetch it",
        "pypi_server:update",
        Group.SERVING,
    ),
    Verb(
        "check",
        "[options] [DIR ...]",
        "say what would be served, what differs from the old server, and what is wrong",
        "check:main",
        Group.LOOKING,
        "Say what a server would serve, what will differ from the old one, and what is wrong, each with what to do;\n"
        "nothing is changed without --repair. docs/check.md has the whole list.\n\n"
        "--repair  do what is safe: remove what broken uploads left behind, give the owner of files the right to read\n"
        "          them, move sidecars that are of other bytes to .twisted-pypi/set-aside; no package is touched\n"
        "--quick   open no file: by settings, names, links and rights alone\n"
        "--json    all findings as JSON\n\n"
        f"{_OPTIONS}\nThe exit code is 1 when something needs a hand.",
    ),
    Verb(
        "verify",
        "[options] [DIR ...]",
        "read every file again, and say which bytes are not what they were",
        "verify:main",
        Group.LOOKING,
        "Read every file again and compare it with the catalog and with its sidecar, with the server running or not:\n"
        "bytes that changed though size and time did not, files that are missing, sidecars of other bytes.\n"
        "Nothing is changed.\n\n"
        "--json    the outcome as JSON\n\n"
        f"{_OPTIONS}\nThe exit code is 1 when something is not as it was.",
    ),
    Verb(
        "why",
        "NAME [VERSION]",
        "say whose a project is, and what becomes of each of its files",
        "why:why",
        Group.LOOKING,
        "Say whose a project is, and what becomes of each of its files: by what lies in the folders (--root DIR), or\n"
        f"as the server at --url URL knows it (-u USER logs in). --json gives the same as JSON.\n{_OPTIONS}",
    ),
    Verb(
        "recalls",
        "[options] | --url URL",
        "list what upstream indexes took back, and who took it from here",
        "recalls:main",
        Group.LOOKING,
    ),
    Verb(
        "list", "[NAME [VERSION]]", "say what is there, or with --trash what was removed", "listing:main", Group.KEEPING
    ),
    Verb(
        "remove",
        "NAME VERSION|FILE",
        "put files into the trash, or with --purge delete them",
        "remove:main",
        Group.KEEPING,
    ),
    Verb("restore", "NAME VERSION|FILE", "bring them back from the trash", "restore:main", Group.KEEPING),
    Verb(
        "yank",
        "NAME VERSION|FILE",
        "keep installers from a release that was a mistake",
        "mark:yank",
        Group.KEEPING,
    ),
    Verb("unyank", "NAME VERSION|FILE", "take that back", "mark:unyank", Group.KEEPING),
    Verb(
        "status",
        "NAME [STATUS]",
        "say or set: active, archived, quarantined, deprecated",
        "mark:status",
        Group.KEEPING,
    ),
    Verb(
        "own", "NAME", "make a project yours: it takes uploads, and is asked for nowhere else", "own:own", Group.KEEPING
    ),
    Verb(
        "user",
        "add|remove|list|verify [NAME]",
        "change, list and try who may log in",
        "user:main",
        Group.PEOPLE,
    ),
    Verb(
        "passwd",
        "[--delete] FILE USER",
        "the same as user add, or with --delete as user remove",
        "user:passwd",
        Group.PEOPLE,
        "Add a user to an htpasswd file, or give one a new password; --delete removes the user.",
    ),
)
"""Everything that can be done, in the order of the usage."""


def handler_of(verb: Verb) -> Handler:
    """Import what a verb needs, and return what does it."""
    module, _, function = verb.target.partition(":")
    return cast("Handler", getattr(import_module(f"twisted_pypi.command.{module}"), function))


def usage(verbs: Sequence[Verb] = VERBS) -> str:
    """The usage of the whole command."""
    lines = ["usage: twisted-pypi VERB ...        `twisted-pypi VERB --help` says more of each", ""]
    width = max(len(f"{verb.name} {verb.words}") for verb in verbs) + 2
    for group in Group:
        lines.append(f"{group}:")
        lines += [f"  {f'{verb.name} {verb.words}':{width}}{verb.summary}" for verb in verbs if verb.group is group]
        lines.append("")
    lines.append(
        "The exit code is 0 when it is done, 1 when it could not be, and 2 when the words cannot be understood."
    )
    return "\n".join(lines) + "\n"
