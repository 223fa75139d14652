"""Users of an htpasswd file, changed, listed and tried by our own command."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib.hash import bcrypt

from twisted_pypi.command.user import main, passwd
from twisted_pypi.command.user_file import contents, with_user, without_user
from twisted_pypi.command.verbs import CannotBeDone
from twisted_pypi.errors import BadSetting, TwistedPyPIError
from twisted_pypi.htpasswd import Scheme, parse

QUICK = bcrypt.using(rounds=4).hash("secret")
Say = Callable[[str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """Puts a text on standard input, which is no terminal."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".htpasswd"


def test_a_first_user(file: Path, say: Say) -> None:
    say("secret\n")
    assert main(["add", "me"], {"PYPI_PASSWD_FILE": str(file)}) == (
        f"me may log in now; a server that uses it knows at the next request ({file})."
    )
    assert bcrypt.verify("secret", parse(file.read_text()).entries["me"])
    assert file.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in file.parent.iterdir()] == [".htpasswd"]


def test_a_new_password_leaves_the_rest(file: Path, say: Say) -> None:
    file.write_bytes(b"# me:comment\nyou:plain\r\n me:old:about me\r\n\nme:older\nfran\xe7ois:x")
    file.chmod(0o604)
    say("secret\r\n")
    assert json.loads(str(main(["add", "me", "--file", str(file), "--json"], {}))) == {
        "file": str(file),
        "user": "me",
        "kind": "bcrypt",
        "new": False,
    }
    before, found, after = file.read_bytes().partition(b"me:$2")
    assert (before, found) == (b"# me:comment\nyou:plain\r\n", b"me:$2")
    assert after[after.index(b":") :] == b":about me\r\n\nfran\xe7ois:x"
    assert file.stat().st_mode & 0o777 == 0o604


def test_a_user_is_removed_from_every_line(file: Path) -> None:
    file.write_text("me:old\nyou:plain\nme:older\n")
    assert "me is removed from" in str(main(["remove", "me", "--file", str(file)], {}))
    assert file.read_text() == "you:plain\n"


def test_a_link_stays_a_link(file: Path, tmp_path: Path, say: Say) -> None:
    (tmp_path / "real").write_text("")
    file.symlink_to("real")
    say("secret\n")
    main(["add", "me", "--file", str(file)], {})
    assert file.is_symlink()
    assert (tmp_path / "real").read_text().startswith("me:")


def test_a_file_that_cannot_be_replaced_is_written_to(file: Path) -> None:
    file.write_text("me:old\nyou:plain\n")
    program = (
        "import sys, pathlib, errno\n"
        "from twisted_pypi.command.twisted_pypi import main\n"
        "def refuse(*a): raise OSError(errno.EBUSY, 'Device or resource busy')\n"
        "pathlib.Path.replace = refuse\n"
        "main()"
    )
    inode = file.stat().st_ino
    subprocess.run([sys.executable, "-c", program, "user", "remove", "me", "--file", str(file)], check=True)
    assert (file.read_text(), file.stat().st_ino) == ("you:plain\n", inode)
    assert [each.name for each in file.parent.iterdir()] == [".htpasswd"]


def test_a_terminal_asks_twice(file: Path) -> None:
    """As ``docker exec -it`` does."""
    fd, terminal = pty.openpty()
    program = "from twisted_pypi.command.twisted_pypi import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "user", "add", "me", "--file", str(file)],
        stdin=terminal, stdout=subprocess.DEVNULL, stderr=terminal, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(terminal)
        heard = b""
        for question in (b"Password for me: ", b"The same again: "):
            while not heard.endswith(question):
                heard += os.read(fd, 100)
            os.write(fd, b"secret\n")
        assert process.wait(timeout=20) == 0
    os.close(fd)
    assert b"secret" not in heard
    assert bcrypt.verify("secret", parse(file.read_text()).entries["me"])


def test_users_and_useless_lines_are_listed(file: Path) -> None:
    file.write_text(f"# comment\nme:{QUICK}\nnobody\nyou:plain\nme:again\nthem:$argon2id$x\n")
    found = json.loads(str(main(["list", "--file", str(file), "--json"], {})))
    assert found["users"] == [
        {"name": "me", "kind": "bcrypt", "line": 2},
        {"name": "you", "kind": "plain", "line": 4},
    ]
    assert [(each["line"], each["name"]) for each in found["problems"]] == [(3, "nobody"), (5, "me"), (6, "them")]
    said = str(main(["list", "--file", str(file)], {})).splitlines()
    assert said[:2] == ["me  bcrypt", "you  plain, which is weak: `twisted-pypi user add you` makes it bcrypt"]
    assert said[2] == "line 3 (nobody) lets nobody in: there is no colon, and user:hash was expected."
    assert said[-1] == f"2 users in {file}."


