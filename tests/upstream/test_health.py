import pytest

from twisted_pypi.distributions import ProjectName
from twisted_pypi.upstream.expiring import Expiring
from twisted_pypi.upstream.health import Health, IndexHealth
from twisted_pypi.upstream.recent import Recent

INDEX = "https://a.example.com"


def test_health_says_what_was_last() -> None:
    now = [5]
    health = Health(INDEX, lambda: now[0])
    assert health.now == IndexHealth(INDEX, None, None, None, failing=False)
    health.failed(ProjectName("x"), "nobody answers", down=True)
    now[0] = 7
    assert health.now == IndexHealth(INDEX, None, 5, "nobody answers", failing=True)
    health.succeeded()
    assert health.now == IndexHealth(INDEX, 7, 5, "nobody answers", failing=False)


@pytest.mark.parametrize(("names", "paused"), [("xyz", True), ("xxxxxx", False), ("xy", False), ("xy.zx", False)])
def test_an_index_that_fails_for_several_projects_is_left_alone(names: str, *, paused: bool) -> None:
    now = [0]
    health = Health(INDEX, lambda: now[0])
    for name in names:
        if name == ".":
            health.succeeded()
        else:
            health.failed(ProjectName(name), f"not {name}", down=True)
    assert (health.paused == f"not {names[-1]}") is paused
    now[0] = 30 * 10**9
    assert health.paused is None


def test_one_success_ends_the_pause() -> None:
    health = Health(INDEX, lambda: 0)
    for name in "xyz":
        health.failed(ProjectName(name), "no", down=True)
    health.succeeded()
    assert health.paused is None


def test_after_a_pause_one_failure_begins_the_next() -> None:
    now = [0]
    health = Health(INDEX, lambda: now[0])
    for name in "xyz":
        health.failed(ProjectName(name), "no", down=True)
    now[0] = 30 * 10**9
    health.failed(ProjectName("x"), "still no", down=True)
    assert health.paused == "still no"


def test_what_expires_is_forgotten_and_of_too_many_the_oldest() -> None:
    now = [0.0]
    known: Expiring[str, int] = Expiring(10, 2, lambda: now[0])
    known.put("a", 1)
    now[0] = 9.9
    assert known.get("a") == 1
    now[0] = 10
    assert known.get("a") is None
    for number, key in enumerate("abac"):
        known.put(key, number)
    assert [known.get(key) for key in "abc"] == [2, None, 3]
    known.forget("c")
    assert known.get("c") is None


def test_of_too_much_the_unused_goes() -> None:
    held: Recent[str, str] = Recent(5, len)
    held.put("a", "11")
    held.put("b", "22")
    assert held.get("a") == "11"
    held.put("c", "33")
    assert [held.get(key) for key in "abc"] == ["11", None, "33"]
    held.put("a", "4444")
    assert [held.get(key) for key in "ac"] == ["4444", None]
    held.put("d", "666666")
    assert [held.get(key) for key in "ad"] == [None, None]
    held.put("e", "55555")
    assert held.get("e") == "55555"
