"""What is said of a server before it is started."""

import os
from pathlib import Path

import pytest

from twisted_pypi.command.check import check
from twisted_pypi.command.twisted_pypi import main
from twisted_pypi.config import Action, Config, Fallback
from twisted_pypi.distributions import ProjectName
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.sidecars import Sidecar, format_sidecar, sidecar_name
from twisted_pypi.storage.record_writing import change_origin


def sentences(config: Config) -> dict[str, bool]:
    return {finding.sentence: finding.bad for finding in check(config)}


def test_a_whole_house(tmp_path: Path) -> None:
    root = tmp_path / "packages"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "inside").symlink_to(root / "sub")
    (root / "outside-1.0.tar.gz").symlink_to("/etc/hostname")
    (root / ".hidden").symlink_to("/etc")
    users = root / ".htpasswd"
    users.write_text("anna:{SHA}5ba6Rjk9yeulN4ZsUUIqw84dRjI=\nno colon\n")
    said = sentences(Config(roots=(str(root), "/not/there"), password_file=str(users), notes=("A note.",)))
    assert f"{users} has 1 users." in said
    assert [bad for sentence, bad in said.items() if sentence.startswith(f"{users}, line 2: ")] == [True]
    assert [sentence for sentence in said if "leads outside" in sentence] == [
        f"{root}/outside-1.0.tar.gz leads outside the roots and is left out (--follow-links serves it)."
    ]
    assert {"A note.", "The folder /not/there is not there: it is made at the start.", f"Would serve {root}."} <= set(
        said
    )
    assert "Would listen on http://0.0.0.0:8080/." in said
    assert not Path("/not/there").exists()


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
