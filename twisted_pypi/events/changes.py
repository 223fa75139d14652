"""Who wants to know of a change of pages is told."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from twisted_pypi.distributions import ProjectName


class Changes:
    """The stream of changes: projects whose pages are different from now on.

    It belongs to the reactor thread.  A listener that fails is reported, and
    the others are told all the same.
    """

    log = Logger()

    def __init__(self) -> None:
        """Nobody listens."""
        self._listeners: list[Callable[[frozenset[ProjectName]], None]] = []
        self._of_everything: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[frozenset[ProjectName]], None]) -> None:
        """Call ``listener`` with the names, on the reactor thread, before the change is seen."""
        self._listeners.append(listener)

    def publish(self, names: frozenset[ProjectName]) -> None:
        """Tell every listener, in the order in which they subscribed; no names, no call."""
        if not names:
            return
        for listener in self._listeners:
            try:
                listener(names)
            except Exception:  # noqa: BLE001  # the others are told all the same
                self.log.failure("a listener to changes of {count} projects failed", count=len(names))

    def subscribe_to_everything(self, listener: Callable[[], None]) -> None:
        """Call ``listener``, on the reactor thread, before a change of every page is seen: rules, for example."""
        self._of_everything.append(listener)

    def publish_everything(self) -> None:
        """Tell those who want to know that every page may be different from now on."""
        for listener in self._of_everything:
            with self.log.failuresHandled("a listener to changes of everything failed"):
                listener()
