"""One webhook: what waits for it, when it is tried, and when it is given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from twisted_pypi.webhooks.messages import Message, Signer

LIMIT = 10.0
"""Seconds that one try may take."""

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
"""Seconds between two tries; each pause is twice the one before."""

GIVE_UP = 3600.0
"""Seconds after which a message that was not taken is lost: about eleven tries."""

MOST = 1000
"""Messages that wait; when there are more, the oldest is lost."""

_ENDS = "since the server ends"
_JITTER = 0.25
_GONE = 410
_UNAVAILABLE = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that say nothing of the message, so that others would fare no better."""


class Post(Protocol):
    """Posts a body."""

    def __call__(self, body: bytes, headers: Mapping[str, str], /) -> Deferred[int]:
        """Return the status of the answer; fails when there is none.  Cancelling gives it up."""


@dataclass(slots=True, eq=False)
class _Waiting:
    message: Message
    since: float
    tries: int = 0
    due: float = 0.0


class Hook:
    """Sends messages to one address, in order, one at a time.

    Where nothing answers, all wait.  A message that is refused is put off,
    and does not keep back those behind it.
    """

    log = Logger()

    def __init__(
        self, name: str, post: Post, signer: Signer, *, clock: IReactorTime, random: Callable[[], float]
    ) -> None:
        """``name`` is shown in the log; ``random`` gives numbers from 0 to 1."""
        self._name = name
        self._post = post
        self._signer = signer
        self._clock = clock
        self._random = random
        self._waiting: list[_Waiting] = []
        self._sent: _Waiting | None = None
        self._failures = 0
        self._not_before = 0.0
        self._troubled = False
        self._overflowed = 0
        self._stopping = False
        self._gone = False
        self._running = False
        self._pause: Deferred[None] | None = None
        self._posting: Deferred[int] | None = None
        self._stopped: Deferred[None] = Deferred()

    def tell(self, message: Message) -> None:
        """Send it when its turn comes.  Nothing is done of that before the caller has returned."""
        if self._gone:
            return
        if len(self._waiting) >= MOST:
            self._overflow()
        self._waiting.append(_Waiting(message, self._clock.seconds()))
        if self._stopping and not self._running:
            self._lose(self._waiting, _ENDS)
        elif not self._running:
            self._running = True
            Deferred.fromCoroutine(self._run()).addErrback(
                lambda failure: self.log.failure("webhook {name} failed", failure, name=self._name)
            )
        elif self._pause is not None:
            self._pause.cancel()

    def stop(self, seconds: float) -> Deferred[None]:
        """Send what was not tried yet, for so many seconds at most; then say what is lost."""
        self._stopping = True
        if not self._running:
            return succeed(None)
        limit = self._clock.callLater(seconds, self._cut)
        if self._failures:
            self._cut()
        if self._pause is not None:
            self._pause.cancel()
        return self._stopped.addCallback(lambda _: _cancel(limit))

    def _cut(self) -> None:
        self._failures += 1
        if self._posting is not None:
            self._posting.cancel()

    async def _run(self) -> None:
        try:
            while self._waiting:
                this = self._next()
                if this is None and self._stopping:
                    break
                now = self._clock.seconds()
                due = now if this is not None else max(self._not_before, min(each.due for each in self._waiting))
                await self._sleep(max(0.0, due - now))
                this = self._next()
                if this is not None:
                    await self._try(this)
            if self._stopping:
                self._lose(self._waiting, _ENDS)
        finally:
            self._running = False
            if self._stopping:
                self._stopped.callback(None)

    def _next(self) -> _Waiting | None:
        """The message whose turn it is; at the end only those that were not tried, while somebody answers."""
        now = self._clock.seconds()
        if self._stopping:
            return next((each for each in self._waiting if not each.tries), None) if not self._failures else None
        if self._not_before > now:
            return None
        return next((each for each in self._waiting if each.due <= now), None)

    async def _sleep(self, seconds: float) -> None:
        self._pause = deferLater(self._clock, seconds)
        try:
            await self._pause
        except CancelledError:
            # Whoever ended the pause must not wait for what comes after it.
            self._pause = None
            await deferLater(self._clock, 0)
        finally:
            self._pause = None

    async def _try(self, this: _Waiting) -> None:
        this.tries += 1
        self._sent = this
        headers = self._signer.headers(this.message, int(self._clock.seconds()))
        status, why = None, ""
        try:
            self._posting = self._post(this.message.body, headers).addTimeout(LIMIT, self._clock)
            status = await self._posting
            why = f"it answered {status}"
        except CancelledError:
            return
        except defer.TimeoutError:
            why = f"it did not answer within {LIMIT:.0f} seconds"
        except Exception as problem:  # noqa: BLE001  # whatever the network, TLS or a proxy has to complain of
            why = f"it cannot be reached ({_shown(problem)})"
        finally:
            self._posting = self._sent = None
        if status is not None and 200 <= status < 300:
            self._taken(this)
        elif status == _GONE:
            self._end()
        else:
            self._put_off(this, why, unavailable=status is None or status in _UNAVAILABLE)

    def _taken(self, this: _Waiting) -> None:
        self._waiting.remove(this)
        self._failures = 0
        if self._troubled and not any(each.tries for each in self._waiting):
            self._troubled = False
            self.log.info("webhook {name} takes messages again", name=self._name)
        self._overflowed = 0

    def _put_off(self, this: _Waiting, why: str, *, unavailable: bool) -> None:
        now = self._clock.seconds()
        if unavailable:
            self._failures += 1
            self._not_before = now + self._pause_after(self._failures)
        else:
            self._failures = 0
            this.due = now + self._pause_after(this.tries)
        if not self._troubled:
            self._troubled = True
            self.log.warn(
                "webhook {name} does not take messages: {why}; each is tried again for an hour",
                name=self._name,
                why=why,
            )
        self._lose(
            [each for each in self._waiting if now - each.since >= GIVE_UP], "which was not taken within an hour"
        )

    def _pause_after(self, tries: int) -> float:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries - 1, 20))
        return pause * (1 - _JITTER + 2 * _JITTER * self._random())

    def _end(self) -> None:
        self._gone = True
        self._waiting.clear()
        self.log.warn("webhook {name} is gone (410): nothing is sent to it until the next start", name=self._name)

    def _overflow(self) -> None:
        oldest = next(each for each in self._waiting if each is not self._sent)
        self._waiting.remove(oldest)
        self._overflowed += 1
        if self._overflowed == 1:
            self.log.warn(
                "{most} messages wait for webhook {name}: from now on the oldest are lost, {summary} first",
                most=MOST,
                name=self._name,
                summary=oldest.message.summary,
            )

    def _lose(self, lost: list[_Waiting], why: str) -> None:
        if lost:
            self.log.error(
                "{count} messages to webhook {name} are lost, {why}: {summary} first",
                count=len(lost),
                name=self._name,
                why=why,
                summary=lost[0].message.summary,
            )
        self._waiting = [each for each in self._waiting if each not in lost]


def _cancel(timer: IDelayedCall) -> None:
    if timer.active():
        timer.cancel()


def _shown(problem: Exception) -> str:
    """The kind of a failure: its text may hold an address."""
    reasons = getattr(problem, "reasons", None)
    inner = getattr(reasons[0], "value", None) if isinstance(reasons, list) and reasons else problem
    return type(inner).__name__
