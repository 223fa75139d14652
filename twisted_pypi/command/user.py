"""``twisted-pypi user``: who may log in, changed, listed and tried without Apache's tools."""

from __future__ import annotations

import errno
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from getpass import getpass
from pathlib import Path

from twisted_pypi.boundaries.happenings import HappeningKind
from twisted_pypi.command import user_file
from twisted_pypi.command.printing import as_json, counted
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.command.telling import tell, who
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.errors import BadSetting
from twisted_pypi.htpasswd import LONGEST_NAME, Scheme

LONGEST = 72
"""Bytes of a password that bcrypt looks at."""

_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_WEAK = {Scheme.PLAIN, Scheme.DES_CRYPT, Scheme.SHA1, Scheme.MD5_CRYPT, Scheme.APR1}
_KINDS = {"add": HappeningKind.USER_ADDED, "remove": HappeningKind.USER_REMOVED}
_KNOWS = "a server that uses it knows at the next request"


def main(argv: Sequence[str], environ: Mapping[str, str]) -> str | int:
    """Do what the command line says; the words of each verb are in its ``--help``."""
    said = _parser().parse_args(argv)
    path = Path(said.file) if said.file else _of_server(environ)
    verbs: Mapping[str, Callable[[Namespace, Path], str | int]] = {
        "add": _add,
        "remove": _remove,
        "list": _list,
        "verify": _verify,
    }
    try:
        answer = verbs[said.verb](said, path)
    except OSError as error:
        verb = "changed" if said.verb in {"add", "remove"} else "read"
        advice = ": its owner has to allow that" if error.errno in _NOT_ALLOWED else ""
        raise CannotBeDone(f"{path} cannot be {verb} ({error.strerror}){advice}") from error
    if said.verb in _KINDS and environ.get("PYPI_AUDIT_LOG"):
        audit_log = settings_of([], environ, "twisted-pypi user", serving=False).audit_log
        tell(audit_log, _KINDS[said.verb], f"user {said.verb}", who(), user=said.name, detail=f"in {path}")
    return answer


