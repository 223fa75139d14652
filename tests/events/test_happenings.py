import json
from typing import Any, cast

from twisted.logger import ILogObserver, Logger

from twisted_pypi.boundaries.happenings import (
    HappenedTo,
    Happening,
    HappeningKind,
    TellOfHappenings,
    rfc3339,
    write_happening,
)
from twisted_pypi.distributions import normalize
from twisted_pypi.events import Happenings

UPLOAD = Happening(
    kind=HappeningKind.UPLOAD,
    moment=1_700_000_000.25,
    project=normalize("Acme"),
    version="1.0",
    files=(HappenedTo("acme-1.0.tar.gz", "ab" * 32),),
    user="ada",
    address="192.0.2.1",
    client="twine/6",
)


def test_every_listener_is_told_and_one_that_fails_stops_nobody() -> None:
    happenings = Happenings()
    events: list[dict[str, Any]] = []
    happenings.log = Logger(observer=cast("ILogObserver", events.append))
    told: list[Happening] = []
    happenings.subscribe(cast("TellOfHappenings", lambda: None))
    happenings.subscribe(told.append)
    happenings.tell(UPLOAD)
    assert told == [UPLOAD]
    assert [event["log_failure"].type for event in events] == [TypeError]


def test_what_is_written_has_always_the_same_keys() -> None:
    least = write_happening(Happening(kind=HappeningKind.UPDATE, moment=0.0))
    most = write_happening(UPLOAD)
    assert list(least) == list(most)
    assert json.loads(json.dumps(most)) == {
        "time": "2023-11-14T22:13:20.250Z",
        "kind": "upload",
        "project": "acme",
        "version": "1.0",
        "files": [{"filename": "acme-1.0.tar.gz", "sha256": "ab" * 32}],
        "user": "ada",
        "address": "192.0.2.1",
        "client": "twine/6",
        "reason": None,
        "detail": None,
        "times": 1,
    }


def test_moments_are_in_utc_to_the_millisecond() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_700_000_000.9999) == "2023-11-14T22:13:20.999Z"
