"""twine uploads, the newest and 6.1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.environments import TWINE, TWINE_6, Client, Environment, Finished
from tests.clients.fixtures import PASSWORD, USER, Built, Start, bcrypt_line
from tests.clients.server import Process

pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize("environment", [TWINE, TWINE_6], ids=lambda each: each.name),
]

ORIGINAL = wheel("acme-core", "1.0")
OTHER = wheel("acme-core", "1.0", payload=b"other")


@pytest.fixture
def twine(environment: Environment, client: Callable[[Environment], Client]) -> Client:
    """One of the twines."""
    return client(environment)


@pytest.fixture
def files(environment: Environment, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """A wheel and an sdist of a real build."""
    built: Built = request.getfixturevalue("built_before" if environment is TWINE_6 else "built")
    return built.files


def _upload(
    twine: Client, url: str, *paths: Path, password: str = PASSWORD, user: str = USER, expected: int = 0
) -> Finished:
    options = ("--non-interactive", "--disable-progress-bar", "--repository-url", url, "--username", user)
    return twine.run("twine", "upload", *options, "--password", password, *paths, expected=expected)


@pytest.mark.parametrize("path", ["", "/legacy/", "/pypi"])
def test_real_builds_arrive_byte_for_byte(
    twine: Client, path: str, uploads: Process, files: tuple[Path, Path], root: Path
) -> None:
    done = _upload(twine, uploads.url + path, *files)
    assert "WARNING" not in done.output
    for each in files:
        assert (root / each.name).read_bytes() == each.read_bytes()
        assert uploads.get(f"/packages/{each.name}").body == each.read_bytes()
    page = uploads.get("/simple/acme-tool/").text
    assert page.count("<a ") == 2
    assert page.count('data-requires-python="&gt;=3.8"') == 2


def test_the_same_bytes_again_succeed(twine: Client, uploads: Process, files: tuple[Path, Path]) -> None:
    for _ in range(2):
        _upload(twine, uploads.url, *files)


def test_other_bytes_are_refused_in_words(twine: Client, uploads: Process, root: Path) -> None:
    _upload(twine, uploads.url, ORIGINAL.put_into(twine.home))
    done = _upload(twine, uploads.url, OTHER.put_into(twine.home), expected=1)
    assert "409" in done.output
    assert "File already exists" in done.output
    assert (root / ORIGINAL.filename).read_bytes() == ORIGINAL.content


def test_overwrite_replaces(twine: Client, root: Path, passwords: Path, start: Start) -> None:
    server = start(root, "--passwords", passwords, "--overwrite")
    for each in (ORIGINAL, OTHER):
        _upload(twine, server.url, each.put_into(twine.home))
    assert server.get(f"/packages/{ORIGINAL.filename}").body == OTHER.content
    assert f"#sha256={OTHER.sha256}" in server.get("/simple/acme-core/").text


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), (USER, "pässwörd")])
def test_a_wrong_login_is_refused_in_words(
    twine: Client, user: str, password: str, uploads: Process, root: Path
) -> None:
    done = _upload(twine, uploads.url, ORIGINAL.put_into(twine.home), user=user, password=password, expected=1)
    assert "401" in done.output
    assert list(root.glob("*.whl")) == []


def test_a_refusal_of_a_big_file_is_seen(twine: Client, uploads: Process, root: Path) -> None:
    big = wheel("acme-big", "1.0", payload=bytes(20_000_000))
    done = _upload(twine, uploads.url, big.put_into(twine.home), password="wrong", expected=1)
    assert "401" in done.output
    assert list(root.glob("*.whl")) == []


def test_a_password_that_is_not_ascii(twine: Client, uploads: Process, passwords: Path) -> None:
    passwords.write_text(bcrypt_line("jürgen", "schlüssel"), "utf-8")
    _upload(twine, uploads.url, ORIGINAL.put_into(twine.home), user="jürgen", password="schlüssel")


def test_a_read_only_server_says_so(twine: Client, root: Path, start: Start) -> None:
    server = start(root)
    done = _upload(twine, server.url, ORIGINAL.put_into(twine.home), expected=1)
    assert "403" in done.output or "401" in done.output
    assert list(root.glob("*.whl")) == []


def test_a_file_that_is_no_archive_is_refused_in_words(twine: Client, uploads: Process, root: Path) -> None:
    path = ORIGINAL.put_into(twine.home / "good")
    renamed = path.with_name("acme_other-1.0-py3-none-any.whl")
    path.rename(renamed)
    done = _upload(twine, uploads.url, renamed, expected=1)
    assert "400" in done.output
    assert "acme" in done.output
    assert list(root.glob("*.whl")) == []


def test_pypirc_names_the_server(twine: Client, uploads: Process, files: tuple[Path, Path], root: Path) -> None:
    (twine.home / ".pypirc").write_text(
        "[distutils]\nindex-servers =\n    internal\n\n"
        f"[internal]\nrepository: {uploads.url}\nusername: {USER}\npassword: {PASSWORD}\n"
    )
    twine.run("twine", "upload", "--non-interactive", "-r", "internal", *files)
    assert {each.name for each in root.iterdir() if not each.name.startswith(".")} == {each.name for each in files}
