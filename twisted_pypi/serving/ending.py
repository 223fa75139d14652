"""How a server ends in order: no new connections, everything under way finished, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twisted_pypi.serving.draining import Drainable, drain
from twisted_pypi.serving.last_bytes import all_sent
from twisted_pypi.serving.listening import Ports

if TYPE_CHECKING:
    from twisted_pypi.serving.workers.keeping import Workers

DRAIN_SECONDS = 7.0
"""Seconds that requests have to finish after the first signal."""

LAST_SECONDS = 0.5
"""Seconds after which a worker that has not ended by itself then is killed."""


async def end_in_order(
    ports: Ports, sites: Sequence[Drainable], workers: Workers | None, clock: IReactorTime, log: Logger
) -> None:
    """Return when nothing is open any more, here or in ``workers``."""
    log.info("Ending: {n} requests are being answered", n=sum(site.open_requests for site in sites))
    end = clock.seconds() + DRAIN_SECONDS
    numbers = ports.numbers()
    await ports.close()
    last, ended = None, None
    if workers is not None:
        last = clock.callLater(DRAIN_SECONDS + LAST_SECONDS, workers.kill)
        ended = workers.finish()
    drained = await drain(sites, clock, DRAIN_SECONDS)
    if not drained:
        log.warn("Connections were cut that had not ended after {seconds:.0f} seconds", seconds=DRAIN_SECONDS)
    if ended is not None:
        await ended
    if last is not None and last.active():
        last.cancel()
    if drained and not await all_sent(numbers, clock, end - clock.seconds()):
        log.warn("Clients had not taken all that was sent to them after {seconds:.0f} seconds", seconds=DRAIN_SECONDS)
