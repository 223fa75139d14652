"""``twisted-pypi why``: whose a project is, and what becomes of each of its files; from a server, or from its folders."""

from __future__ import annotations

import json
import sys
import time
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

from twisted_pypi.boundaries import KnownFile, RunInThread, Sink
from twisted_pypi.catalog.location import state_folders
from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Config, Fallback
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.errors import BadSetting, NoSuchProject, TwistedPyPIError, UpstreamFailed
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

PATIENCE = 60
"""Seconds that a server may take to answer."""

_USAGE = (
    "twisted-pypi why NAME [VERSION] (--url URL [-u USER] | the options of the server, such as --root DIR) [--json]"
)

T = TypeVar("T")


def why(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return what there is to say of a project, by the server at ``--url``, or by what lies in its folders.

    In the folders, nobody is asked: the upstream's page is the one that is
    kept.  Raises ``BadSetting``.
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
        explanation = _over_http(normalize(name), _remote(rest))
    else:
        explanation = _in_folders(normalize(name), settings_of(rest, environ, "twisted-pypi why"), environ)
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


def _over_http(name: ProjectName, said: Namespace) -> Explanation:
    url = said.url.rstrip("/").removesuffix("/simple")
    if not url.startswith(("http://", "https://")):
        raise BadSetting(f"{said.url!r} is no address of a server: expected http:// or https://.")
    headers = {"Accept": "application/json"}
    if said.user is not None:
        login = f"{said.user}:{_password(said.user)}".encode()
        headers["Authorization"] = f"Basic {b64encode(login).decode()}"
    request = Request(f"{url}/-/why/{quote(name)}", headers=headers)  # noqa: S310  # checked above
    try:
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310  # its scheme was checked
            return read_document(json.loads(response.read()))
    except HTTPError as problem:
        with problem:
            raise BadSetting(f"{problem.reason} ({problem.code}).") from problem
    except (URLError, OSError) as problem:
        raise BadSetting(f"{request.full_url} does not answer ({getattr(problem, 'reason', problem)}).") from problem
    except ValueError as problem:
        raise BadSetting(f"{request.full_url} answers something else: expected the address of a server.") from problem


def _in_folders(name: ProjectName, config: Config, environ: Mapping[str, str]) -> Explanation:
    missing = [root for root in config.roots if not Path(root).is_dir()]
    if missing:
        raise BadSetting(f"{missing[0]} is not there: expected a folder of packages.")
    from twisted.internet import reactor  # noqa: PLC0415  # importing it chooses it; it only tells the time here

    rules: Callable[[], Rules] = Rules
    if config.rules is not None:
        in_force = RulesInForce(config.rules, reactor, _at_once, lambda: None)

        def rules() -> Rules:
            return in_force.rules

    files = _FilesOnce(config)
    mirrored = None
    if config.fallback is Fallback.PROXY:
        kept = KeptPages(partial(_state_folder, config, environ))
        upstream = Indexes(config.upstreams, _NeverAsks(), kept, reactor, _at_once, offline=True)
        mirrored = Mirrored(
            upstream,
            DirectoryCache(config.roots[0]),
            rules,
            clock=time.time,
            run_in_thread=_at_once,
            expect_end=lambda _name, _end_ns: None,
        )
    explainer = Explainer(
        files,
        _Owners(config, files),
        partial(read_record, config.roots[0]),
        rules,
        clock=time.time,
        mirrored=mirrored,
        merge=config.merge,
    )
    try:
        return _result(explainer.explain(name))
    except TwistedPyPIError as problem:
        raise BadSetting(f"{problem}.") from problem
    except OSError as problem:
        raise BadSetting(f"{problem.filename} cannot be read ({problem.strerror}).") from problem


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


def _password(user: str) -> str:
    return getpass(f"Password for {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


async def _run(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    return function(*args, **kwargs)


_at_once: RunInThread = _run


def _result(coming: Coroutine[Deferred[Any], Any, T]) -> T:
    """What comes at once, since nothing waits here."""
    results: list[T | Failure] = []
    Deferred.fromCoroutine(coming).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]
