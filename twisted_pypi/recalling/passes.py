"""An update pass whose pages recall what the upstream took back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, Protocol, TypeVar

from twisted_pypi.boundaries import KnownFile, UpstreamPage
from twisted_pypi.distributions import ProjectName
from twisted_pypi.recalling.recaller import Pass, Recaller

Summary_co = TypeVar("Summary_co", covariant=True)
Summary = TypeVar("Summary")


class Runs(Protocol[Summary_co]):
    """What looks at many projects each time that it is run."""

    def run(self) -> Coroutine[Any, Any, Summary_co]:
        """Run once."""

    def stop(self) -> None:
        """Break off what runs; it ends soon."""


class RecallingRuns(Generic[Summary]):
    """Runs a pass, and recalls what it finds to be taken back."""

    def __init__(self, recaller: Recaller, make: Callable[[RecallingRuns[Summary]], Runs[Summary]]) -> None:
        """``make`` returns the pass, which has to tell ``saw`` of each page."""
        self._recaller = recaller
        self._pass: Pass | None = None
        self._runs = make(self)

    def saw(self, name: ProjectName, page: UpstreamPage | None, held: Sequence[KnownFile]) -> None:
        """The upstream confirmed this page, or that it has no such project any more."""
        if self._pass is not None:
            self._pass.saw(name, page, held)

    async def run(self) -> Summary:
        """Run once; when this returns, all is written down that was taken back."""
        self._pass = self._recaller.begin()
        try:
            return await self._runs.run()
        finally:
            ended, self._pass = self._pass, None
            await ended.end()

    def stop(self) -> None:
        """Break off what runs."""
        self._runs.stop()
