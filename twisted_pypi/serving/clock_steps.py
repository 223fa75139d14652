"""What happens when somebody sets the clock back: everything that waits goes on waiting no longer than it would have.

The reactor's timers are for moments of the wall clock.  Set back by an hour,
they would all come an hour late: scans, updates, timeouts of clients.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

SMALLEST = 0.5
"""Seconds; a clock that goes back by less delays nothing that anybody would notice."""

_CLOCK_REALTIME = 0
_ABSOLUTE, _CANCEL_ON_SET = 1, 2
_FAR_AWAY = 1 << 40
"""Seconds since the epoch at which the timer itself would ring."""


class _Timerspec(ctypes.Structure):
    _fields_ = [
        ("interval_s", ctypes.c_long), ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long), ("value_ns", ctypes.c_long),
    ]  # fmt: skip


def open_timer() -> int | None:
    """Return a descriptor whose ``read`` fails with ``ECANCELED`` when the clock was set (timerfd_create(2)).

    ``None`` where the system has no such thing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    create, settime = getattr(libc, "timerfd_create", None), getattr(libc, "timerfd_settime", None)
    if create is None or settime is None or ctypes.sizeof(ctypes.c_long) < 8:
        return None
    timer = int(create(_CLOCK_REALTIME, os.O_NONBLOCK | os.O_CLOEXEC))
    if timer < 0:
        return None
    ring = _Timerspec(0, 0, _FAR_AWAY, 0)
    if settime(timer, _ABSOLUTE | _CANCEL_ON_SET, ctypes.byref(ring), None) != 0:
        os.close(timer)
        return None
    return timer


@implementer(IReadDescriptor)
class ClockSteps(Service):
    """Is told by the system when the clock is set, and brings the timers of the reactor forward when it went back."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        *,
        open_timer: Callable[[], int | None] = open_timer,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """``wall`` is the clock that may be set, ``steady`` one that nobody can; both in seconds."""
        self._reactor = reactor
        self._open = open_timer
        self._wall = wall
        self._steady = steady
        self._ahead = 0.0
        self._timer: int | None = None

    def startService(self) -> None:
        """Begin to listen."""
        super().startService()
        self._ahead = self._wall() - self._steady()
        self._timer = self._open()
        if self._timer is not None:
            self._reactor.addReader(self)

    def stopService(self) -> None:
        """Listen no more."""
        super().stopService()
        if self._timer is not None:
            self._reactor.removeReader(self)
            os.close(self._timer)
            self._timer = None

    def fileno(self) -> int:
        """The descriptor that the reactor waits for."""
        return -1 if self._timer is None else self._timer

    def doRead(self) -> None:
        """The clock was set, or it is 36,000 years later."""
        try:
            if self._timer is not None:
                os.read(self._timer, 8)
        except BlockingIOError:
            return
        except OSError as problem:
            if problem.errno != errno.ECANCELED:
                raise
        self._set()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor gives up on it."""
        del reason

    def logPrefix(self) -> str:
        """What the reactor calls it."""
        return "clock"

    def _set(self) -> None:
        before, self._ahead = self._ahead, self._wall() - self._steady()
        back = before - self._ahead
        if back < SMALLEST:
            return
        for call in self._reactor.getDelayedCalls():
            call.delay(-back)
        self.log.warn(
            "the clock was set back by {seconds:.0f} s; what waits for its time goes on as if it had not been",
            seconds=back,
        )
