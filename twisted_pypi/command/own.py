"""``twisted-pypi own``: says or settles whose a project is, in the folders of a server."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted_pypi.command.folders import SHOWN, become_owner
from twisted_pypi.command.printing import as_json
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.command.remote import result
from twisted_pypi.config import Config
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import BadSetting, NoSuchProject
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.ownership import Decision, HeldFile, decide_without_asking
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.record_writing import change_origin, read_record

_DESCRIPTION = (
    "Make a project yours: it takes uploads, and is never asked for at an upstream index, nor merged with one, nor"
    " updated. The other settings, such as --private, are read from the environment, as the server reads them."
)
_WORDS = {
    Whose.OURS: "is ours,",
    Whose.UPSTREAM: "is an upstream index's,",
    None: "is undecided, and stays in until it is compared with an upstream index,",
}


def own(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Do what the command line says, and return the sentence, or the document, that says what holds then.

    Raises ``TwistedPyPIError``; ends the process where the words cannot be understood.
    """
    said = _parser().parse_args(argv)
    if not is_project_name(said.name):
        raise BadSetting(f"{said.name!r} is not the name of a project.")
    config = settings_of(["run", *said.root], environ, "twisted-pypi own", serving=False)
    for root in config.roots:
        if not Path(root).is_dir():
            raise BadSetting(f"{root} is not there: expected a folder of packages.")
    name = normalize(said.name)
    become_owner(config)
    if said.show:
        sentence = f"{_sentence(name, _decision(config, name))}."
    else:
        sentence = _released(config, name) if said.release else _owned(config, name)
    if not said.json:
        return sentence
    decision = _decision(config, name)
    return as_json({"project": name, "whose": decision.whose or "undecided", "because": decision.because})


def _parser() -> ArgumentParser:
    parser = ArgumentParser("twisted-pypi own", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("name", help="the project")
    parser.add_argument(
        "--root", action="append", default=[], metavar="DIR", help="a folder of the server, in its order; repeat it"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--show", action="store_true", help="only say whose it is, and why")
    what.add_argument("--release", action="store_true", help="give it back: forget what was decided")
    parser.add_argument("--json", action="store_true", help="say as JSON whose it is then, and why")
    return parser


def _owned(config: Config, name: ProjectName) -> str:
    before = read_record(config.roots[0], name).origin
    if before is not None and before.whose is Whose.OURS:
        return f"{name} is ours already, because {before.because}."
    origin = Origin(Whose.OURS, "'twisted-pypi own' made it so", int(time.time()) * 1_000_000_000)
    change_origin(config.roots[0], name, origin)
    return f"{name} is ours now; {SHOWN}."


def _released(config: Config, name: ProjectName) -> str:
    before = read_record(config.roots[0], name).origin
    if before is None:
        return f"Nothing was decided of {name}: {_sentence(name, _decision(config, name))}."
    change_origin(config.roots[0], name, None)
    return f"What was decided of {name} is forgotten: {_sentence(name, _decision(config, name))}; {SHOWN}."


def _decision(config: Config, name: ProjectName) -> Decision:
    private = NamePatterns(config.private).match(name)
    origin = read_record(config.roots[0], name).origin
    try:
        files = result(FolderFiles(config.roots, follow_links=config.follow_links).files_of(name))
    except NoSuchProject:
        files = []
    return decide_without_asking(
        private, origin, [HeldFile(known.filename, known.sha256, known.source) for known in files]
    )


def _sentence(name: ProjectName, decision: Decision) -> str:
    return f"{name} {_WORDS[decision.whose]} because {decision.because}"
