"""The service that asks an upstream for the pages of what is kept, whether or not anybody wants them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from twisted_pypi.boundaries import Ownership, Upstream
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import NoSuchProject, TwistedPyPIError
from twisted_pypi.recalling.recaller import Pass, Recaller

EVERY = 86_400.0
"""Seconds between two looks."""

FIRST = 300.0
"""Seconds after the start before which there is none."""

JITTER = 3600.0
"""Seconds that a look begins later, at most, so that not all servers ask at the same moment."""

AT_ONCE = 2
"""Projects that are asked for at a time: nobody waits for them."""


class Looks(Service):
    """Looks once a day after every project of which anything is kept, so that malware is recalled in any case."""

    log = Logger()

    def __init__(
        self,
        recaller: Recaller,
        upstream: Upstream,
        owners: Ownership,
        projects: Callable[[], Awaitable[Collection[ProjectName]]],
        *,
        clock: IReactorTime,
        random: Callable[[], float],
        merge: Collection[ProjectName] = frozenset(),
    ) -> None:
        """``projects`` are those of which anything is kept; ``random`` gives numbers from 0 to 1.

        What is ours is not asked for, but where it is in ``merge``.
        """
        self._recaller = recaller
        self._upstream = upstream
        self._owners = owners
        self._projects = projects
        self._clock = clock
        self._random = random
        self._merge = frozenset(merge)
        self._first = True
        self._stopped = False
        self._waiting: set[Deferred[Any]] = set()
        self._running: Deferred[None] | None = None
        self._loop = LoopingCall(lambda: Deferred.fromCoroutine(self._turn()))
        self._loop.clock = clock

    def startService(self) -> None:
        """Look a while from now, and then once a day."""
        super().startService()
        self._loop.start(EVERY)

    def stopService(self) -> Deferred[None]:
        """Look no more; return when what was begun is done."""
        super().stopService()
        return Deferred.fromCoroutine(self._end())

    async def look(self) -> None:
        """Look after every project now."""
        names = await self._projects()
        this = self._recaller.begin()
        rest = iter(sorted(names))
        await DeferredList([Deferred.fromCoroutine(self._work(rest, this)) for _ in range(AT_ONCE)])
        await this.end()

    async def _turn(self) -> None:
        delay = (FIRST if self._first else 0.0) + self._random() * JITTER
        self._first = False
        self._running = Deferred()
        try:
            await self._wait(deferLater(self._clock, delay))
            await self.look()
        except CancelledError:
            return
        except Exception as problem:  # noqa: BLE001  # a loop that fails once would never run again
            if isinstance(problem, TwistedPyPIError):
                self.log.warn("what upstream indexes took back cannot be looked for: {problem}", problem=problem)
            else:
                self.log.failure("looking for what upstream indexes took back failed")
        finally:
            self._running.callback(None)

    async def _work(self, names: Iterator[ProjectName], this: Pass) -> None:
        for name in names:
            if self._stopped:
                return
            try:
                if name in self._merge or (await self._owners.owner(name)).may_go_outside:
                    page = await self._wait(Deferred.fromCoroutine(self._upstream.page(name, confirm=True)))
                    await this.saw(name, page)
            except NoSuchProject:
                await this.saw(name, None)
            except CancelledError:
                return
            except TwistedPyPIError as problem:
                self.log.debug("{name} cannot be looked after: {problem}", name=name, problem=problem)
            except Exception:  # noqa: BLE001  # one strange project must not keep the others back
                self.log.failure("looking after {name} failed", name=name)

    async def _wait(self, waiting: Deferred[Any]) -> Any:
        """Wait for the time or the network, which the end of the service breaks off."""
        self._waiting.add(waiting)
        try:
            return await waiting
        finally:
            self._waiting.discard(waiting)

    async def _end(self) -> None:
        self._stopped = True
        if self._loop.running:
            self._loop.stop()
        for each in list(self._waiting):
            each.cancel()
        if self._running is not None:
            await self._running
        await self._recaller.settled()
