"""``twisted-pypi remove``: takes files away from the folders of a server, into the trash or for good."""

from __future__ import annotations

import re
import time
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twisted_pypi.boundaries.happenings import HappenedTo, HappeningKind
from twisted_pypi.catalog import Place
from twisted_pypi.command.folders import SHOWN, add_options, become_owner, config_in, is_meant, places_of, project_in
from twisted_pypi.command.printing import as_json, counted
from twisted_pypi.command.telling import grouped, tell, who
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadSetting, NoSpace, NoSuchFile, Unreadable
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.sidecars import Source
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.record_writing import read_record, settle_origin
from twisted_pypi.storage.trash import TRASH, Removed, Trash

_DESCRIPTION = """\
Take a release, or one file, out of the folders of a server, with its sidecar and
signature.  It goes to the trash (.trash in its root), from where `twisted-pypi restore`
brings it back; --purge deletes it for good, and what the trash has of it, too.

  twisted-pypi remove NAME VERSION|FILE      a release, or one file of it
  twisted-pypi remove NAME --all             every file of a project
  twisted-pypi remove --trash-older-than 30d --purge
                                             empty the trash of what was removed before

The server may be running.  A project of yours stays yours when its last file is gone.
"""
_AGE = re.compile(r"([0-9]{1,6})([smhdw])\Z")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(slots=True)
class Done:
    """What came of it."""

    trashed: list[Removed]
    deleted: list[str]
    """Absolute paths."""
    purged: int = 0
    """Entries of the trash."""
    kept: bool = False
    """Was it written down that the project is ours?"""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Do what the command line says, as the owner of the folders, and return what came of it."""
    said = _parser().parse_args(argv)
    before = _checked(said)
    config = config_in(said, environ, "remove")
    by = who()
    become_owner(config)
    if before is not None:
        return _emptied(said, Trash(config.roots), before)
    return _removed(said, config, by)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "twisted-pypi remove",
        usage="twisted-pypi remove NAME VERSION|FILE [--purge] [options]",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", help="the project")
    parser.add_argument("which", nargs="?", metavar="VERSION|FILE", help="a version, or the name of one file")
    parser.add_argument("--all", action="store_true", help="every file of the project")
    parser.add_argument("--purge", action="store_true", help="delete for good, past the trash")
    parser.add_argument(
        "--trash-older-than",
        metavar="AGE",
        help="instead of a project: what is in the trash for longer, such as 30d (units: s m h d w; 0d: all)",
    )
    parser.add_argument("--json", action="store_true", help="say what came of it as JSON")
    add_options(parser)
    return parser


def _checked(said: Namespace) -> int | None:
    """The seconds of ``--trash-older-than``, if it is given.  Raises ``BadSetting`` for words that do not go together."""
    if said.trash_older_than is None:
        if said.name is None or (said.which is None) != said.all:
            raise BadSetting("expected a project with a version or a file (or --all): remove NAME VERSION|FILE.")
        return None
    found = _AGE.match(said.trash_older_than)
    if found is None:
        raise BadSetting(f"--trash-older-than {said.trash_older_than!r}: expected a number and one of s m h d w: 30d.")
    if said.name is not None or said.all:
        raise BadSetting("--trash-older-than goes without a project: it is for all that is in the trash.")
    if not said.purge:
        raise BadSetting("--trash-older-than deletes for good: give --purge, too (`list --trash` shows what there is).")
    return int(found[1]) * _UNITS[found[2]]


def _emptied(said: Namespace, trash: Trash, age: int) -> str:
    count = size = 0
    for root, entry, removed in trash.older(int((time.time() - age) * 1_000_000_000) + (age == 0)):
        trash.purge(root, entry)
        count, size = count + 1, size + (removed.size if removed is not None else 0)
    if said.json:
        return as_json({"purged": count, "size": size})
    if not count:
        return f"Nothing in the trash is older than {said.trash_older_than}."
    return f"{counted(count, 'file')} of {size} bytes {'is' if count == 1 else 'are'} deleted from the trash for good."


def _removed(said: Namespace, config: Config, by: str) -> str:
    name = project_in(said.name)
    files = FolderFiles(config.roots, follow_links=config.follow_links)
    trash = Trash(config.roots)
    meant: list[tuple[Place, str]] = []
    others: list[Place] = []
    for place, found in places_of(files, name):
        if said.all or is_meant(said.which, place.filename, found.version):
            meant.append((place, found.version))
        else:
            others.append(place)
    in_trash = list(_of_trash(said, trash, name)) if said.purge else []
    if not meant and not in_trash:
        raise CannotBeDone(_nothing(said, name, here=bool(others)))
    done = Done([], [], kept=_keep(config, files, name, [place for place, _ in meant], others))
    for place, version in meant:
        if said.purge:
            trash.delete(place)
            done.deleted.append(f"{config.roots[place.root]}/{place.path}")
        else:
            done.trashed.append(_to_trash(trash, place, name, version))
    for entry in in_trash:
        trash.purge(entry.root, entry.entry)
        done.purged += 1
    detail = "deleted for good" if said.purge else "put into the trash"
    for version, gone in grouped((version, HappenedTo(place.filename)) for place, version in meant):
        tell(
            config.audit_log,
            HappeningKind.REMOVAL,
            "remove",
            by,
            project=name,
            version=version,
            files=gone,
            detail=detail,
        )
    if said.json:
        return as_json(_document(name, done, config))
    return "\n".join(_sentences(name, said.which, done, config, last=bool(meant) and not others))


def _to_trash(trash: Trash, place: Place, name: ProjectName, version: str) -> Removed:
    try:
        return trash.put(place, name, version)
    except NoSpace as problem:
        raise CannotBeDone(f"{place.path} stays: {problem}, or give --purge, which needs none") from problem


def _of_trash(said: Namespace, trash: Trash, name: ProjectName) -> Iterator[Removed]:
    for entry in trash.entries():
        if entry.project == name and (said.all or is_meant(said.which, entry.filename, entry.version)):
            yield entry


def _nothing(said: Namespace, name: ProjectName, *, here: bool) -> str:
    if here:
        return f"{name} has no version and no file {said.which} here: `twisted-pypi list {name}` shows what it has"
    return f"there is no project {name} here: `twisted-pypi list` shows all, and `list --trash` what was removed"


def _keep(
    config: Config, files: FolderFiles, name: ProjectName, going: Sequence[Place], staying: Sequence[Place]
) -> bool:
    """Write down that a project is ours where only its files say so now; was that needed?

    Otherwise its name would be asked for at an upstream index as soon as its last file is gone.
    """
    root = config.roots[0]
    if not going or read_record(root, name).origin is not None:
        return False
    uploaded = any(_source(files, place) is Source.UPLOAD for place in (*going, *staying))
    by_hand = not staying and any(_source(files, place) is not Source.UPSTREAM for place in going)
    if not uploaded and not by_hand:
        return False
    because = f"{name} was uploaded here" if uploaded else f"files of {name} were put here by hand, and removed later"
    settle_origin(root, name, Origin(Whose.OURS, because, int(time.time()) * 1_000_000_000))
    return True


def _source(files: FolderFiles, place: Place) -> Source | None:
    """How a file came here; what is said of other bytes does not count for what was fetched."""
    sidecar = files.sidecar(place.root, place.path)
    if sidecar is None or sidecar.source is not Source.UPSTREAM:
        return None if sidecar is None else sidecar.source
    try:
        known = files.known(place)
    except (NoSuchFile, Unreadable):
        return None
    return None if known is None else known.source


def _document(name: ProjectName, done: Done, config: Config) -> Mapping[str, object]:
    trashed = [
        {
            "filename": each.filename,
            "version": each.version,
            "path": f"{config.roots[each.root]}/{each.path}",
            "size": each.size,
            "trash": f"{config.roots[each.root]}/{TRASH}/{each.entry}/{each.filename}",
        }
        for each in done.trashed
    ]
    return {
        "project": name,
        "trashed": trashed,
        "deleted": done.deleted,
        "purged-from-trash": done.purged,
        "recorded-as-ours": done.kept,
    }


def _sentences(name: ProjectName, which: str | None, done: Done, config: Config, *, last: bool) -> list[str]:
    lines = [f"{config.roots[each.root]}/{each.path} is in the trash" for each in done.trashed]
    lines += [f"{path} is deleted for good" for path in done.deleted]
    if done.purged:
        lines.append(f"{counted(done.purged, 'file')} of it in the trash {'is' if done.purged == 1 else 'are'} deleted")
    if done.trashed:
        lines.append(f"`twisted-pypi restore {name} {which or '--all'}` brings it back")
    origin = read_record(config.roots[0], name).origin
    if last and origin is not None and origin.whose is Whose.OURS:
        lines.append(
            f"that was the last file of {name}, which stays yours and is not asked for at an upstream index"
            f" (`twisted-pypi own --release {name}` gives the name back)"
        )
    elif last:
        lines.append(f"that was the last file of {name}, which is an upstream index's and may be fetched again")
    lines.append(SHOWN)
    return [f"{line[0].upper()}{line[1:]}." if line[0] != "`" else f"{line}." for line in lines]
