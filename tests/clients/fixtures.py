"""Fixtures of the tests that run real processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from passlib.hash import bcrypt, ldap_sha1

from tests.clients.archives import Archive
from tests.clients.environments import BUILD, Client, Environment, programs_of
from tests.clients.server import Process, twistd_pypi

USER = "ada"
PASSWORD = "count-me-in"


class Start(Protocol):
    """Starts a server on a folder; it ends with the test."""

    def __call__(self, root: Path, *options: str | Path, port: int | None = None) -> Process: ...


def bcrypt_line(user: str, password: str) -> str:
    """A line of an htpasswd file, with few rounds."""
    return f"{user}:{bcrypt.using(rounds=4).hash(password)}\n"


def sha_line(user: str, password: str) -> str:
    """A line of an htpasswd file as ``htpasswd -s`` writes it."""
    return f"{user}:{ldap_sha1.hash(password)}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The empty home of the clients."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def client(home: Path) -> Callable[[Environment], Client]:
    """Gives the programs of an environment a home."""

    def of(environment: Environment) -> Client:
        if sys.version_info[:2] > environment.newest:
            pytest.skip(f"{environment.name} did not run: it knows no Python newer than {environment.newest}")
        return Client(programs_of(environment), home)

    return of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder of packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers, and ends them."""
    with ExitStack() as stack:

        def run(root: Path, *options: str | Path, port: int | None = None) -> Process:
            process = twistd_pypi(root, *options, log=tmp_path / "server.log", port=port)
            stack.callback(_show_log, process)
            return stack.enter_context(process)

        yield run


@contextmanager
def serving(folder: Path, archives: Iterable[Archive], *options: str | Path) -> Iterator[Process]:
    """A server on packages that were there long before it started, for tests that change nothing."""
    root = folder / "packages"
    for archive in archives:
        archive.lay_into(root)
    with twistd_pypi(root, *options, log=folder / "server.log") as process:
        yield process
        _show_log(process)


def _show_log(process: Process) -> None:
    print(f"The log of {process.url}:\n{process.log[-6000:]}")  # noqa: T201 - pytest shows it with a failed test


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    """An htpasswd file with one user."""
    path = tmp_path / "htpasswd"
    path.write_text(bcrypt_line(USER, PASSWORD))
    return path


@pytest.fixture
def uploads(root: Path, passwords: Path, start: Start) -> Process:
    """A server on an empty folder that the user may upload to."""
    return start(root, "--passwords", passwords)


@dataclass(frozen=True, slots=True)
class Built:
    """A project's folder, and what a real build made of it."""

    project: Path
    wheel: Path
    sdist: Path

    @property
    def files(self) -> tuple[Path, Path]:
        """Both files."""
        return self.wheel, self.sdist


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A project built by hatchling, wheel and sdist."""
    return build(tmp_path_factory.mktemp("built"), "hatchling.build")


@pytest.fixture(scope="session")
def built_before(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The same with core metadata 2.4, the last version that twine 6 knows."""
    return build(tmp_path_factory.mktemp("built"), "hatchling.build", metadata_version="2.4")


def build(folder: Path, backend: str, name: str = "acme-tool", metadata_version: str | None = None) -> Built:
    """Build a small project with the backend, as ``python -m build`` does."""
    write_project(folder, backend, name)
    if metadata_version:
        with (folder / "pyproject.toml").open("a") as pyproject:
            for target in ("wheel", "sdist"):
                pyproject.write(f'[tool.hatch.build.targets.{target}]\ncore-metadata-version = "{metadata_version}"\n')
    builder = Client(programs_of(BUILD), folder)
    builder.run("python", "-m", "build", "--no-isolation", cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Built(folder, wheel, sdist)


def write_project(folder: Path, backend: str, name: str = "acme-tool", version: str = "1.2") -> None:
    """Write the files of a small project."""
    (folder / "README.md").write_text(f"# {name}\n\nA tool: naïve café.\n", "utf-8")
    module = folder / name.replace("-", "_")
    module.mkdir()
    (module / "__init__.py").write_text(f'"""A tool."""\n\n__version__ = "{version}"\n')
    (folder / "pyproject.toml").write_text(
        "\n".join(
            (
                "[build-system]",
                f'requires = ["{backend.split(".", maxsplit=1)[0]}"]',
                f'build-backend = "{backend}"',
                "[project]",
                f'name = "{name}"',
                f'version = "{version}"',
                'description = "A tool"',
                'readme = "README.md"',
                'requires-python = ">=3.8"',
                'classifiers = ["Programming Language :: Python :: 3", "Operating System :: OS Independent"]',
                'authors = [{name = "Ada", email = "ada@example.com"}]',
                "[project.urls]",
                'Home = "https://example.com/tool"',
                "",
            )
        )
    )
