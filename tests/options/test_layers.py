"""Which of several places wins, what is contradictory, and what is noted."""

from pathlib import Path

import pytest

from twisted_pypi.config import Action, Config
from twisted_pypi.options import Options


def config(*argv: str, **environ: str) -> Config:
    options = Options(environ)
    options.parseOptions(argv)
    return options.config


def refusal(capsys: pytest.CaptureFixture[str], *argv: str, **environ: str) -> tuple[int | str | None, str]:
    with pytest.raises(SystemExit) as ended:
        config(*argv, **environ)
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return ended.value.code, said.err.strip()


@pytest.mark.parametrize(
    ("argv", "environ", "port"),
    [
        ([], {}, 8080),
        ([], {"PYPI_PORT": "1"}, 1),
        ([], {"PYPI_PORT": "1", "PYPI_EXTRA": "-p 2"}, 2),
        (["--port", "3"], {"PYPI_PORT": "1", "PYPI_EXTRA": "-p 2"}, 3),
        (["--port", "3"], {"PYPI_PORT": "1"}, 3),
        (["-p", "3", "-p", "4"], {}, 4),
        ([], {"PYPI_PORT": ""}, 8080),
        ([], {"PYPI_EXTRA": ""}, 8080),
    ],
)
def test_the_command_line_beats_the_extra_beats_the_variables(
    argv: list[str], environ: dict[str, str], port: int
) -> None:
    assert config("/pypi", *argv, **environ).port == port


def test_a_higher_place_replaces_a_list() -> None:
    assert config("/b", PYPI_ROOT="/a").roots == ("/b",)
    assert config(PYPI_ROOT="/a", PYPI_EXTRA="'/b c' -o").roots == ("/b c",)
    assert config(PYPI_ROOT="/a", PYPI_EXTRA="-o").roots == ("/a",)


def test_operands_stand_anywhere() -> None:
    assert config("/a", "-o", "/b", "-p", "1", "/c").roots == ("/a", "/b", "/c")
    assert config("--", "-a", "/b").roots == (str(Path.cwd() / "-a"), "/b")
    assert config("/a", "/b", "/a/").roots == ("/a", "/b")


def test_the_first_of_several_variables_counts() -> None:
    found = config("/pypi", PYPI_PASSWORD_FILE="/mine", PYPI_PASSWD_FILE="/pypi/.htpasswd").password_file
    assert found == "/mine"


def test_everything_in_the_extra_works_as_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    found = config(PYPI_ROOT="/pypi", PYPI_EXTRA="--overwrite -a 'update list' --cache-control 60 -vv")
    assert (found.overwrite, found.cache_control, found.verbosity) == (True, 60, 2)
    assert found.authenticate == {Action.UPDATE, Action.LIST}
    code, sentence = refusal(capsys, PYPI_ROOT="/pypi", PYPI_EXTRA="--port x")
    assert (code, "--port (in PYPI_EXTRA) 'x' cannot be used" in sentence) == (2, True)
    code, sentence = refusal(capsys, PYPI_ROOT="/pypi", PYPI_EXTRA="--welcome 'it")
    assert (code, "matching quotes" in sentence) == (2, True)


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["-a", ".", "-P", "."], {}),
        (["--authenticate=.", "--password-file=."], {}),
        ([], {"PYPI_AUTHENTICATE": ".", "PYPI_PASSWD_FILE": "."}),
        ([], {"PYPI_AUTHENTICATE": "", "PYPI_PASSWD_FILE": "."}),
        (["-a", "."], {"PYPI_PASSWD_FILE": "."}),
        ([], {"PYPI_PASSWD_FILE": "/pypi/.htpasswd", "PYPI_EXTRA": "-a . -P ."}),
    ],
)
def test_an_open_server_must_be_asked_for_twice(argv: list[str], environ: dict[str, str]) -> None:
    found = config("/pypi", *argv, **environ)
    assert (found.authenticate, found.password_file) == (frozenset(), None)


