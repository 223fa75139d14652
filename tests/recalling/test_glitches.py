"""No history of pages that lag, or that are wrong once, hides anything."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tests.recalling.house import ACME, HOUR, House
from twisted_pypi.boundaries import UpstreamPage

MISSING = {"empty", "gone", "other bytes"}
SEEN = st.tuples(
    st.sampled_from(["good", "lagging", "empty", "stale", "gone", "other bytes"]),
    st.booleans(),
    st.sampled_from([0, 60, int(HOUR), 30 * int(HOUR)]),
)


class Belief:
    """When a removal may be believed: it was seen twice, an hour apart, and no good page in between said otherwise."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.twice = False
        self._lagging_since: float | None = None
        self._counts_anew = False

    def see(self, what: str, now: float) -> None:
        if what == "lagging":
            self._lagging_since = now if self._lagging_since is None else self._lagging_since
            # A day of lower serials is an index that counts anew.
            self._counts_anew |= now - self._lagging_since >= 24 * HOUR
        elif what != "stale":
            self._lagging_since = None
            self._counts_anew &= what == "gone"
        if what in MISSING or (what == "lagging" and self._counts_anew):
            self.twice |= self.since is not None and now - self.since >= HOUR
            self.since = now if self.since is None else self.since
        elif what == "good":
            self.since, self.twice = None, False


def page_of(what: str, good: UpstreamPage) -> UpstreamPage | None:
    if what == "gone":
        return None
    if what == "other bytes":
        files = tuple(replace(each, hashes={"sha256": "0" * 64}) for each in good.page.files)
        return replace(good, page=replace(good.page, files=files))
    without = replace(good, page=replace(good.page, files=()))
    facts = {"good": good, "lagging": replace(without, serial=9), "stale": replace(without, stale_because="it is down")}
    return facts.get(what, without)


@given(st.lists(SEEN, max_size=12))
def test_no_lagging_page_and_no_single_glitch_hides_anything(history: list[tuple[str, bool, int]]) -> None:
    async def run() -> None:
        house, belief = House(hide=True), Belief()
        house.publish("1")
        house.upstream.serials[ACME] = 10
        house.keep("1")
        await house.hold("1")
        await house.see()
        for what, by_a_pass, wait in history:
            house.later(wait + 1)
            good = await house.page()
            assert good is not None
            page = page_of(what, good)
            if by_a_pass:
                this = house.recaller.begin()
                await this.saw(ACME, page)
                await this.end()
            else:
                await house.recaller.saw(ACME, page)
            belief.see(what, house.clock.seconds())
            for recall in (house.cached("1"), (await house.known("1")).recall):
                assert recall is None or not recall.hidden or belief.twice
                assert recall is None or recall.since_ns >= int(belief.since or 0) * 10**9

    results: list[object] = []
    Deferred.fromCoroutine(run()).addBoth(results.append)
    assert results == [None], results
