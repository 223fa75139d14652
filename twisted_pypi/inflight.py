"""Callers that ask for the same thing at the same time share one piece of work."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

Answer = TypeVar("Answer")


class InFlight(Generic[Answer]):
    """Work under way, and who waits for it.

    A Deferred gives its result to the first coroutine that awaits it and
    ``None`` to the next, so every caller gets one of its own.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[Deferred[Answer]]] = {}

    def run(self, key: Hashable, work: Callable[[], Coroutine[Deferred[Any], Any, Answer]]) -> Deferred[Answer]:
        """Start ``work``, or wait for what was already started under ``key``.

        A failure reaches everyone who waits, each as their own.
        """
        mine: Deferred[Answer] = Deferred()
        if key in self._waiting:
            self._waiting[key].append(mine)
            return mine
        self._waiting[key] = [mine]

        def finished(result: Answer | Failure) -> None:
            for each in self._waiting.pop(key):
                each.callback(result)

        Deferred.fromCoroutine(work()).addBoth(finished)
        return mine
