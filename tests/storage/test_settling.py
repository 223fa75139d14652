"""Files that are not whole yet, while the clock is set back."""

from twisted.internet.task import Clock

from twisted_pypi.catalog import Place, Sighting
from twisted_pypi.storage.reading import Job
from twisted_pypi.storage.settling import Settling

PLACE, LOOKS = Place(0, "", "acme-1.0.msi"), Sighting(1, 2, 3)


def test_a_clock_that_is_set_back_keeps_no_file_waiting() -> None:
    clock, looked = Clock(), list[list[Job]]()
    clock.advance(100_000)
    settling = Settling(clock, looked.append)
    settling.wait(PLACE, LOOKS, 10)
    clock.rightNow -= 3600
    (timer,) = clock.getDelayedCalls()
    timer.delay(-3600)  # as whoever is told of the step does
    clock.advance(10)
    assert looked == [[Job(PLACE)]]
    settling.wait(PLACE, LOOKS, 10)
    assert settling.job(Job(PLACE)).since == clock.seconds(), "how long it was still before is not known any more"
    clock.advance(10)
    assert looked == [[Job(PLACE)]] * 2
    settling.stop()
