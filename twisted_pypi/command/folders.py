"""The folders that a command works in: which they are, and as whom it works there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from twisted_pypi.catalog import Place
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Config
from twisted_pypi.distributions import (
    Distribution,
    ProjectName,
    is_project_name,
    normalize,
    parse_filename,
    same_version,
)
from twisted_pypi.errors import BadFilename, BadSetting
from twisted_pypi.serving.privileges import give_up_root
from twisted_pypi.storage.folder_files import FolderFiles

SHOWN = "a server that is running shows it within moments, or after its next scan where it does not watch its folders"
"""What becomes of a change in the folders, as it ends a sentence."""


def add_options(parser: ArgumentParser) -> None:
    """Let folders be named; else they are those of ``PYPI_ROOT``, as for the server."""
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of the server, in its order; repeat it (PYPI_ROOT)",
    )
    parser.add_argument("--follow-links", action="store_true", help="as the server does")


def config_in(said: Namespace, environ: Mapping[str, str], verb: str) -> Config:
    """The settings of the server whose folders are named.  Raises ``BadSetting``."""
    words = ["run", *(["--follow-links"] if said.follow_links else []), *(said.root or [])]
    config = settings_of(words, environ, f"twisted-pypi {verb}", serving=False)
    for root in config.roots:
        if not Path(root).is_dir():
            raise BadSetting(f"{root} is not there: expected a folder of packages, in --root or PYPI_ROOT.")
    return config


def project_in(text: str) -> ProjectName:
    """The project that somebody names.  Raises ``BadSetting``."""
    if not is_project_name(text):
        raise BadSetting(f"{text!r} is not the name of a project.")
    return normalize(text)


def become_owner(config: Config) -> None:
    """Let root work as the owner of the first folder, so that what it makes is the server's, too."""
    give_up_root(replace(config, password_file=None, welcome=None, log_file=None, access_log="off"))


def places_of(files: FolderFiles, name: ProjectName) -> Iterator[tuple[Place, Distribution]]:
    """Where the files of a project are, every copy of each.  Raises ``Unreadable``.

    Only where a name could be another project's is the file opened.
    """
    for place in files.places(name):
        found = parse_filename(place.filename, project=name)
        try:
            clear = parse_filename(place.filename).project == name
        except BadFilename:
            clear = False
        if clear or ((known := files.known(place)) is not None and known.project == name):
            yield place, found


def is_meant(which: str, filename: str, version: str) -> bool:
    """Is this file one that a version or a file name stands for?"""
    return filename == which or same_version(version, which)
