"""What SIGTERM, SIGINT and SIGHUP do.

Twisted's own handlers stop the reactor at once, and twistd then kills itself
with the same signal, which makes the exit code 143 and cuts every answer short.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

END_SECONDS = 8.0
"""Seconds after the first signal in which the process has ended, whatever happens.  Docker kills after 10."""


def end_process_after(seconds: float) -> None:
    """See that the process ends, with code 0, even when a thread never does."""
    # sys.exit would wait for that thread.  Nothing needs repair after this: no file has its name before it is whole.
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def end_while_starting() -> None:
    """See that SIGTERM and SIGINT end the process with code 0 until ``Signals`` are installed: nothing is under way.

    SIGHUP does nothing: all is about to be read anyway.  As process 1 of a
    container nothing would end it that has no handler.  Only possible in the
    main thread; what ignores a signal goes on ignoring it.
    """
    if threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: sys.exit(0))


class Signals:
    """Handlers that hand each signal to the reactor's thread.

    The first SIGTERM or SIGINT calls ``finish``, a second one ``stop``; SIGHUP
    calls ``reopen``.
    """

    def __init__(
        self,
        call: Callable[[Callable[[], None]], object],
        *,
        finish: Callable[[], None],
        stop: Callable[[], None],
        reopen: Callable[[], None],
        set_handler: Callable[[int, Any], Any] = signal.signal,
        last_resort: Callable[[float], None] = end_process_after,
    ) -> None:
        """Hand signals on through ``call``, which is the reactor's ``callFromThread``."""
        self._call = call
        self._finish = finish
        self._stop = stop
        self._reopen = reopen
        self._set_handler = set_handler
        self._last_resort = last_resort
        self._before: dict[int, Any] = {}
        self._ending = False

    def install(self) -> None:
        """Take the place of the handlers that are there.  Only possible in the main thread."""
        if threading.current_thread() is threading.main_thread() and not self._before:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                self._before[number] = self._set_handler(number, self._received)

    def restore(self) -> None:
        """Put the handlers back that were there; not while the process ends by one of ours."""
        if not self._ending:
            for number, handler in self._before.items():
                self._set_handler(number, handler)
            self._before.clear()

    def end_in_order(self) -> None:
        """Do what a first SIGTERM does, unless one has come already."""
        if not self._ending:
            self._ending = True
            self._last_resort(END_SECONDS)
            self._call(self._finish)

    def _received(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            self._call(self._reopen)
        elif self._ending:
            self._call(self._stop)
        else:
            self.end_in_order()