def test_a_login_is_tried(file: Path, say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"\nme:{QUICK}\nthem:\n")
    words = ["verify", "me", "--file", str(file)]
    say("secret\n")
    assert main(words, {}) == "me may log in with that: line 2, bcrypt."
    say("Secret\n")
    with pytest.raises(CannotBeDone, match=r"not the password of me \(line 2, bcrypt\)"):
        main(words, {})
    say("secret")
    assert main([*words, "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out) == {"user": "me", "works": True, "line": 2, "kind": "bcrypt"}
    say("no")
    assert main([*words, "--json"], {}) == 1
    with pytest.raises(CannotBeDone, match=r"them cannot log in \(line 3: there is no password hash"):
        main(["verify", "them", "--file", str(file)], {})
    with pytest.raises(CannotBeDone, match="has no such user"):
        main(["verify", "you", "--file", str(file)], {})


@pytest.mark.parametrize(
    ("argv", "kind", "message"),
    [
        (["add", "a:b"], BadSetting, "cannot be a user"),
        (["add", "#a"], BadSetting, "cannot be a user"),
        (["add", " a"], BadSetting, "cannot be a user"),
        (["add", "x" * 256], BadSetting, "cannot be a user"),
        (["remove", "nobody"], CannotBeDone, "has no user 'nobody'"),
        (["add", "me", "--file", "{file}/x"], CannotBeDone, "make that folder first"),
        (["list", "--file", "/not/there"], CannotBeDone, "`twisted-pypi user add NAME` makes it"),
        (["list", "--file", "/"], CannotBeDone, "/ cannot be read"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    file: Path, say: Say, argv: list[str], kind: type[TwistedPyPIError], message: str
) -> None:
    say("secret\n")
    file.write_text("you:plain\n")
    where = [] if "--file" in argv else ["--file", str(file)]
    with pytest.raises(kind, match=message):
        main([word.format(file=file) for word in argv] + where, {})
    assert file.read_text() == "you:plain\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no password on standard input"), ("\n", "no password on"), ("x" * 73, "1 to 72 bytes"), ("a\0b", "1 to 72")],
)
def test_no_password_is_no_user(file: Path, say: Say, text: str, message: str) -> None:
    say(text)
    with pytest.raises(BadSetting, match=message):
        main(["add", "me", "--file", str(file)], {})
    assert not file.exists()


def test_a_server_without_a_file_has_no_users() -> None:
    with pytest.raises(BadSetting, match="no password file is named: expected --file FILE"):
        main(["list"], {})


def test_the_older_form(file: Path, say: Say) -> None:
    say("secret\n")
    assert "may log in now" in str(passwd([str(file), "me"], {}))
    assert "is removed" in str(passwd(["--delete", str(file), "me"], {}))
    for words in ([], [str(file)], [str(file), "a", "b"], ["--other", "a", "b"]):
        with pytest.raises(BadSetting, match="expected a file and a user"):
            passwd(words, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("there", [True, False])
def test_root_leaves_the_owner(file: Path, say: Say, *, there: bool) -> None:
    os.chown(file.parent, 4321, 1234)
    if there:
        file.touch()
        os.chown(file, 4322, 1235)
    say("secret\n")
    main(["add", "me", "--file", str(file)], {})
    assert (file.stat().st_uid, file.stat().st_gid) == ((4322, 1235) if there else (4321, 1234))


LINES = st.lists(
    st.one_of(
        st.binary(max_size=12).filter(lambda line: b"\n" not in line),
        st.builds(
            b"%b:%b".__mod__, st.tuples(st.sampled_from([b"me", b" me", b"you"]), st.sampled_from([b"a", b"", b"b:c"]))
        ),
    )
).map(b"\n".join)


@given(LINES)
def test_others_log_in_as_before(data: bytes) -> None:
    """Whatever the file is, a change of one user is none of another."""

    def others(changed: bytes) -> list[tuple[str, str, Scheme]]:
        return [(each.name, each.hashed, each.kind) for each in contents(changed).users if each.name != "me"]

    added, before = with_user(data, "me", QUICK)
    assert [each.hashed for each in contents(added).users if each.name == "me"] == [QUICK]
    assert others(added) == others(data)
    removed = without_user(added, "me")
    assert removed is not None
    assert others(removed) == others(data)
    assert without_user(removed, "me") is None
    assert before == (without_user(data, "me") is not None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change what is another's")
def test_a_link_of_somebody_else_does_not_lead_root(tmp_path: Path, say: Say) -> None:
    secret, link = tmp_path / "secret", tmp_path / ".htpasswd"
    secret.write_text("root:plain\n")
    link.symlink_to(secret)
    os.lchown(link, 12345, 12345)
    say("secret\n")
    with pytest.raises(CannotBeDone, match="a link of another user"):
        main(["add", "me", "--file", str(link)], {})
    assert secret.read_text() == "root:plain\n"
    os.chown(secret, 12345, 12345)
    say("secret\n")
    main(["add", "me", "--file", str(link)], {})
    assert "me:" in secret.read_text()
