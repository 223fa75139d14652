"""``twisted-pypi recalls``: what upstream indexes took back of what is kept, from a server or from its folders."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted_pypi.catalog.location import state_folders
from twisted_pypi.command.printing import as_json
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.command.remote import ask, at_once, result
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.recalling.downloads_log import FILENAME, takers_in
from twisted_pypi.recalling.kept_files import KeptFiles
from twisted_pypi.recalling.report import RecalledFile, Taker, read_recalled, write_recall
from twisted_pypi.recalling.sentences import sentence, taken
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.publishing import DirectoryStore
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.tap.folders import cache_dir

_DESCRIPTION = """\
List the files that upstream indexes took back after they were fetched: how, since
when, what is done with each, when it was fetched, and who took it from here.

  twisted-pypi recalls --root DIR            by what lies in the folders; the other options
                                             of the server are understood, too
  twisted-pypi recalls --url URL [-u USER]   by what the server there knows; who took the
                                             files is told to a login of its --admins

The exit code is 1 when a file was quarantined, or was removed and stayed so: then
somebody should look at the machines that have it.  It is 0 when files were only
yanked, or missed only once.
"""

Found = list[tuple[RecalledFile, Sequence[Taker] | None]]


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print the report, and return 1 when something needs a hand.  Raises ``BadSetting``."""
    needs_a_hand, said = recalls(argv, environ)
    sys.stdout.write(f"{said}\n")
    return 1 if needs_a_hand else 0


def recalls(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[bool, str]:
    """Return whether something needs a hand, and the lines of the report, or with ``--json`` the document.

    Raises ``TwistedPyPIError``; ends the process where the words cannot be understood.
    """
    said, rest = _parser().parse_known_args(argv)
    if said.url is None:
        if said.user is not None:
            raise BadSetting("-u goes with --url: in the folders nobody has to log in.")
        found = _in_folders(settings_of(rest, environ, "twisted-pypi recalls", serving=False), environ)
    elif rest:
        raise BadSetting(f"{rest[0]!r} does not go with --url: expected -u USER, or nothing.")
    else:
        found = _over_http(said)
    lines = as_json({"recalls": [write_recall(*each) for each in found]}) if said.json else "\n".join(_lines(found))
    return any(each.needs_a_hand for each, _ in found), lines


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "twisted-pypi recalls",
        usage="twisted-pypi recalls (--url URL [-u USER] | the options of the server, such as --root DIR)",
        description=_DESCRIPTION,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--url", help="the address of the server, as for an upload")
    parser.add_argument("-u", "--user", help="who logs in there")
    parser.add_argument("--json", action="store_true", help="say the same as JSON")
    return parser


def _over_http(said: Namespace) -> Found:
    def read(found: Any) -> Found:
        if not isinstance(found, dict) or not {"version", "troubles"} <= found.keys():
            raise ValueError("expected the status of a server")
        if "recalls" not in found:
            raise CannotBeDone("the server asks no upstream indexes, so it knows of no recalls")
        return [read_recalled(each) for each in found["recalls"]]

    return ask(said.url, "/-/status", said.user, None, read)


def _in_folders(config: Config, environ: Mapping[str, str]) -> Found:
    missing = [root for root in config.roots if not Path(root).is_dir()]
    if missing:
        raise BadSetting(f"{missing[0]} is not there: expected a folder of packages.")
    files = FolderFiles(config.roots, follow_links=config.follow_links)
    kept = KeptFiles(
        DirectoryCache(config.roots[0]),
        files,
        DirectoryStore(config.roots),
        sidecar_of=lambda known: files.sidecar(known.root, known.path),
        run_in_thread=at_once,
        changed=lambda _names: None,
    )
    states = list(state_folders(config.state_dir, config.roots[0], cache_dir(environ)))
    state = next((each for each in states if Path(each, FILENAME).exists()), states[0])
    recalled = result(kept.recalled())
    takers = takers_in(state, {(each.project, each.filename) for each in recalled}) if recalled else {}
    listed = sorted(recalled, key=lambda each: (each.project, each.filename, each.cached))
    return [(each, takers[each.project, each.filename]) for each in listed]


def _lines(found: Found) -> list[str]:
    if not found:
        return ["Nothing that is kept here was taken back."]
    lines = []
    for each, takers in found:
        lines.append(f"{'!' if each.needs_a_hand else '-'} {sentence(each)}.")
        lines += [] if takers is None else [f"    {line}" for line in taken(takers)]
    if any(takers is None for _, takers in found):
        lines.append("Who took them is told to a login that is named in --admins (-u USER).")
    return lines
