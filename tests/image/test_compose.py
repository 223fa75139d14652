"""Do the compose files say what the image and the options know?"""

import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from twisted_pypi.command.pypi_server import settings_of
from twisted_pypi.config import Config
from twisted_pypi.options.layers import EXTRA
from twisted_pypi.options.table import SETTINGS

PROJECT = Path(__file__).parent.parent.parent
VARIABLES = {variable for setting in SETTINGS for variable in setting.variables} | {EXTRA}
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
FILES = sorted(PROJECT.glob("compose*.yaml"))


def of_image() -> dict[str, str]:
    """The variables that the image sets."""
    return dict(re.findall(r"^(?:ENV|   ) *([A-Z_]+)=(\S+)", DOCKERFILE, re.MULTILINE))


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    read = yaml.safe_load(request.param.read_text())
    assert isinstance(read, dict)
    return read


@pytest.fixture
def service(document: dict[str, Any]) -> dict[str, Any]:
    (one,) = document["services"].values()
    assert isinstance(one, dict)
    return one


@pytest.fixture
def config(service: dict[str, Any]) -> Config:
    """What a server in that container would do; a variable that cannot be used fails here."""
    return settings_of(["run"], {**of_image(), **service["environment"]}, "test")


def test_there_is_one_without_and_one_with_tls() -> None:
    assert [path.name for path in FILES] == ["compose.tls.yaml", "compose.yaml"]


def test_every_variable_is_an_option(service: dict[str, Any], config: Config) -> None:
    assert set(service["environment"]) <= VARIABLES
    assert all(isinstance(value, str) for value in service["environment"].values())
    assert config.notes == ()


def test_ports_lead_to_where_it_listens(service: dict[str, Any], config: Config) -> None:
    inner = {int(port.rpartition(":")[2]) for port in service["ports"]}
    assert inner == {config.port, config.redirect_http} - {None}
    # It is nobody who may open lower ones everywhere.
    assert min(inner) > 1023
    assert service["user"].partition(":")[0] != "0"


def test_what_it_reads_and_writes_is_mounted(document: dict[str, Any], service: dict[str, Any], config: Config) -> None:
    sources, targets = zip(*(volume.split(":")[:2] for volume in service["volumes"]), strict=True)
    assert {source for source in sources if not source.startswith(".")} == set(document["volumes"])
    assert re.findall(r"^VOLUME (\S+)", DOCKERFILE, re.MULTILINE) == list(config.roots) == [targets[0]]
    needed = filter(None, (config.password_file, config.tls_cert, config.tls_key))
    assert all(str(PurePosixPath(path).parent) in targets for path in needed)
    assert of_image()["XDG_CACHE_HOME"] in service["tmpfs"]
    assert service["read_only"] is True


def test_nothing_of_the_image_is_made_worse(service: dict[str, Any]) -> None:
    assert {"healthcheck", "entrypoint", "command", "stop_signal", "privileged"}.isdisjoint(service)
    assert service["stop_grace_period"] == "10s"  # a server ends within 8


def test_the_image_says_what_it_is() -> None:
    about = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', DOCKERFILE))
    assert labels == {
        "title": about["name"],
        "description": about["description"],
        "licenses": about["license"],
        "version": "${VERSION}",
    }
    assert re.findall(r"^ARG VERSION=(\S+)", DOCKERFILE, re.MULTILINE) == [about["version"]]


def test_the_image_listens_where_it_says() -> None:
    assert re.findall(r"^EXPOSE (\S+)", DOCKERFILE, re.MULTILINE) == [of_image()["PYPI_PORT"]]
    assert {name for name in of_image() if name.startswith("PYPI_")} <= VARIABLES
