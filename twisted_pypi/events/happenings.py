"""The one stream of what happened."""

from __future__ import annotations

from twisted.logger import Logger

from twisted_pypi.boundaries.happenings import Happening, TellOfHappenings


class Happenings:
    """Tells whoever subscribed of what happened, in the order in which it did.

    It belongs to the reactor thread.  A listener that fails is reported, and
    the others are told all the same.
    """

    log = Logger()

    def __init__(self) -> None:
        """Nobody listens."""
        self._listeners: list[TellOfHappenings] = []

    def subscribe(self, listener: TellOfHappenings) -> None:
        """Tell ``listener`` from now on."""
        self._listeners.append(listener)

    def tell(self, happening: Happening) -> None:
        """Tell every listener, in the order in which they subscribed.  Never raises."""
        for listener in self._listeners:
            with self.log.failuresHandled("a listener to what happens failed at a {kind}", kind=happening.kind):
                listener(happening)
