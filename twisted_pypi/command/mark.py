"""``twisted-pypi yank``, ``unyank`` and ``status``: marks files and projects, in the folders or over HTTP."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from base64 import b64encode
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twisted_pypi.distributions import is_package_name, is_project_name, normalize
from twisted_pypi.errors import BadSetting, TwistedPyPIError
from twisted_pypi.marking import Marker
from twisted_pypi.project_records import ACTIVE, ProjectRecord, Status
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.record_writing import change_record, read_record

PATIENCE = 60
"""Seconds that a server may take to answer."""

SHOWN = "a server that is running shows it within moments, or after its next scan where it does not watch its folders"

_DESCRIPTIONS = {
    "yank": "Keep installers from a release that was a mistake, unless it is asked for by its very version (PEP 592).",
    "unyank": "Take a yank back.",
    "status": "Say or set the status of a project (PEP 792).",
}

T = TypeVar("T")


def mark(verb: str, argv: Sequence[str]) -> str:
    """Do what the command line says, and return the sentences that say what holds then.

    With ``--url``, the password is asked for at a terminal, and else is the
    first line of standard input.  Raises ``BadSetting``; ends the process
    where the words cannot be understood.
    """
    said = _parser(verb).parse_args(argv)
    if not is_project_name(said.name):
        raise BadSetting(f"{said.name!r} is not the name of a project.")
    if said.reason and verb == "status" and said.status is None:
        raise BadSetting("a reason goes with a status: give one, or leave the reason out.")
    return _in_folders(verb, said) if said.root else _over_http(verb, said)


def _parser(verb: str) -> ArgumentParser:
    parser = ArgumentParser(f"twisted-pypi {verb}", description=_DESCRIPTIONS[verb], allow_abbrev=False)
    parser.add_argument("name", help="the project")
    if verb == "status":
        parser.add_argument(
            "status", nargs="?", choices=list(Status), help="its new status; without one, say what it is"
        )
    else:
        parser.add_argument("which", metavar="VERSION|FILE", help="a version, or the name of one file")
    if verb != "unyank":
        parser.add_argument("--reason", default="", help="shown to whoever asks for it")
    parser.set_defaults(reason="")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--root", action="append", metavar="DIR", help="a folder of the server, in its order; repeat it")
    where.add_argument("--url", help="the address of the server, as for an upload")
    parser.add_argument("-u", "--user", help="who logs in there")
    parser.add_argument("--follow-links", action="store_true", help="with --root: as the server does")
    return parser


def _in_folders(verb: str, said: Namespace) -> str:
    roots = [str(Path(root).absolute()) for root in said.root]
    missing = [root for root in roots if not Path(root).is_dir()]
    if missing:
        raise BadSetting(f"{missing[0]} is not there: expected a folder of packages.")
    files = FolderFiles(roots, follow_links=said.follow_links)
    marker = Marker(DirectoryStore(roots), files, partial(change_record, roots[0]), _at_once)
    name = normalize(said.name)
    try:
        if verb == "status":
            if said.status is None:
                yanked = {
                    each.filename: each.yanked for each in _result(files.files_of(name)) if each.yanked is not None
                }
                return _sentences(name, read_record(roots[0], name), yanked)
            record = _result(marker.set_status(name, said.status, said.reason))
            return f"{name} {record.sentence}; {SHOWN}."
        if verb == "yank":
            marked = _result(marker.yank(name, said.which, said.reason, None))
        else:
            marked = _result(marker.unyank(name, said.which))
    except TwistedPyPIError as problem:
        raise BadSetting(f"{problem}.") from problem
    except OSError as problem:
        raise BadSetting(f"{problem.filename} cannot be changed ({problem.strerror}).") from problem
    return f"{_list(known.filename for known in marked)} {_done(verb, len(marked))}; {SHOWN}."


def _over_http(verb: str, said: Namespace) -> str:
    name, url = normalize(said.name), said.url.rstrip("/").removesuffix("/simple")
    if not url.startswith(("http://", "https://")):
        raise BadSetting(f"{said.url!r} is no address of a server: expected http:// or https://.")
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if said.user is not None:
        login = f"{said.user}:{_password(said.user)}".encode()
        headers["Authorization"] = f"Basic {b64encode(login).decode()}"
    body: dict[str, str] | None
    if verb != "status":
        body = {"reason": said.reason, "filename" if is_package_name(said.which) else "version": said.which}
    elif said.status is None:
        body = None
    else:
        body = {"reason": said.reason, "status": said.status}
    data = None if body is None else json.dumps(body).encode()
    found = _answer(Request(f"{url}/-/projects/{quote(name)}/{verb}", data, headers))  # noqa: S310  # checked above
    if verb == "status":
        record = ProjectRecord(Status(found["status"]), found["reason"])
        return _sentences(name, record, {} if said.status else found["yanked"])
    return f"{name} {said.which} {_done(verb, 1)}."


def _answer(request: Request) -> Mapping[str, Any]:
    try:
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310  # its scheme was checked
            found = json.loads(response.read())
    except HTTPError as problem:
        with problem:
            raise BadSetting(f"{problem.reason} ({problem.code}).") from problem
    except (URLError, OSError) as problem:
        raise BadSetting(f"{request.full_url} does not answer ({getattr(problem, 'reason', problem)}).") from problem
    except ValueError as problem:
        raise BadSetting(f"{request.full_url} answers something else: expected the address of a server.") from problem
    if not isinstance(found, dict) or not {"status", "reason", "yanked"} <= found.keys():
        raise BadSetting(f"{request.full_url} answers something else: expected the address of a server.")
    return found


def _sentences(name: str, record: ProjectRecord, yanked: Mapping[str, str]) -> str:
    lines = [f"{name} {record.sentence}." if record != ACTIVE else f"{name} is active."]
    lines += [f"{filename} is yanked{f': {reason}' if reason else ''}." for filename, reason in sorted(yanked.items())]
    return "\n".join(lines)


def _list(names: Any) -> str:
    return ", ".join(sorted(names))


def _done(verb: str, count: int) -> str:
    be = "is" if count == 1 else "are"
    return f"{be} yanked" if verb == "yank" else f"{be} not yanked any more"


def _password(user: str) -> str:
    return getpass(f"Password for {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


async def _at_once(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    return function(*args, **kwargs)


def _result(coming: Coroutine[Deferred[Any], Any, T]) -> T:
    """What comes at once, since nothing waits here."""
    results: list[T | Failure] = []
    Deferred.fromCoroutine(coming).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]
