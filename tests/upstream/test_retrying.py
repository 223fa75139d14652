"""What is tried again, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.upstream.retrying import LONGEST_DELAY, BrokenOff, Retrying, parse_retry_after

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", None, 0),
        (" 120 ", None, 120),
        ("Sun, 06 Nov 1994 08:49:57 GMT", DATE, 20),
        ("Sunday, 06-Nov-94 08:49:57 GMT", DATE, 20),
        ("Sun, 06 Nov 1994 08:49:07 GMT", DATE, 0),
        ("Sun, 06 Nov 1994 08:49:57 GMT", None, None),
        ("Sun, 06 Nov 1994 08:49:57 GMT", "yesterday", None),
        ("-1", DATE, None),
        ("1.5", DATE, None),
        ("", DATE, None),
        ("9" * 5000, None, float("inf")),
        ("\u0663", None, None),
    ],
)
def test_retry_after(value: str, date: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, date) == seconds


@given(st.text(), st.one_of(st.none(), st.just(DATE), st.text()))
def test_strangers(value: str, date: str | None) -> None:
    seconds = parse_retry_after(value, date)
    assert seconds is None or seconds >= 0


class Attempts:
    """Fails as it was told, then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self.left = list(failures)
        self.made = 0

    async def __call__(self) -> str:
        self.made += 1
        if self.left:
            raise self.left.pop(0)
        return "done"


def broken(**more: object) -> BrokenOff:
    return BrokenOff("it broke", **more)  # type: ignore[arg-type]  # the two arguments that there are


@pytest.mark.parametrize(
    ("failures", "tries", "delays"),
    [
        ([], 2, []),
        ([broken()], 2, [0.5]),
        ([broken(), broken(), broken()], 4, [0.5, 1, 2]),
        ([broken(retry_after=30.0)], 2, [30]),
        ([broken(retry_after=0.0)], 2, [0]),
        ([broken(progress=True)] * 4, 2, [0.5] * 4),
        ([broken(), broken(progress=True), broken()], 3, [0.5, 0.5, 1]),
    ],
)
def test_waits(failures: list[Exception], tries: int, delays: list[float]) -> None:
    clock, attempts = Clock(), Attempts(*failures)
    running = Deferred.fromCoroutine(Retrying(clock, lambda: 1.0).run(attempts, tries))
    for made, delay in enumerate(delays, 1):
        assert attempts.made == made
        assert [call.getTime() - clock.seconds() for call in clock.getDelayedCalls()] == [pytest.approx(delay)]
        clock.advance(delay)
    assert running.result == "done"
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("failures", "tries", "made"),
    [
        ([broken()], 1, 1),
        ([broken(), broken()], 2, 2),
        ([broken(retry_after=30.1)], 4, 1),
        ([broken(retry_after=float("inf"))], 4, 1),
        ([UpstreamFailed("it is wrong")], 4, 1),
        ([MemoryError("full")], 4, 1),
    ],
)
def test_ends(failures: list[Exception], tries: int, made: int) -> None:
    clock, attempts = Clock(), Attempts(*failures)
    running = Deferred.fromCoroutine(Retrying(clock, lambda: 0.0).run(attempts, tries))
    clock.pump([0.0] * 10)
    assert attempts.made == made
    assert running.addErrback(lambda failure: failure.value).result is failures[made - 1]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_wait_is_too_long(failures: int, drawn: float) -> None:
    delay = Retrying(Clock(), lambda: drawn).delay(failures)
    assert 0 <= delay <= min(LONGEST_DELAY, 0.5 * 2.0 ** min(failures, 64))


def test_cancelled_while_it_waits() -> None:
    clock, attempts = Clock(), Attempts(broken())
    running = Deferred.fromCoroutine(Retrying(clock, lambda: 1.0).run(attempts, 2))
    running.addErrback(lambda _: None)
    running.cancel()
    assert (clock.getDelayedCalls(), attempts.made) == ([], 1)