@pytest.mark.parametrize(
    ("argv", "environ", "words"),
    [
        (["-a", "."], {}, ["-a '.'", "-P . (PYPI_PASSWD_FILE=.)"]),
        (["-a", ""], {}, ["-a ''", "-P . (PYPI_PASSWD_FILE=.)"]),
        (["-P", "."], {}, ["-P '.'", "-a . (PYPI_AUTHENTICATE=.)"]),
        ([], {"PYPI_AUTHENTICATE": ".", "PYPI_PASSWD_FILE": "/f"}, ["PYPI_AUTHENTICATE '.'", "PYPI_PASSWD_FILE=."]),
        ([], {"PYPI_AUTHENTICATE": "", "PYPI_PASSWD_FILE": "/f"}, ["PYPI_AUTHENTICATE ''"]),
        (["-a", "list"], {"PYPI_PASSWD_FILE": "."}, ["PYPI_PASSWD_FILE '.'", "-a . (PYPI_AUTHENTICATE=.)"]),
    ],
)
def test_an_open_server_is_never_an_accident(
    argv: list[str], environ: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, sentence = refusal(capsys, "/pypi", *argv, **environ)
    assert code == 1
    assert all(word in sentence for word in words)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ([], "twistd pypi: --root is missing: expected the folder to serve, here or in PYPI_ROOT."),
        (["--prot", "1"], "perhaps --"),
        (["--overwrit"], "--overwrit is not an option that is known here: perhaps --overwrite"),
        (["-x"], "-x is not an option that is known here: "),
        (["--port"], "--port needs a value: expected a number from 0 to 65535."),
        (["-p"], "--port needs a value: expected a number from 0 to 65535."),
        (["--overwrite=1"], "--overwrite takes no value."),
        ([""], "'' cannot be served: expected the path of a folder."),
    ],
)
def test_a_command_line_that_cannot_be_read(argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refusal(capsys, *argv)
    assert (code, sentence in said) == (2, True)


@pytest.mark.parametrize(
    ("argv", "environ", "word"),
    [
        (["--hash-algo", "off"], {}, "--hash-algo off: sha256 stays"),
        ([], {"PYPI_HASH_ALGO": "0"}, "PYPI_HASH_ALGO 0: sha256 stays"),
        (["--backend", "cached-dir"], {}, "--backend cached-dir: there is nothing to choose"),
        (["--server", "gunicorn"], {}, "--server gunicorn: there is nothing to choose"),
        (["--log-frmt", "%(msg)s"], {}, "--log-frmt: format strings have no effect"),
        (["--log-req-frmt", "x"], {}, "--log-req-frmt: "),
        (["--log-res-frmt", "x"], {}, "--log-res-frmt: "),
        (["--log-err-frmt", "x"], {}, "--log-err-frmt: "),
        ([], {"PYPI_OVERWRITE": "false"}, "PYPI_OVERWRITE=false is read as off; the old image took any text"),
        (
            [],
            {"PYPI_AUTENTICATE": "list"},
            "PYPI_AUTENTICATE is not known and has no effect: perhaps PYPI_AUTHENTICATE",
        ),
    ],
)
def test_one_note_for_what_has_another_effect_than_before(argv: list[str], environ: dict[str, str], word: str) -> None:
    (note,) = config("/pypi", *argv, **environ).notes
    assert word in note


def test_no_notes_without_a_reason() -> None:
    environ = {"PYPI_OVERWRITE": "true", "PYPI_SERVICE_HOST": "10.0.0.1", "PYPI_PORT_80_TCP": "tcp://x", "PATH": ""}
    assert config("/pypi", "--no-overwrite", "--hash-algo", "sha512", **environ).notes == ()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--tls-key", "/key"], "--tls-key is the key of a certificate: expected its file too, with --tls-cert."),
        (["--redirect-http", "80"], "--redirect-http sends clients on to an https address, and there is none"),
        (["--redirect-http", "80", "--public-url", "http://index.example.com"], "--redirect-http sends clients on"),
    ],
)
def test_what_needs_a_certificate(capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    code, sentence = refusal(capsys, "/pypi", *argv)
    assert code == 1
    assert said in sentence


@pytest.mark.parametrize(
    "argv",
    [["--tls-cert", "/cert"], ["--public-url", "https://index.example.com"]],
)
def test_what_clients_can_be_sent_on_to(argv: list[str]) -> None:
    assert config("/pypi", "--redirect-http", "80", *argv).redirect_http == 80
