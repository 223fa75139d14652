"""What each signal does, the first and the second time."""

import signal
from collections.abc import Callable
from typing import Any

from twisted_pypi.serving.signals import END_SECONDS, Signals


class Process:
    """The handlers of a process, and what was called."""

    def __init__(self) -> None:
        self.handlers: dict[int, Any] = {signal.SIGTERM: "term", signal.SIGINT: "int", signal.SIGHUP: "hup"}
        self.called: list[str] = []
        self.signals = Signals(
            lambda step: step(),
            finish=self.note("finish"),
            stop=self.note("stop"),
            reopen=self.note("reopen"),
            set_handler=self.set_handler,
            last_resort=lambda seconds: self.called.append(f"end after {seconds}"),
        )

    def note(self, what: str) -> Callable[[], None]:
        return lambda: self.called.append(what)

    def set_handler(self, number: int, handler: Any) -> Any:
        before, self.handlers[number] = self.handlers[number], handler
        return before

    def receive(self, number: int) -> None:
        self.handlers[number](number, None)


def test_the_first_finishes_and_the_second_stops() -> None:
    process = Process()
    process.signals.install()
    process.receive(signal.SIGTERM)
    assert process.called == [f"end after {END_SECONDS}", "finish"]
    process.receive(signal.SIGINT)
    assert process.called[2:] == ["stop"]


def test_hangup_opens_the_logs_again_and_ends_nothing() -> None:
    process = Process()
    process.signals.install()
    process.receive(signal.SIGHUP)
    process.receive(signal.SIGHUP)
    assert process.called == ["reopen", "reopen"]


def test_the_handlers_before_come_back_unless_the_process_ends() -> None:
    process = Process()
    before = dict(process.handlers)
    process.signals.install()
    process.signals.restore()
    assert process.handlers == before
    process.signals.install()
    process.receive(signal.SIGINT)
    process.signals.restore()
    assert process.handlers != before
