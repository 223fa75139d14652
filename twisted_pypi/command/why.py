"""``twisted-pypi why``: whose a project is, and what becomes of each of its files; from a server, or from its folders."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from twisted_pypi.boundaries import KnownFile, Sink
from twisted_pypi.catalog.location import state_folders
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.command.remote import ask, at_once, result
from twisted_pypi.config import Config, Fallback
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import BadSetting, NoSuchProject, UpstreamFailed
from twisted_pypi.indexes.explaining import Explainer
from twisted_pypi.indexes.mirrored import Mirrored
from twisted_pypi.policy.explanation import Explanation, read_document, sentences, write_document
from twisted_pypi.policy.names import NamePatterns
from twisted_pypi.policy.ownership import Decision, HeldFile, decide_without_asking
from twisted_pypi.policy.rules import Rules
from twisted_pypi.ruling import RulesInForce
from twisted_pypi.storage.folder_files import FolderFiles
from twisted_pypi.storage.record_writing import read_record
from twisted_pypi.storage.upstream_cache import DirectoryCache
from twisted_pypi.tap.folders import cache_dir
from twisted_pypi.upstream.fetching import PageAnswer
from twisted_pypi.upstream.index import Indexes
from twisted_pypi.upstream.pages import KeptPages

_USAGE = (
    "twisted-pypi why NAME [VERSION] (--url URL [-u USER] | the options of the server, such as --root DIR) [--json]"
)


def why(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return what there is to say of a project, by the server at ``--url``, or by what lies in its folders.

    In the folders, nobody is asked: the upstream's page is the one that is
    kept.  Raises ``TwistedPyPIError``, ``OSError``.
    """
    words, rest = _leading(argv)
    if not 1 <= len(words) <= 2:
        raise BadSetting(f"{len(words)} names are given: expected {_USAGE}.")
    name, version = words[0], words[1] if len(words) > 1 else None
    if not is_project_name(name):
        raise BadSetting(f"{name!r} is not the name of a project.")
    as_json = "--json" in rest
    rest = [each for each in rest if each != "--json"]
    if any(each.partition("=")[0] == "--url" for each in rest):
        remote = _remote(rest)
        explanation = ask(remote.url, f"/-/why/{quote(normalize(name))}", remote.user, None, read_document)
    else:
        explanation = _in_folders(
            normalize(name), settings_of(rest, environ, "twisted-pypi why", serving=False), environ
        )
    if as_json:
        return json.dumps(write_document(explanation, version), indent=1)
    return "\n".join(sentences(explanation, version))


def _leading(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words before the first option, and the rest."""
    count = next((at for at, each in enumerate(argv) if each.startswith("-")), len(argv))
    return list(argv[:count]), list(argv[count:])


def _remote(rest: Sequence[str]) -> Namespace:
    parser = ArgumentParser("twisted-pypi why", usage=_USAGE, allow_abbrev=False)
    parser.add_argument("--url", required=True, help="the address of the server, as for an upload")
    parser.add_argument("-u", "--user", help="who logs in there")
    return parser.parse_args(rest)


def _in_folders(name: ProjectName, config: Config, environ: Mapping[str, str]) -> Explanation:
    missing = [root for root in config.roots if not Path(root).is_dir()]
    if missing:
        raise BadSetting(f"{missing[0]} is not there: expected a folder of packages.")
    from twisted.internet import reactor  # noqa: PLC0415  # importing it chooses it; it only tells the time here

    rules: Callable[[], Rules] = Rules
    if config.rules is not None:
        in_force = RulesInForce(config.rules, reactor, at_once, lambda: None)

        def rules() -> Rules:
            return in_force.rules

    files = _FilesOnce(config)
    mirrored = None
    # A server with rules does not redirect, whatever was not said here.
    if config.fallback is Fallback.PROXY or (config.fallback is Fallback.REDIRECT and config.rules is not None):
        kept = KeptPages(partial(_state_folder, config, environ))
        upstream = Indexes(config.upstreams, _NeverAsks(), kept, reactor, at_once, offline=True)
        mirrored = Mirrored(
            upstream,
            DirectoryCache(config.roots[0]),
            rules,
            clock=time.time,
            run_in_thread=at_once,
            expect_end=lambda _name, _end_ns: None,
        )
    explainer = Explainer(
        files,
        _Owners(config, files),
        partial(read_record, config.roots[0]),
        rules,
        clock=time.time,
        run_in_thread=at_once,
        mirrored=mirrored,
        merge=config.merge,
    )
    return result(explainer.explain(name))


class _FilesOnce:
    """The files of a project, read once."""

    def __init__(self, config: Config) -> None:
        self._files = FolderFiles(config.roots, follow_links=config.follow_links)
        self._found: list[KnownFile] | None = None

    async def files_of(self, name: ProjectName) -> list[KnownFile]:
        if self._found is None:
            try:
                self._found = await self._files.files_of(name)
            except NoSuchProject:
                self._found = []
        return self._found


class _Owners:
    """Whose a project is, as the server decides it."""

    def __init__(self, config: Config, files: _FilesOnce) -> None:
        self._private = NamePatterns(config.private)
        self._root = config.roots[0]
        self._files = files

    async def owner(self, name: ProjectName) -> Decision:
        held = [HeldFile(each.filename, each.sha256, each.source) for each in await self._files.files_of(name)]
        return decide_without_asking(self._private.match(name), read_record(self._root, name).origin, held)


class _NeverAsks:
    """What speaks HTTP, where nobody does."""

    async def get_page(self, url: str, headers: Mapping[str, str], *, limit: int, tries: int) -> PageAnswer:
        del headers, limit, tries
        raise UpstreamFailed(f"{url} is not asked")

    async def fetch(self, url: str, sink: Sink) -> None:
        del sink
        raise UpstreamFailed(f"{url} is not asked")


def _state_folder(config: Config, environ: Mapping[str, str]) -> str | None:
    """Where the server keeps what it remembers."""
    folders = list(state_folders(config.state_dir, config.roots[0], cache_dir(environ)))
    return next((each for each in folders if Path(each, "upstream").is_dir()), folders[0])
