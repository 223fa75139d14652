"""``twisted-pypi list``: what lies in the folders of a server, and in its trash."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from twisted_pypi.catalog import Place
from twisted_pypi.command.folders import add_options, become_owner, config_in, is_meant, places_of, project_in
from twisted_pypi.command.printing import counted, moment, print_items
from twisted_pypi.command.update_progress import size_of
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.config import Config
from twisted_pypi.distributions import Distribution, ProjectName, parse_filename
from twisted_pypi.errors import BadFilename, BadSetting
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.trash import Trash

_DESCRIPTION = """\
Say what lies in the folders of a server.

  twisted-pypi list                      the projects: files, bytes, newest version
  twisted-pypi list NAME [VERSION|FILE]  the files of a project: size, time, who uploaded it,
                                         whether it is yanked, and its digest
  twisted-pypi list --files              all files; of what lies beside them, without digests
  twisted-pypi list --trash [NAME [VERSION|FILE]]
                                         what was removed, and when
"""

Item = dict[str, Any]


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print what there is, and return 1 when there is nothing of what was named."""
    said = _parser().parse_args(argv)
    if said.files and (said.trash or said.name):
        raise BadSetting("--files goes without a project and without --trash: it lists all files.")
    config = config_in(said, environ, "list")
    become_owner(config)
    name = None if said.name is None else project_in(said.name)
    items, key, words = _chosen(said, config, name)
    count = print_items(key, items) if said.json else _print_lines(map(words, items))
    if not count and name is not None:
        where = "the trash has" if said.trash else "there is"
        raise CannotBeDone(
            f"{where} nothing of {name}{f' {said.which}' if said.which else ''}:"
            f" `twisted-pypi list{' --trash' if said.trash else ''}` shows all"
        )
    if not count and not said.json:
        sys.stdout.write(f"There is nothing in {'the trash of ' if said.trash else ''}{', '.join(config.roots)}.\n")
    return 0


def _print_lines(lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        sys.stdout.write(f"{line}\n")
        count += 1
    return count


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "twisted-pypi list",
        usage="twisted-pypi list [NAME [VERSION|FILE]] [--files | --trash] [options]",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", help="the project")
    parser.add_argument("which", nargs="?", metavar="VERSION|FILE", help="a version, or the name of one file")
    parser.add_argument("--files", action="store_true", help="every file of every project")
    parser.add_argument("--trash", action="store_true", help="what was removed")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    add_options(parser)
    return parser


def _chosen(said: Namespace, config: Config, name: ProjectName | None) -> tuple[Iterable[Item], str, Any]:
    """What is listed, what it is called in JSON, and how one of it is said."""
    if said.trash:
        return _removed(said, config, name), "removed", _removed_line
    files = FolderFiles(config.roots, follow_links=config.follow_links)
    if name is not None:
        return _of_project(said, files, config, name), "files", _file_lines
    if said.files:
        return _all(files, config), "files", _file_lines
    return _projects(files, config), "projects", _project_line


def _projects(files: FolderFiles, config: Config) -> Iterator[Item]:
    """Each project, sorted; what is held in memory is by projects, not by files."""
    found: dict[ProjectName, tuple[int, int, tuple[bool, Version | str], str]] = {}
    for place in files.places():
        with suppress(BadFilename, FileNotFoundError):
            each = parse_filename(place.filename)
            count, size, highest, newest = found.get(each.project, (0, 0, (False, ""), ""))
            order = _order(each.version)
            size += Path(config.roots[place.root], place.path).stat().st_size
            newest = each.version if order > highest else newest
            found[each.project] = (count + 1, size, max(order, highest), newest)
    for name in sorted(found):
        count, size, _, newest = found[name]
        yield {"project": name, "files": count, "size": size, "newest": newest}


def _order(version: str) -> tuple[bool, Version | str]:
    """What breaks PEP 440 is older than all that does not."""
    try:
        return True, Version(version)
    except InvalidVersion:
        return False, version


def _all(files: FolderFiles, config: Config) -> Iterator[Item]:
    for place in files.places():
        with suppress(BadFilename, FileNotFoundError):
            each = parse_filename(place.filename)
            yield _file(files, config, place, each, each.project)


def _of_project(said: Namespace, files: FolderFiles, config: Config, name: ProjectName) -> Iterator[Item]:
    for place, found in places_of(files, name):
        if said.which is None or is_meant(said.which, place.filename, found.version):
            known = files.known(place)
            if known is not None:
                yield {**_file(files, config, place, found, name, sha256=known.sha256), "sha256": known.sha256}


def _file(
    files: FolderFiles,
    config: Config,
    place: Place,
    found: Distribution,
    project: ProjectName,
    *,
    sha256: str | None = None,
) -> Item:
    """What is known of a file without its digest; what lies beside it counts, unless it is of other bytes."""
    location = Path(config.roots[place.root], place.path)
    status = location.stat()
    sidecar = files.sidecar(place.root, place.path)
    if sidecar is not None and sha256 is not None and sidecar.sha256 != sha256:
        sidecar = None
    uploaded = None if sidecar is None else sidecar.uploaded_ns
    return {
        "project": project,
        "version": found.version,
        "filename": place.filename,
        "path": str(location),
        "size": status.st_size,
        "modified": moment(status.st_mtime_ns),
        "uploaded": None if uploaded is None else moment(uploaded),
        "uploader": None if sidecar is None else sidecar.uploader,
        "source": None if sidecar is None or sidecar.source is None else str(sidecar.source),
        "yanked": None if sidecar is None else sidecar.yanked,
    }


def _removed(said: Namespace, config: Config, name: ProjectName | None) -> Iterator[Item]:
    for each in Trash(config.roots).entries():
        if name not in {None, each.project}:
            continue
        if said.which is None or is_meant(said.which, each.filename, each.version):
            yield {
                "project": each.project,
                "version": each.version,
                "filename": each.filename,
                "path": f"{config.roots[each.root]}/{each.path}",
                "size": each.size,
                "removed": moment(each.removed_ns),
            }


def _project_line(item: Item) -> str:
    return f"{item['project']}  {item['newest']}  {counted(item['files'], 'file')}, {size_of(item['size'])}"


def _file_lines(item: Item) -> str:
    when = f"uploaded {item['uploaded']}" if item["uploaded"] else f"from {item['modified']}"
    how = {"upload": "", "upstream": ", fetched from an upstream index", None: ", put here by hand"}[item["source"]]
    who = f" by {item['uploader']}" if item["uploader"] else ""
    yanked = "" if item["yanked"] is None else f", yanked{': ' if item['yanked'] else ''}{item['yanked']}"
    digest = f"\n    sha256 {item['sha256']}" if "sha256" in item else ""
    return f"{item['path']}  {size_of(item['size'])}, {when}{who}{how}{yanked}{digest}"


def _removed_line(item: Item) -> str:
    return f"{item['path']}  {size_of(item['size'])}, removed {item['removed']}"