def passwd(argv: Sequence[str], environ: Mapping[str, str]) -> str | int:
    """The older form, ``passwd [--delete] FILE USER``."""
    words = [word for word in argv if word != "--delete"]
    if len(words) != 2 or any(word.startswith("-") for word in words):
        raise BadSetting("expected a file and a user: twisted-pypi passwd [--delete] FILE USER.")
    return main(["remove" if "--delete" in argv else "add", "--file", words[0], words[1]], environ)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("twisted-pypi user", description="Change, list and try who may log in.", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|remove|list|verify")
    descriptions = {
        "add": "Add a user, or give one a new password: asked for at a terminal, and else the first line of standard"
        " input. It is kept as bcrypt.",
        "remove": "Remove a user.",
        "list": "List the users, how the password of each is kept, and the lines that let nobody in.",
        "verify": "Ask for the password of a user, and say whether that login works, by which line.",
    }
    for verb, description in descriptions.items():
        one = verbs.add_parser(verb, help=description.split(". ")[0], description=description, allow_abbrev=False)
        if verb != "list":
            one.add_argument("name", help="the user")
        one.add_argument(
            "--file", "--password-file", metavar="FILE", help="the htpasswd file (PYPI_PASSWD_FILE, as for the server)"
        )
        one.add_argument("--json", action="store_true", help="say what came of it as JSON")
    return parser


def _of_server(environ: Mapping[str, str]) -> Path:
    found = settings_of([], environ, "twisted-pypi user", serving=False).password_file
    if found is None:
        raise BadSetting("no password file is named: expected --file FILE, or PYPI_PASSWD_FILE as for the server.")
    return Path(found)


def _add(said: Namespace, path: Path) -> str:
    name = said.name
    if not name.isprintable() or ":" in name or name != name.strip() or not 0 < len(name) <= LONGEST_NAME:
        raise BadSetting(f"{name!r} cannot be a user: expected up to {LONGEST_NAME} characters without a colon.")
    if name.startswith("#"):
        raise BadSetting(f"{name!r} cannot be a user: a line that begins with # is a comment.")
    # Before the password is asked for.
    if not path.parent.is_dir():
        raise CannotBeDone(f"{path.parent} is not there: make that folder first, or name another file with --file")
    user_file.read(path)
    password = _new_password(name)

    from passlib.hash import bcrypt  # noqa: PLC0415  # takes a while to import, and nothing else needs it

    hashed = bcrypt.hash(password)
    with user_file.alone(path):
        data, before = user_file.with_user(user_file.read(path), name, hashed)
        user_file.write(path, data)
    if said.json:
        return as_json({"file": str(path), "user": name, "kind": Scheme.BCRYPT, "new": not before})
    return f"{name} {'has a new password' if before else 'may log in now'}; {_KNOWS} ({path})."


def _remove(said: Namespace, path: Path) -> str:
    with user_file.alone(path):
        data = user_file.without_user(user_file.read(path), said.name)
        if data is None:
            raise CannotBeDone(f"{path} has no user {said.name!r}, and nothing was changed: `user list` shows all")
        user_file.write(path, data)
    if said.json:
        return as_json({"file": str(path), "user": said.name, "removed": True})
    return f"{said.name} is removed from {path}; {_KNOWS}."


def _list(said: Namespace, path: Path) -> str:
    if not path.exists():
        raise CannotBeDone(f"{path} is not there, so nobody can log in: `twisted-pypi user add NAME` makes it")
    found = user_file.contents(user_file.read(path))
    if said.json:
        return as_json(
            {
                "file": str(path),
                "users": [{"name": each.name, "kind": each.kind, "line": each.line} for each in found.users],
                "problems": [
                    {"line": line, "name": name, "problem": problem} for line, name, problem in found.problems
                ],
            }
        )
    lines = [f"{each.name}  {each.kind}{_advice(each)}" for each in found.users]
    lines += [
        f"line {number}{f' ({name})' if name else ''} lets nobody in: {why}." for number, name, why in found.problems
    ]
    return "\n".join([*lines, f"{counted(len(found.users), 'user')} in {path}."])


def _verify(said: Namespace, path: Path) -> str | int:
    found = user_file.contents(user_file.read(path))
    entry = next((each for each in found.users if each.name == said.name), None)
    if entry is None:
        line = next((each for each in found.problems if each[1] == said.name), None)
        why = f"line {line[0]}: {line[2]}" if line is not None else f"{path} has no such user"
        if not said.json:
            raise CannotBeDone(
                f"{said.name} cannot log in ({why}): `twisted-pypi user add {said.name}` sets a password"
            )
        sys.stdout.write(f"{as_json({'user': said.name, 'works': False, 'because': why})}\n")
        return 1

    from twisted_pypi.accounts.hashes import PasswordHashes  # noqa: PLC0415  # takes a while to import

    works = PasswordHashes().verify(_password(said.name).encode("utf-8", "surrogateescape"), entry.hashed)
    if said.json:
        answer = {"user": said.name, "works": works, "line": entry.line, "kind": entry.kind}
        sys.stdout.write(f"{as_json(answer)}\n")
        return 0 if works else 1
    if not works:
        raise CannotBeDone(
            f"that is not the password of {said.name} (line {entry.line}, {entry.kind}):"
            f" `twisted-pypi user add {said.name}` gives a new one"
        )
    return f"{said.name} may log in with that: line {entry.line}, {entry.kind}{_advice(entry)}."


def _advice(entry: user_file.Entry) -> str:
    return f", which is weak: `twisted-pypi user add {entry.name}` makes it bcrypt" if entry.kind in _WEAK else ""


def _new_password(name: str) -> str:
    password = _password(name)
    if sys.stdin.isatty() and _asked("The same again: ") != password:
        raise BadSetting("the two passwords are different: nothing was changed.")
    size = len(password.encode("utf-8", "surrogateescape"))
    if not password and not sys.stdin.isatty():
        raise BadSetting(
            "there is no password on standard input: expected one line there, or a terminal (`docker exec -it`)."
        )
    if not password or "\0" in password or size > LONGEST:
        raise BadSetting(f"expected a password of 1 to {LONGEST} bytes: nothing was changed.")
    return password


def _password(name: str) -> str:
    return _asked(f"Password for {name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _asked(question: str) -> str:
    try:
        return getpass(question)
    except EOFError:
        raise BadSetting("no password was given: nothing was changed.") from None
