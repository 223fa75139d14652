"""A fetcher whose answers are data, and what is put around it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twisted_pypi.boundaries import Sink
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.upstream.fetching import PAGE_LIMIT, WAITING, PageAnswer
from twisted_pypi.upstream.index import Indexes
from twisted_pypi.upstream.pages import KeptPages
from twisted_pypi.upstream.retrying import BrokenOff

P = ParamSpec("P")
T = TypeVar("T")

A = "https://a.example.com/simple"
B = "https://b.example.com/simple"
X = ProjectName("x")
JSON = "application/vnd.pypi.simple.v1+json"
START = 1_700_000_000


def at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    async def call() -> T:
        return function(*args, **kwargs)

    return Deferred.fromCoroutine(call())


def page_of(*filenames: str, **more: Any) -> bytes:
    files = [{"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": "a" * 64}} for name in filenames]
    return json.dumps({"meta": {"api-version": "1.1"}, "files": files, **more}).encode()


class ScriptedFetcher:
    """Answers what it was told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, PageAnswer | UpstreamFailed] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.tries: list[int] = []
        self.fetched: list[str] = []
        self.held: list[Deferred[None]] | None = None

    def say(
        self,
        index: str,
        *filenames: str,
        name: str = "x",
        body: bytes | None = None,
        whole: bool = True,
        **headers: str,
    ) -> None:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        body = page_of(*filenames) if body is None else body
        url = f"{index}/{name}/"
        self.answers[url] = PageAnswer(200, url, {"content-type": JSON, **named}, body, whole)

    def fail(self, index: str, sentence: str = "nobody answers", name: str = "x") -> None:
        self.answers[f"{index}/{name}/"] = BrokenOff(sentence)

    def status(self, index: str, status: int, name: str = "x", **headers: str) -> None:
        url = f"{index}/{name}/"
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.answers[url] = PageAnswer(status, url, named, b"", whole=True)

    async def get_page(
        self, url: str, headers: Mapping[str, str], *, limit: int = PAGE_LIMIT, tries: int = WAITING
    ) -> PageAnswer:
        assert limit <= PAGE_LIMIT
        self.asked.append((url, headers))
        self.tries.append(tries)
        answer = self.answers.get(url, PageAnswer(404, url, {}, b"", whole=True))
        if self.held is not None:
            gate: Deferred[None] = Deferred()
            self.held.append(gate)
            await gate
        if isinstance(answer, UpstreamFailed):
            raise answer
        return answer

    async def fetch(self, url: str, sink: Sink) -> None:
        self.fetched.append(url)
        sink.received(b"body")


class Subject:
    """Indexes with a scripted fetcher, a clock, and a folder that outlives a restart."""

    def __init__(self, folder: Path | None, *addresses: str) -> None:
        self.folder = folder
        self.addresses = addresses or (A,)
        self.fetcher = ScriptedFetcher()
        self.clock = Clock()
        self.clock.advance(START)
        self.indexes = self.restarted()

    def restarted(self, *addresses: str, offline: bool = False) -> Indexes:
        pages = KeptPages(lambda: None if self.folder is None else str(self.folder))
        self.indexes = Indexes(
            addresses or self.addresses,
            self.fetcher,
            pages,
            self.clock,
            at_once,
            offline=offline,
            default=lambda: f"{B}/",
        )
        return self.indexes

    async def names(self, *, confirm: bool = False) -> list[str]:
        found = await self.indexes.page(X, confirm=confirm)
        return [file.filename for file in found.page.files]

    @property
    def asked(self) -> list[str]:
        """The addresses that were asked since the last look."""
        found = [url for url, _ in self.fetcher.asked]
        self.fetcher.asked.clear()
        return found

    @property
    def written(self) -> list[Path]:
        """What lies in the folder."""
        return [] if self.folder is None else list(self.folder.rglob("*"))

    @property
    def now_ns(self) -> int:
        return int(self.clock.seconds()) * 10**9
