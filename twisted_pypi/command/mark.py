"""``twisted-pypi yank``, ``unyank`` and ``status``: marks files and projects, in the folders or over HTTP."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from twisted_pypi.command.remote import ask, at_once, result
from twisted_pypi.distributions import is_package_name, is_project_name, normalize
from twisted_pypi.errors import BadSetting, TwistedPyPIError
from twisted_pypi.marking import Marker
from twisted_pypi.project_records import ACTIVE, ProjectRecord, Status
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.record_writing import change_record, read_record

SHOWN = "a server that is running shows it within moments, or after its next scan where it does not watch its folders"

_DESCRIPTIONS = {
    "yank": "Keep installers from a release that was a mistake, unless it is asked for by its very version (PEP 592).",
    "unyank": "Take a yank back.",
    "status": "Say or set the status of a project (PEP 792).",
}


def yank(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``mark``."""
    del environ
    return mark("yank", argv)


def unyank(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``mark``."""
    del environ
    return mark("unyank", argv)


def status(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``mark``."""
    del environ
    return mark("status", argv)


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
    marker = Marker(DirectoryStore(roots), files, partial(change_record, roots[0]), at_once)
    name = normalize(said.name)
    try:
        if verb == "status":
            if said.status is None:
                yanked = {
                    each.filename: each.yanked for each in result(files.files_of(name)) if each.yanked is not None
                }
                return _sentences(name, read_record(roots[0], name), yanked)
            record = result(marker.set_status(name, said.status, said.reason))
            return f"{name} {record.sentence}; {SHOWN}."
        if verb == "yank":
            marked = result(marker.yank(name, said.which, said.reason, None))
        else:
            marked = result(marker.unyank(name, said.which))
    except TwistedPyPIError as problem:
        raise BadSetting(f"{problem}.") from problem
    except OSError as problem:
        raise BadSetting(f"{problem.filename} cannot be changed ({problem.strerror}).") from problem
    return f"{_list(known.filename for known in marked)} {_done(verb, len(marked))}; {SHOWN}."


def _over_http(verb: str, said: Namespace) -> str:
    name = normalize(said.name)
    body: dict[str, str] | None
    if verb != "status":
        body = {"reason": said.reason, "filename" if is_package_name(said.which) else "version": said.which}
    elif said.status is None:
        body = None
    else:
        body = {"reason": said.reason, "status": said.status}
    found = ask(said.url, f"/-/projects/{quote(name)}/{verb}", said.user, body, _read)
    if verb == "status":
        record = ProjectRecord(Status(found["status"]), found["reason"])
        return _sentences(name, record, {} if said.status else found["yanked"])
    return f"{name} {said.which} {_done(verb, 1)}."


def _read(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict) or not {"status", "reason", "yanked"} <= found.keys():
        raise ValueError("expected status, reason and yanked")
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
