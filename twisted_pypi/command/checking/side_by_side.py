"""The same work for many things, on as many threads as there are cores, with a few results in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4
"""Things that are taken for each thread before the first result is waited for."""


def side_by_side(work: Callable[[T], R], things: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """Yield what ``work`` returns of each thing, in their order; what it raises is raised."""
    count = threads or len(os.sched_getaffinity(0))
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for thing in things:
                waiting.append(pool.submit(work, thing))
                if len(waiting) >= count * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
