"""All webhooks of a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList

from twisted_pypi.boundaries.happenings import Happening
from twisted_pypi.webhooks.hook import Hook
from twisted_pypi.webhooks.messages import TOLD, make_message


class Webhooks(Service):
    """Tells every webhook of what became of packages."""

    def __init__(self, hooks: Sequence[Hook], token: Callable[[], str], seconds_left: Callable[[], float]) -> None:
        """``token`` makes unique texts; ``seconds_left`` is how long the end may take, asked when it comes."""
        self._hooks = tuple(hooks)
        self._token = token
        self._seconds_left = seconds_left

    def tell(self, happening: Happening) -> None:
        """Have it sent.  Never waits, and never raises."""
        if happening.kind in TOLD:
            message = make_message(happening, self._token())
            for hook in self._hooks:
                hook.tell(message)

    def stopService(self) -> Deferred[list[tuple[bool, None]]]:
        """Send what waits, as long as there is time."""
        super().stopService()
        seconds = self._seconds_left()
        return DeferredList([hook.stop(seconds) for hook in self._hooks])
