from collections.abc import Callable
from typing import Any, cast

from twisted.logger import ILogObserver, Logger

from twisted_pypi.distributions import ProjectName, normalize
from twisted_pypi.events import Changes

ACME = frozenset({normalize("Acme")})


def test_every_listener_is_told_in_order() -> None:
    changes = Changes()
    told: list[tuple[int, frozenset[ProjectName]]] = []
    changes.subscribe(lambda names: told.append((1, names)))
    changes.subscribe(lambda names: told.append((2, names)))
    changes.publish(ACME)
    assert told == [(1, ACME), (2, ACME)]


def test_no_names_are_no_change() -> None:
    changes = Changes()
    told: list[frozenset[ProjectName]] = []
    changes.subscribe(told.append)
    changes.publish(frozenset())
    assert told == []


def test_a_listener_that_fails_is_reported_and_stops_nobody() -> None:
    changes = Changes()
    events: list[dict[str, Any]] = []
    changes.log = Logger(observer=cast("ILogObserver", events.append))
    told: list[frozenset[ProjectName]] = []
    changes.subscribe(cast("Callable[[frozenset[ProjectName]], None]", lambda: None))
    changes.subscribe(told.append)
    changes.publish(ACME)
    assert told == [ACME]
    assert [event["log_failure"].type for event in events] == [TypeError]


def test_a_change_of_everything_is_told_to_those_who_want_to_know() -> None:
    changes = Changes()
    events: list[dict[str, Any]] = []
    changes.log = Logger(observer=cast("ILogObserver", events.append))
    told: list[object] = []
    changes.subscribe(told.append)
    changes.subscribe_to_everything(cast("Callable[[], None]", lambda _wrong: None))
    changes.subscribe_to_everything(lambda: told.append("all"))
    changes.publish_everything()
    assert told == ["all"]
    assert [event["log_failure"].type for event in events] == [TypeError]
