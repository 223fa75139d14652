"""What is said of a server before it is started."""

import json
import os
from pathlib import Path

import pytest

from twisted_pypi.command.check import check
from twisted_pypi.command.check import main as check_command
from twisted_pypi.command.twisted_pypi import main
from twisted_pypi.config import Action, Config, Fallback
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadSetting
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.sidecars import Sidecar, format_sidecar, sidecar_name
from twisted_pypi.storage.record_writing import change_origin


def sentences(config: Config) -> dict[str, bool]:
    return {finding.sentence: finding.bad for finding in check(config)}


def test_a_whole_house(tmp_path: Path) -> None:
    root = tmp_path / "packages"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "inside").symlink_to(root / "sub")
    (root / "outside-1.0.tar.gz").symlink_to("/etc/passwd")
    (root / ".hidden").symlink_to("/etc")
    users = root / ".htpasswd"
    users.write_text("anna:{SHA}5ba6Rjk9yeulN4ZsUUIqw84dRjI=\nno colon\n")
    said = sentences(Config(roots=(str(root), "/not/there"), password_file=str(users), notes=("A note.",)))
    assert f"{users} has 1 users." in said
    assert [bad for sentence, bad in said.items() if sentence.startswith(f"{users}, line 2: ")] == [True]
    assert [bad for sentence, bad in said.items() if sentence.startswith(f"{root}/outside-1.0.tar.gz leads out")] == [
        True
    ]
    assert not any(".hidden" in sentence or "inside" in sentence for sentence in said)
    assert {"A note.", "The folder /not/there is not there: it is made at the start.", f"Would serve {root}."} <= set(
        said
    )
    assert "Would listen on http://0.0.0.0:8080/." in said
    assert not Path("/not/there").exists()


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    file, nothing = tmp_path / "packages", tmp_path / "volume"
    file.write_bytes(b"")
    nothing.symlink_to(tmp_path / "unmounted")
    said = sentences(Config(roots=(str(file), str(nothing))))
    assert all(said[f"{each} is there, and is no folder: no server starts."] for each in (file, nothing))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (Config(roots=("/not/there",)), "No password file: nobody can log in, and nobody can upload."),
        (Config(roots=("/not/there",), authenticate=frozenset()), "Nobody needs a login."),
        (Config(roots=("/not/there",), authenticate=frozenset({Action.LIST})), "No password file: nobody can log in."),
        (
            Config(roots=("/not/there",), password_file="/not/there/users"),
            "/not/there/users is not there yet: nobody can log in until it is.",
        ),
        (Config(roots=("/not/there",), interface="::1", port=1), "Would listen on http://[::1]:1/."),
        (Config(roots=("/not/there",), listen=("tcp:1", "unix:/s")), "Would listen on tcp:1 and unix:/s."),
    ],
)
def test_one_setting(config: Config, sentence: str) -> None:
    assert sentence in sentences(config)


@pytest.mark.parametrize("fallback", [Fallback.PROXY, Fallback.REDIRECT])
def test_what_would_keep_names_in(tmp_path: Path, fallback: Fallback) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("acme_core-1.zip", "sub/acme_web-1.zip", "b-1.zip", "c-1.zip", "d-1.zip", "no name.zip"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / sidecar_name("b-1.zip")).write_bytes(format_sidecar(Sidecar("00" * 32, uploader="anna")))
    change_origin(str(tmp_path), ProjectName("c"), Origin(Whose.OURS, "it was said so", 0))
    config = Config(roots=(str(tmp_path),), fallback=fallback, private=("d",))
    found = [sentence for sentence in sentences(config) if "--private" in sentence]
    if fallback is Fallback.REDIRECT:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].endswith("stays in with: --private acme-core --private acme-web.")


def test_the_command_says_it_and_how_bad_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 0, 0)  # else the test itself would give up root
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path)])
    assert (ended.value.code, f"- Would serve {tmp_path}." in capsys.readouterr().out) == (0, True)
    with pytest.raises(SystemExit) as ended:
        main(["check", "-P", str(tmp_path), str(tmp_path)])
    assert (ended.value.code, f"! {tmp_path} cannot be read" in capsys.readouterr().out) == (1, True)


@pytest.mark.parametrize(
    ("variables", "sentences", "code"),
    [
        ({"PYPI_OVERWRITE": "false"}, ["~ PYPI_OVERWRITE=false is read as off"], 0),
        ({"PYPI_EXTRA": "--no-such-thing"}, ["! With this environment no server starts: --no-such-thing (in"], 1),
        (
            {"PYPI_EXTRA": "--frobnicate all -v --nonsense=1", "PYPI_PORT": "http"},
            ["starts: --frobnicate", "starts: --nonsense", "starts: PYPI_PORT 'http'", "which leaves '-v'"],
            1,
        ),
        ({"PYPI_AUTHENTICATE": "."}, ["asks for a server without any login"], 1),
        ({"PYPI_EXTRA": "'"}, ["expected options with matching quotes"], 1),
    ],
)
def test_an_environment_of_the_old_image(
    variables: dict[str, str], sentences: list[str], code: int, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_command([str(own)], variables) == code
    said = capsys.readouterr().out
    assert [each for each in sentences if each not in said] == []
    assert f"- Would serve {own}." in said


def test_a_command_line_that_cannot_be_used_is_refused(own: Path) -> None:
    with pytest.raises(BadSetting, match="--frobnicate"):
        check_command(["--frobnicate", str(own)], {})


def test_lines_of_users_that_nobody_can_log_in_by(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = own / ".htpasswd"
    good = "{SHA}5ba6Rjk9yeulN4ZsUUIqw84dRjI="
    users.write_text(f"anna:{good}\nben:$argon2id$v=19$x\nanna:{good}\ncarl:open sesame\n")
    assert check_command(["-P", str(users), str(own)], {}) == 1
    said = capsys.readouterr().out
    assert f"- {users} has 2 users." in said
    assert f"! {users}, line 2: hashes of this kind" in said
    assert f"! {users}, line 3: the user 'anna' was on line 1" in said
    assert f"~ {users} has the passwords of carl in plain text." in said
    assert f"twisted-pypi passwd {users} NAME" in said


def test_as_json(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own / "acme-1.0.tar.gz.asc").write_bytes(b"signature")
    assert check_command(["--json", str(own)], {"PYPI_OVERWRITE": "0"}) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["needs_a_hand"] is False
    assert {each["level"] for each in said["findings"]} == {"fine", "note"}
    (signature,) = [each for each in said["findings"] if each["matter"] == "signature"]
    assert signature["path"] == str(own / "acme-1.0.tar.gz.asc")
    assert signature["advice"].startswith("It is never shown")
    assert (signature["repair"], signature["repaired"]) == (None, False)


def test_many_findings_of_one_matter(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(60):
        (own / f"acme-1.{number}.tar.gz.asc").write_bytes(b"")
    assert check_command([str(own)], {}) == 0
    said = capsys.readouterr().out
    assert said.count("signs a file that is not there") == 50
    assert "... and 10 more about signature (--json has them all)" in said
    assert "0 to be mended (!), 60 to be looked at (~)." in said


@pytest.fixture
def own(tmp_path: Path) -> Path:
    root = tmp_path / "packages"
    root.mkdir()
    if os.geteuid() == 0:
        os.chown(root, 0, 0)  # else the test itself would give up root
    return root
