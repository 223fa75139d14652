"""What the tests of accounts start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from tests.accounts.doubles import Threads, Verify
from twisted_pypi.accounts.htpasswd_accounts import HtpasswdAccounts
from twisted_pypi.throttle import Throttle


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".htpasswd"


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The sentences that were logged since this was last cleared."""
    sentences: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        sentences.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield sentences
    globalLogPublisher.removeObserver(observer)


@pytest.fixture
def verify() -> Verify:
    return Verify()


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def accounts(path: Path, clock: Clock, verify: Verify, threads: Threads) -> HtpasswdAccounts:
    path.write_text("alice:plain-secret\nbob:plain-hunter2\n")
    return HtpasswdAccounts(str(path), clock=clock, in_thread=threads, tries=Throttle(clock), verify=verify)
