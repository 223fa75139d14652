"""The rules in force, while the file is edited: looks every two seconds, by a clock."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from twisted_pypi.errors import BadSetting
from twisted_pypi.policy.rules import Rules
from twisted_pypi.ruling import EVERY, LARGEST, RulesInForce


class Threads:
    """Runs work at once, or holds it."""

    def __init__(self) -> None:
        self.waiting: Deferred[Any] | None = None
        self.held = False
        self.calls = 0

    def __call__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Deferred[Any]:
        self.calls += 1
        if self.held:
            self.waiting = Deferred()
            return self.waiting.addCallback(lambda _: function(*args, **kwargs))
        return succeed(function(*args, **kwargs))


class Bench:
    """A rules file, and the service that looks at it."""

    def __init__(self, path: Path, text: str = "min-age = 7") -> None:
        self.path = path
        self.clock = Clock()
        self.threads = Threads()
        self.told = 0
        self.version = 0
        self.write(text)
        self.rules = RulesInForce(str(path), self.clock, self.threads, self.tell)
        self.said: list[str] = []
        self.rules.log = self  # type: ignore[assignment]  # what is said is kept here
        self.rules.startService()

    def tell(self) -> None:
        self.told += 1

    def write(self, text: str | bytes) -> None:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.version += 1
        os.utime(self.path, ns=(self.version * 10**9, self.version * 10**9))

    def looks(self, times: int = 2) -> None:
        for _ in range(times):
            self.clock.advance(EVERY)

    def info(self, text: str, **values: object) -> None:
        self.said.append(text.format(**values))

    error = info

    @property
    def days(self) -> int:
        age = self.rules.rules.min_age
        return 0 if age is None else age.ns // (86_400 * 10**9)


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    found = Bench(tmp_path / "rules.toml")
    yield found
    found.rules.stopService()
    assert found.clock.getDelayedCalls() == []


def test_the_file_is_in_force_from_the_start(bench: Bench) -> None:
    assert bench.days == 7
    bench.looks(5)
    assert (bench.days, bench.told, bench.said, bench.rules.trouble) == (7, 0, [], None)


def test_a_change_is_in_force_when_it_is_still(bench: Bench) -> None:
    bench.write("min-age = 3")
    bench.looks(1)
    assert (bench.days, bench.told) == (7, 0)
    bench.looks(1)
    assert (bench.days, bench.told) == (3, 1)
    assert bench.said == [f"The rules in {bench.path} are in force now"]
    bench.looks(5)
    assert bench.told == 1


def test_a_file_that_is_being_written_does_not_count(bench: Bench) -> None:
    for text in ("", "min", "min-age =", "min-age = 3"):
        bench.write(text)
        bench.looks(1)
        assert (bench.days, bench.said) == (7, [])
    bench.looks(1)
    assert bench.days == 3


def test_the_last_good_rules_stay_in_force(bench: Bench) -> None:
    bench.write("min-age = x")
    bench.looks(6)
    assert (bench.days, bench.told) == (7, 0)
    assert len(bench.said) == 1
    assert bench.said[0].startswith(f"the rules file {bench.path} cannot be used: the rules are not valid TOML: ")
    assert bench.said[0].endswith("; its last good version stays in force")
    assert bench.rules.trouble is not None
    assert bench.rules.trouble in bench.said[0]
    bench.write("min-age = true")
    bench.looks(6)
    assert len(bench.said) == 2
    assert "min-age is true" in bench.said[1]
    bench.write("min-age = 4")
    bench.looks()
    assert (bench.days, bench.told) == (4, 1)
    assert bench.rules.trouble is None


def test_the_same_rules_again_are_no_news(bench: Bench) -> None:
    bench.write("x")
    bench.looks()
    bench.write("min-age = 7 # days")
    bench.looks()
    assert (bench.told, bench.rules.trouble) == (0, None)
    assert bench.said[1] == f"The rules in {bench.path} are the ones that are in force"


def test_a_file_that_disappears_is_missed_once(bench: Bench) -> None:
    bench.path.rename(bench.path.with_suffix(".away"))
    bench.looks(5)
    assert bench.days == 7
    assert bench.said == [
        f"the rules file {bench.path} cannot be used: No such file or directory; its last good version stays in force"
    ]
    bench.path.with_suffix(".away").rename(bench.path)
    bench.looks()
    assert (bench.days, bench.told, bench.rules.trouble) == (7, 0, None)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\xff", "it is not UTF-8"), (b"#" * (LARGEST + 1), f"it is larger than {LARGEST} bytes")],
)
def test_a_file_that_is_no_text(bench: Bench, content: bytes, sentence: str) -> None:
    bench.write(content)
    bench.looks(4)
    assert bench.rules.trouble == f"the rules file {bench.path} cannot be used: {sentence}"
    assert len(bench.said) == 1


def test_a_byte_order_mark_is_no_rule(bench: Bench) -> None:
    bench.write(b"\xef\xbb\xbfmin-age = 2")
    bench.looks()
    assert bench.days == 2


def test_a_pipe_is_not_waited_for(bench: Bench) -> None:
    bench.path.unlink()
    os.mkfifo(bench.path)
    bench.looks(4)
    assert bench.rules.trouble == f"the rules file {bench.path} cannot be used: it is not a regular file"


@pytest.mark.parametrize("text", [None, "min-age = x"])
def test_a_bad_file_at_the_start_is_a_bad_setting(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "rules.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadSetting, match=f"^the rules file {path} cannot be used: "):
        RulesInForce(str(path), Clock(), Threads(), lambda: None)


def test_looks_do_not_overlap_and_none_counts_after_the_end(bench: Bench) -> None:
    bench.write("min-age = 3")
    bench.looks(1)
    bench.threads.held = True
    calls = bench.threads.calls
    bench.looks(3)
    assert bench.threads.calls == calls + 1
    bench.rules.stopService()
    assert bench.threads.waiting is not None
    bench.threads.waiting.callback(None)
    assert bench.days == 7


def test_whatever_goes_wrong_the_looks_go_on(tmp_path: Path, logged_failures: list[Failure]) -> None:
    def broken() -> None:
        raise RuntimeError("whoever listens")

    path, clock, threads = tmp_path / "rules.toml", Clock(), Threads()
    path.write_text("min-age = 7")
    rules = RulesInForce(str(path), clock, threads, broken)
    rules.startService()
    path.write_text("min-age = 3 # other")
    clock.pump([EVERY, EVERY])
    assert len(logged_failures) == 1
    threads.held = True
    clock.advance(EVERY)
    assert threads.waiting is not None
    threads.waiting.errback(RuntimeError("no thread"))
    threads.held = False
    path.write_text("# no rules any more")
    clock.pump([EVERY, EVERY])
    assert rules.rules == Rules()
    rules.stopService()
    assert [str(each.value) for each in logged_failures] == ["whoever listens", "no thread", "whoever listens"]
    logged_failures.clear()


def test_a_file_that_comes_later_is_in_force_then(tmp_path: Path) -> None:
    path, clock, threads = tmp_path / "rules.toml", Clock(), Threads()
    told: list[bool] = []
    rules = RulesInForce(str(path), clock, threads, lambda: told.append(True), may_come=True)
    rules.startService()
    clock.advance(EVERY)
    assert (rules.rules, rules.trouble, told) == (Rules(), None, [])
    path.write_text("wheels-only = true")
    for _ in range(2):
        clock.advance(EVERY)
    assert (rules.rules, rules.trouble, told) == (Rules(wheels_only=True), None, [True])
    path.unlink()
    clock.advance(EVERY)
    assert rules.rules == Rules(wheels_only=True)
    assert "No such file" in (rules.trouble or "")
    rules.stopService()


def test_a_link_that_leads_nowhere_is_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").symlink_to("elsewhere")
    with pytest.raises(BadSetting, match="No such file"):
        RulesInForce(str(tmp_path / "rules.toml"), Clock(), Threads(), lambda: None, may_come=True)
