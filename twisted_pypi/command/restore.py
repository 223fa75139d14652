"""``twisted-pypi restore``: brings removed files back from the trash."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence

from twisted_pypi.boundaries.happenings import HappenedTo, HappeningKind
from twisted_pypi.command.folders import SHOWN, add_options, become_owner, config_in, is_meant, project_in
from twisted_pypi.command.printing import as_json
from twisted_pypi.command.telling import grouped, tell, who
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadSetting
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.trash import Removed, Trash

_DESCRIPTION = """\
Bring back what `twisted-pypi remove` put into the trash: to where it was, with its
sidecar and signature, and never over a file of that name.  Of a file that was removed
more than once, the newest comes back.

  twisted-pypi restore NAME VERSION|FILE     a release, or one file of it
  twisted-pypi restore NAME --all            every file of a project
  twisted-pypi list --trash                  what there is
"""


def main(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Do what the command line says, as the owner of the folders, and return what came of it."""
    said = _parser().parse_args(argv)
    if (said.which is None) != said.all:
        raise BadSetting("expected a version or a file (or --all): restore NAME VERSION|FILE.")
    config = config_in(said, environ, "restore")
    by = who()
    become_owner(config)
    name = project_in(said.name)
    trash = Trash(config.roots, follow_links=config.follow_links)
    found = _newest(said, trash, name)
    if not found:
        raise CannotBeDone(
            f"the trash has nothing of {name}{f' {said.which}' if said.which else ''}: `twisted-pypi list --trash`"
            " shows what it has"
        )
    _refuse_what_is_there(config, name, found)
    paths = [trash.restore(each) for each in found.values()]
    for version, files in grouped((each.version, HappenedTo(each.filename)) for each in found.values()):
        tell(config.audit_log, HappeningKind.RESTORE, "restore", by, project=name, version=version, files=files)
    if said.json:
        return as_json({"project": name, "restored": paths})
    return "\n".join([*(f"{path} is back." for path in paths), f"{SHOWN[0].upper()}{SHOWN[1:]}."])


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "twisted-pypi restore",
        usage="twisted-pypi restore NAME VERSION|FILE [options]",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("name", help="the project")
    parser.add_argument("which", nargs="?", metavar="VERSION|FILE", help="a version, or the name of one file")
    parser.add_argument("--all", action="store_true", help="every file of the project")
    parser.add_argument("--json", action="store_true", help="say what came of it as JSON")
    add_options(parser)
    return parser


def _newest(said: Namespace, trash: Trash, name: ProjectName) -> dict[tuple[int, str], Removed]:
    """The entries that are meant, by where each belongs."""
    found: dict[tuple[int, str], Removed] = {}
    for each in trash.entries():
        if each.project == name and (said.all or is_meant(said.which, each.filename, each.version)):
            before = found.get((each.root, each.path))
            if before is None or before.removed_ns <= each.removed_ns:
                found[each.root, each.path] = each
    return found


def _refuse_what_is_there(config: Config, name: ProjectName, found: Mapping[tuple[int, str], Removed]) -> None:
    """Raise ``CannotBeDone`` when a file of one of these names is served, wherever it lies: one of two would be hidden."""
    names = {each.filename for each in found.values()}
    for place in FolderFiles(config.roots, follow_links=config.follow_links).places(name):
        if place.filename in names:
            raise CannotBeDone(
                f"{config.roots[place.root]}/{place.path} is there, and nothing was brought back:"
                f" `twisted-pypi remove {name} {place.filename}` takes it away first"
            )
