"""Commands that change the folders append to the audit log of their server."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from twisted_pypi.command import remove, restore, user
from twisted_pypi.command.mark import status, unyank, yank
from twisted_pypi.command.telling import who
from twisted_pypi.testing.archives import wheel

FILENAME = "acme-1.0-py3-none-any.whl"
Command = Callable[[Sequence[str], Mapping[str, str]], str | int]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / FILENAME).write_bytes(wheel("acme", "1.0"))
    (folder / "acme-2.0-py3-none-any.whl").write_bytes(wheel("acme", "2.0"))
    return folder


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def run(root: Path, audit_log: Path) -> Callable[..., None]:
    environ = {"PYPI_ROOT": str(root), "PYPI_AUDIT_LOG": str(audit_log), "PYPI_PASSWD_FILE": str(root / ".htpasswd")}

    def run(command: Command, *words: str) -> None:
        command(words, environ)

    return run


def test_each_change_is_a_line(
    run: Callable[..., None], audit_log: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    run(yank, "acme", "1.0", "--reason", "broken")
    run(unyank, "acme", "1.0")
    run(status, "acme", "deprecated", "--reason", "use other")
    run(status, "acme")
    run(remove.main, "acme", "--all")
    run(restore.main, "acme", "1.0")
    run(user.main, "add", "me")
    run(user.main, "list")
    run(user.main, "remove", "me")
    lines = [json.loads(line) for line in audit_log.read_text().splitlines()]
    told = [(each["kind"], each["version"], each["reason"], each["detail"], each["user"]) for each in lines]
    passwords = f"in {root / '.htpasswd'}"
    assert sorted(told[3:5]) == [
        ("removal", "1.0", None, "put into the trash", None),
        ("removal", "2.0", None, "put into the trash", None),
    ]
    assert told[:3] + told[5:] == [
        ("yank", "1.0", "broken", None, None),
        ("unyank", "1.0", None, None, None),
        ("status", None, "use other", "deprecated", None),
        ("restore", "1.0", None, None, None),
        ("user-added", None, None, passwords, "me"),
        ("user-removed", None, None, passwords, "me"),
    ]
    assert lines[0]["files"][0]["filename"] == FILENAME
    assert lines[0]["client"] == f"twisted-pypi yank, as {who()}"
    assert (lines[0]["address"], lines[0]["project"]) == (None, "acme")
    assert audit_log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_said_and_changes_nothing(
    run: Callable[..., None], audit_log: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit_log.mkdir()
    run(remove.main, "acme", "1.0")
    assert not (root / FILENAME).exists()
    assert f"it is done, but could not be written to the audit log {audit_log} (" in capsys.readouterr().err


def test_without_a_log_nothing_is_said(root: Path, tmp_path: Path) -> None:
    yank(["acme", "1.0"], {"PYPI_ROOT": str(root)})
    assert [each.name for each in tmp_path.iterdir()] == ["root"]
