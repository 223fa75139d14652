"""The old server's command line, with and without a sub-command."""

import subprocess
import sys
from pathlib import Path

import pytest

from twisted_pypi.command.pypi_server import main, said_by, settings_of
from twisted_pypi.command.twisted_pypi import main as twisted_pypi
from twisted_pypi.config import Config
from twisted_pypi.distributions import normalize
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.table import SETTINGS, UPDATE
from twisted_pypi.options.update_choices import UpdateChoices

HOME = Path.home()


def config(*argv: str, **environ: str) -> Config:
    return settings_of(argv, environ, "pypi-server")


@pytest.mark.parametrize(
    ("argv", "environ", "roots"),
    [
        ([], {}, (f"{HOME}/packages",)),
        (["run"], {}, (f"{HOME}/packages",)),
        (["run", "/a", "/b"], {}, ("/a", "/b")),
        (["-p", "80", "/a"], {}, ("/a",)),
        (["/a", "-o"], {}, ("/a",)),
        (["-v", "--log-stream", "stdout", "run", "/a"], {}, ("/a",)),
        (["-r", "/a"], {}, ("/a",)),
        (["run", "-r", "/a", "/b"], {}, ("/a", "/b")),
        ([], {"PYPI_ROOT": "/pypi"}, ("/pypi",)),
        (["run"], {"PYPI_ROOT": "/pypi"}, ("/pypi",)),
        (["run", "/a"], {"PYPI_ROOT": "/pypi"}, ("/a",)),
        (["run", "run"], {}, (str(Path.cwd() / "run"),)),
    ],
)
def test_the_folders(argv: list[str], environ: dict[str, str], roots: tuple[str, ...]) -> None:
    assert config(*argv, **environ).roots == roots


def test_every_flag_of_the_old_command_line_is_taken() -> None:
    line = (
        "run -p 8081 -i 127.0.0.1 -a update,list -P /p/.htpasswd -o --disable-fallback --health-endpoint /ok "
        "--fallback-url http://index.example.com/ --cache-control 60 --server-base-url /x --hash-algo md5 "
        "--backend cached-dir --server gunicorn -v --log-file /l --log-stream stdout --log-frmt a "
        "--log-req-frmt b --log-res-frmt c --log-err-frmt d --welcome FILE /p"
    )
    found = config(*line.replace("FILE", __file__).split())
    assert (found.port, found.interface, found.server_base_url, found.roots) == (8081, "127.0.0.1", "/x", ("/p",))
    assert len(found.notes) == 6


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["update", "/no/such"], 2, "pypi-server: /no/such is not there: expected a folder of packages."),
        (["-U", "-x", "-u", "--strict", "/no/such"], 2, "/no/such is not there"),
        (["update", "-d", "/no/such", str(Path(__file__).parent)], 2, "/no/such is not there"),
        (["update", "--blacklist-file", __file__, "/no/such"], 2, f"the list of ignored projects {__file__} cannot be"),
        (["update", "--ignorelist-file", "/no/such"], 2, "--ignorelist-file '/no/such' cannot be used"),
        (["run", "-x"], 2, "-x only goes with update"),
        (["-x"], 2, "-x only goes with update"),
        (["-a", "foo"], 2, "-a 'foo' cannot be used: expected any of update, download and list"),
        (["-a", "."], 1, "-P ."),
        (["-P", "."], 1, "-a ."),
        (["--hlep"], 2, "--hlep is not an option that is known here: perhaps --help"),
    ],
)
def test_one_sentence_and_an_exit_code(
    argv: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert words in said.err


@pytest.mark.parametrize(
    ("argv", "choices"),
    [
        (["update", "/a"], UpdateChoices()),
        (["-U", "/a"], UpdateChoices()),
        (["update", "-x", "/a", "-u", "--strict"], UpdateChoices(execute=True, unstable=True, strict=True)),
        (["-U", "-d", "/d", "/a"], UpdateChoices(folder="/d")),
    ],
)
def test_what_is_asked_of_an_update(argv: list[str], choices: UpdateChoices) -> None:
    config, found = said_by(argv, {}, "pypi-server")
    assert (config.roots, found) == (("/a",), choices)
    with pytest.raises(BadSetting, match="an update is no server"):
        settings_of(argv, {}, "pypi-server")


def test_rules_do_not_keep_an_update_from_starting(tmp_path: Path) -> None:
    (tmp_path / ".rules.toml").write_text("")
    config, _ = said_by(["update", str(tmp_path)], {}, "pypi-server")
    assert config.rules == str(tmp_path / ".rules.toml")


def test_the_list_of_ignored_projects(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# ours\nAcme.Core  # and why\n\n  other-*\n")
    _, choices = said_by(["update", "--ignorelist-file", str(tmp_path / "list"), "/a"], {}, "pypi-server")
    assert choices is not None
    assert choices.ignored.match(normalize("acme-core")) == "Acme.Core"
    assert choices.ignored.match(normalize("other_one")) == "other-*"
    assert choices.ignored.match(normalize("acme")) is None


def test_the_help_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "-h"])
    said = capsys.readouterr()
    assert (ended.value.code, said.err) == (0, "")
    for setting in SETTINGS + UPDATE:
        assert all(flag in said.out for flag in setting.flags)


@pytest.mark.parametrize("command", ["pypi-server", "twisted-pypi"])
def test_the_installed_commands(command: str) -> None:
    program = Path(sys.executable).with_name(command)
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    assert said.stdout.startswith("twisted_pypi ")


def test_an_unknown_command_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        twisted_pypi(["serve"])
    assert (ended.value.code, capsys.readouterr().err.count("\n")) == (2, 1)
    twisted_pypi([])
    assert "  run [options]" in capsys.readouterr().out


def test_a_mistyped_sub_command_is_no_folder() -> None:
    with pytest.raises(BadSetting, match="'udpate' is no sub-command and no folder"):
        settings_of(["udpate", "/pypi"], {}, "pypi-server")
