"""``twisted-pypi yank``, ``unyank`` and ``status``: marks files and projects, in the folders or over HTTP."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from twisted_pypi.boundaries.happenings import HappeningKind
from twisted_pypi.command.folders import SHOWN, become_owner, config_in, project_in
from twisted_pypi.command.printing import as_json
from twisted_pypi.command.remote import ask, at_once, result
from twisted_pypi.command.telling import by_version, tell, who
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName, is_package_name
from twisted_pypi.errors import BadForm, BadSetting
from twisted_pypi.marking import Marker
from twisted_pypi.project_records import ACTIVE, ProjectRecord, Status
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.record_writing import change_record, read_record

_DESCRIPTIONS = {
    "yank": "Keep installers from a release that was a mistake, unless it is asked for by its very version (PEP 592).",
    "unyank": "Take a yank back.",
    "status": "Say or set the status of a project (PEP 792).",
}


def yank(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``mark``."""
    return mark("yank", argv, environ)


def unyank(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``mark``."""
    return mark("unyank", argv, environ)


def status(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """As ``mark``."""
    return mark("status", argv, environ)


def mark(verb: str, argv: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """Do what the command line says, and return the sentences, or with ``--json`` the document, of what holds then.

    With ``--url``, the password is asked for at a terminal, and else is the
    first line of standard input.  Raises ``TwistedPyPIError``; ends the process
    where the words cannot be understood.
    """
    said = _parser(verb).parse_args(argv)
    name = project_in(said.name)
    if said.reason and verb == "status" and said.status is None:
        raise BadSetting("a reason goes with a status: give one, or leave the reason out.")
    if said.url is not None:
        return _over_http(verb, name, said)
    if said.user is not None:
        raise BadSetting("-u goes with --url: in the folders nobody has to log in.")
    config = config_in(said, environ or {}, verb)
    by = who()
    become_owner(config)
    try:
        return _in_folders(verb, name, said, config, by)
    except BadForm as problem:
        raise BadSetting(f"{problem}.") from problem


def _parser(verb: str) -> ArgumentParser:
    parser = ArgumentParser(f"twisted-pypi {verb}", description=_DESCRIPTIONS[verb], allow_abbrev=False)
    parser.add_argument("name", help="the project")
    if verb == "status":
        parser.add_argument(
            "status",
            nargs="?",
            choices=[each.value for each in Status],
            help="its new status; without one, say what it is",
        )
    else:
        parser.add_argument("which", metavar="VERSION|FILE", help="a version, or the name of one file")
    if verb != "unyank":
        parser.add_argument("--reason", default="", help="shown to whoever asks for it")
    parser.set_defaults(reason="")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--root", action="append", metavar="DIR", help="a folder of the server, in its order; repeat it (PYPI_ROOT)"
    )
    where.add_argument("--url", help="instead of folders: the address of the server, as for an upload")
    parser.add_argument("-u", "--user", help="who logs in there")
    parser.add_argument("--follow-links", action="store_true", help="in folders: as the server does")
    parser.add_argument("--json", action="store_true", help="say as JSON what holds then")
    return parser


def _in_folders(verb: str, name: ProjectName, said: Namespace, config: Config, by: str) -> str:
    root = config.roots[0]
    files = FolderFiles(config.roots, follow_links=config.follow_links)
    marker = Marker(DirectoryStore(config.roots), files, partial(change_record, root), at_once)
    if verb == "status":
        record = read_record(root, name)
        if said.status is not None:
            record = result(marker.set_status(name, Status(said.status), said.reason))
            tell(
                config.audit_log, HappeningKind.STATUS, verb, by,
                project=name, reason=said.reason, detail=record.status,
            )  # fmt: skip
            if not said.json:
                return f"{name} {record.sentence}; {SHOWN}."
        yanked = _yanked(files, name)
        return as_json(_document(name, record, yanked)) if said.json else _sentences(name, record, yanked)
    if verb == "yank":
        marked = result(marker.yank(name, said.which, said.reason, None))
    else:
        marked = result(marker.unyank(name, said.which))
    for version, each in by_version(marked):
        kind = HappeningKind.YANK if verb == "yank" else HappeningKind.UNYANK
        tell(config.audit_log, kind, verb, by, project=name, version=version, files=each, reason=said.reason)
    if said.json:
        return as_json(_document(name, read_record(root, name), _yanked(files, name)))
    return f"{_list(known.filename for known in marked)} {_done(verb, len(marked))}; {SHOWN}."


def _yanked(files: FolderFiles, name: ProjectName) -> dict[str, str]:
    return {each.filename: each.yanked for each in result(files.files_of(name)) if each.yanked is not None}


def _over_http(verb: str, name: ProjectName, said: Namespace) -> str:
    body: dict[str, str] | None
    if verb != "status":
        body = {"reason": said.reason, "filename" if is_package_name(said.which) else "version": said.which}
    elif said.status is None:
        body = None
    else:
        body = {"reason": said.reason, "status": said.status}
    found = ask(said.url, f"/-/projects/{quote(name)}/{verb}", said.user, body, _read)
    record = ProjectRecord(Status(found["status"]), found["reason"])
    if said.json:
        return as_json(_document(name, record, found["yanked"]))
    if verb == "status":
        return _sentences(name, record, {} if said.status else found["yanked"])
    return f"{name} {said.which} {_done(verb, 1)}."


def _read(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict) or not {"status", "reason", "yanked"} <= found.keys():
        raise ValueError("expected status, reason and yanked")
    return found


def _document(name: ProjectName, record: ProjectRecord, yanked: Mapping[str, str]) -> Mapping[str, object]:
    """The same as the server answers."""
    return {"project": name, "status": record.status, "reason": record.reason, "yanked": dict(yanked)}


def _sentences(name: str, record: ProjectRecord, yanked: Mapping[str, str]) -> str:
    lines = [f"{name} {record.sentence}." if record != ACTIVE else f"{name} is active."]
    lines += [f"{filename} is yanked{f': {reason}' if reason else ''}." for filename, reason in sorted(yanked.items())]
    return "\n".join(lines)


def _list(names: Any) -> str:
    return ", ".join(sorted(names))


def _done(verb: str, count: int) -> str:
    be = "is" if count == 1 else "are"
    return f"{be} yanked" if verb == "yank" else f"{be} not yanked any more"
