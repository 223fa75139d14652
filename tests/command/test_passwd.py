"""Users of an htpasswd file, changed by our own command."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from passlib.hash import bcrypt

from twisted_pypi.command.passwd import passwd
from twisted_pypi.errors import BadSetting
from twisted_pypi.htpasswd import parse


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))


@pytest.mark.usefixtures("says")
def test_a_first_user(tmp_path: Path) -> None:
    file = tmp_path / ".htpasswd"
    assert "may log in now" in passwd([str(file), "me"])
    assert bcrypt.verify("secret", parse(file.read_text()).entries["me"])
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == [".htpasswd"]


@pytest.mark.usefixtures("says")
def test_a_new_password_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / ".htpasswd"
    file.write_text("# comment\nme:old\nyou:plain\n")
    file.chmod(0o600)
    assert "has a new password" in passwd([str(file), "me"])
    assert file.read_text().startswith("# comment\nyou:plain\nme:$2")
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("says")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to("real")
    passwd([str(tmp_path / "link"), "me"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text().startswith("me:")


def test_a_user_is_removed(tmp_path: Path) -> None:
    file = tmp_path / ".htpasswd"
    file.write_text("me:old\nyou:plain\n")
    assert "is removed" in passwd(["--delete", str(file), "me"])
    assert file.read_text() == "you:plain\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "expected a file and a user"),
        (["{file}"], "expected a file and a user"),
        (["{file}", "a", "b"], "expected a file and a user"),
        (["{file}", "a:b"], "cannot be a user"),
        (["{file}", "#a"], "cannot be a user"),
        (["--delete", "{file}", "nobody"], "has no user"),
        (["{file}/x", "me"], "cannot be changed"),
    ],
)
@pytest.mark.usefixtures("says")
def test_what_cannot_be_done_changes_nothing(tmp_path: Path, argv: list[str], said: str) -> None:
    file = tmp_path / "users"
    file.write_text("you:plain\n")
    with pytest.raises(BadSetting, match=said):
        passwd([word.format(file=file) for word in argv])
    assert file.read_text() == "you:plain\n"


def test_no_password_is_no_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(BadSetting, match="expected a password"):
        passwd([str(tmp_path / "users"), "me"])
    assert not (tmp_path / "users").exists()
