"""What a start says to somebody who has nothing on the server yet."""

import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from twisted_pypi.config import Action, Config
from twisted_pypi.serving.announcing import Announcer
from twisted_pypi.serving.first_steps import container, first_steps
from twisted_pypi.testing.memory_index import MemoryIndex

SERVER = Config(roots=("/pypi",), port=8080, password_file="/pypi/.htpasswd")
OPEN = Config(roots=("/pypi",), port=80, authenticate=frozenset(), server_base_url="/base")
READS = Config(roots=("/pypi",), listen=("tcp:9", "unix:/s"))


def steps(
    config: Config, users: int = 0, projects: int = 0, *, writable: bool = True, within: str | None = None
) -> str:
    return "\n".join(first_steps(config, users=users, projects=projects, writable=writable, container=within))


def test_three_steps_and_then_none() -> None:
    everything = steps(SERVER)
    assert [line.split("by: ")[1] for line in everything.splitlines()] == [
        "twisted-pypi user add --file /pypi/.htpasswd NAME",
        "twine upload --repository-url http://localhost:8080/ -u NAME dist/*",
        "pip install --index-url http://localhost:8080/simple/ PROJECT",
    ]
    assert steps(SERVER, users=1) == "\n".join(everything.splitlines()[1:])
    assert steps(SERVER, projects=1) == everything.splitlines()[0]
    assert steps(SERVER, users=1, projects=1) == ""


def test_in_a_container() -> None:
    said = steps(SERVER, within="173a2f32154c")
    assert "by: docker exec -it 173a2f32154c twisted-pypi user add NAME\n" in said
    other = steps(Config(roots=("/srv",), password_file="/srv/users"), within="173a2f32154c")
    assert "by: docker exec -it 173a2f32154c twisted-pypi user add --file /srv/users NAME\n" in other
    assert "http://localhost:8080/simple/" in steps(OPEN, within="x").replace("/base", "")


@pytest.mark.parametrize(
    ("config", "url"),
    [
        (OPEN, "http://localhost:80/base/"),
        (READS, "http://localhost:PORT/"),
        (Config(roots=("/pypi",), port=443, tls_cert="/c"), "https://localhost:443/"),
        (Config(roots=("/pypi",), public_url="https://pypi.example.com/x"), "https://pypi.example.com/x/"),
    ],
)
def test_the_address(config: Config, url: str) -> None:
    assert f" {url}simple/ PROJECT" in steps(config)


def test_nobody_is_told_to_do_what_cannot_be_done() -> None:
    assert "user add" not in steps(OPEN)
    assert "twine upload --repository-url http://localhost:80/base/ dist/*" in steps(OPEN)
    for said in (steps(READS), steps(SERVER, writable=False)):
        assert "twine" not in said
        assert "copied to /pypi" in said


def test_only_the_first_process_is_a_containers_own() -> None:
    assert os.getpid() != 1
    assert container() is None


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        if event["log_namespace"].endswith("announcing.Announcer"):
            lines.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


def test_they_are_the_last_of_what_is_announced(said: list[str], tmp_path: os.PathLike[str]) -> None:
    config = Config(roots=(str(tmp_path),), authenticate=frozenset({Action.UPDATE}), password_file="users")
    service = Announcer(config, MemoryIndex(), lambda: 0, container=lambda: "a1b2")
    service.startService()
    service.stopService()
    assert [line.split()[0] for line in said] == ["A", "Serving", "Nobody", "Nothing", "Install"]
    assert "docker exec -it a1b2 " in said[2]
