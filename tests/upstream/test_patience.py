"""How long a request may take."""

from twisted.internet.task import Clock

from twisted_pypi.upstream.patience import Limits, Patience


def watched(clock: Clock) -> tuple[Patience, list[str | None]]:
    given_up: list[str | None] = []
    patience = Patience(clock, Limits(connect=10, first_byte=20.5, stall=30))
    patience.give_up = lambda: given_up.append(patience.over)
    return patience, given_up


def test_each_limit() -> None:
    for begin, seconds, said in (
        (Patience.connecting, 10, "did not accept a connection within 10 seconds"),
        (Patience.answering, 20.5, "did not answer within 20.5 seconds"),
        (Patience.receiving, 30, "sent nothing more within 30 seconds"),
    ):
        clock = Clock()
        patience, given_up = watched(clock)
        begin(patience)
        clock.advance(seconds - 0.1)
        assert given_up == []
        clock.advance(0.1)
        assert given_up == [said]
        patience.stop()


def test_one_limit_at_a_time() -> None:
    clock = Clock()
    patience, given_up = watched(clock)
    patience.answering()
    clock.advance(9)
    patience.connecting()
    clock.advance(9)
    patience.answering()
    clock.advance(20)
    patience.receiving()
    clock.advance(29)
    patience.stop()
    patience.received()
    clock.advance(1000)
    assert (given_up, clock.getDelayedCalls()) == ([], [])


def test_what_comes_begins_the_limit_anew() -> None:
    clock = Clock()
    patience, given_up = watched(clock)
    patience.receiving()
    for _ in range(10):
        clock.advance(29)
        patience.received()
    assert given_up == []
    clock.advance(30)
    assert len(given_up) == 1
