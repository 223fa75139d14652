"""A hook by a clock, and a receiver that answers what the test says, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, Logger, formatEvent

from twisted_pypi.webhooks import Hook, Signer
from twisted_pypi.webhooks.messages import Message


class House:
    """A hook, and a receiver that answers what the test says."""

    def __init__(self, random: float = 0.5) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.said: list[str] = []
        self.posted: list[tuple[float, str]] = []
        self.answer: int | Exception | None = 204
        self.refused: dict[str, int] = {}
        self.open: list[Deferred[int]] = []
        self.hook = Hook("https://x", self.post, Signer(), clock=self.clock, random=lambda: random)
        self.hook.log = Logger(observer=cast("ILogObserver", lambda event: self.said.append(formatEvent(event))))

    def post(self, body: bytes, headers: Mapping[str, str]) -> Deferred[int]:
        self.posted.append((self.clock.seconds() - 1000, body.decode()))
        assert headers["webhook-timestamp"] == str(int(self.clock.seconds()))
        answer = self.refused.get(body.decode(), self.answer)
        coming: Deferred[int] = Deferred()
        if isinstance(answer, Exception):
            coming.errback(answer)
        elif answer is None:
            self.open.append(coming)
        else:
            coming.callback(answer)
        return coming

    def tell(self, *texts: str) -> None:
        for text in texts:
            self.hook.tell(Message(f"msg_{text}", self.clock.seconds(), text.encode(), f"upload of {text}"))

    def go_on(self, seconds: float = 0.0) -> None:
        """Let time pass, in steps that are short enough to see what happens when."""
        self.clock.pump([0.0] * 20)
        for _ in range(int(seconds)):
            self.clock.pump([1.0, 0.0, 0.0])

    @property
    def bodies(self) -> list[str]:
        return [body for _, body in self.posted]
