"""Every option, by its flags and by its variables: what it takes, and what it says when it cannot take it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.config import Action, Attestations, Config, Fallback, LogFormat, UploadChecks, Watch
from twisted_pypi.options import Options
from twisted_pypi.options.setting import Kind, Setting
from twisted_pypi.options.table import SETTINGS

HERE = str(Path.cwd())
BY_NAME = {setting.name: setting for setting in SETTINGS}


def config(*argv: str, **environ: str) -> Config:
    options = Options(environ)
    options.parseOptions(["--root", "/pypi", *argv])
    return options.config


def refusal(capsys: pytest.CaptureFixture[str], *argv: str, **environ: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        config(*argv, **environ)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("twistd pypi: ")
    assert said.err.count("\n") == 1
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.err.removeprefix("twistd pypi: ").rstrip("\n")


GOOD: list[tuple[str, str, Any]] = [
    ("state_dir", "/var/state", "/var/state"),
    ("state_dir", "state/../here", f"{HERE}/here"),
    ("state_dir", "~/state", os.path.expanduser("~/state")),  # noqa: PTH111  # the very thing that is promised
    ("watch", "poll", Watch.POLL),
    ("watch", "OFF", Watch.OFF),
    ("tls_cert", "/etc/tls/cert.pem", "/etc/tls/cert.pem"),
    ("rescan", "60", 60.0),
    ("rescan", "1.5", 1.5),
    ("rescan", "90s", 90.0),
    ("rescan", "5m", 300.0),
    ("rescan", "2 H", 7200.0),
    ("port", "0", 0),
    ("port", "65535", 65535),
    ("interface", "127.0.0.1", "127.0.0.1"),
    ("interface", "::", "::"),
    ("interface", "localhost", "localhost"),
    ("listen", "tcp:8080", ("tcp:8080",)),
    ("listen", "unix:/run/pypi.sock", ("unix:/run/pypi.sock",)),
    ("server_base_url", "/", ""),
    ("server_base_url", "/a/b/", "/a/b"),
    ("server_base_url", "mirror", "/mirror"),
    ("public_url", "https://index.example.com/", "https://index.example.com"),
    ("public_url", "http://[::1]:8080/base", "http://[::1]:8080/base"),
    ("trusted_proxies", "10.0.0.0/8", ("10.0.0.0/8",)),
    ("trusted_proxies", "10.1.2.3/8, nginx fd00::/8", ("10.0.0.0/8", "nginx", "fd00::/8")),
    ("trusted_proxies", "192.168.0.7", ("192.168.0.7",)),
    ("trusted_proxies", "none", ()),
    ("authenticate", "Update,DOWNLOAD", frozenset({Action.UPDATE, Action.DOWNLOAD})),
    ("authenticate", "list update", frozenset({Action.UPDATE, Action.LIST})),
    ("password_file", "/pypi/.htpasswd", "/pypi/.htpasswd"),
    ("password_file", "users", f"{HERE}/users"),
    ("admins", "anna, bert", frozenset({"anna", "bert"})),
    ("max_upload_size", "500M", 500 * 1024**2),
    ("max_upload_size", "2GB", 2 * 1024**3),
    ("max_upload_size", "1.5 GiB", 3 * 1024**3 // 2),
    ("max_upload_size", "1000", 1000),
    ("max_upload_size", "off", None),
    ("max_uploads", "1", 1),
    ("workers", "64", 64),
    ("upload_checks", "strict", UploadChecks.STRICT),
    ("upload_checks", "NAMES", UploadChecks.NAMES),
    ("attestations", "off", Attestations.OFF),
    ("attestations", "keep", Attestations.KEEP),
    ("attestations", "verify", Attestations.VERIFY),
    ("attestations", "require", Attestations.REQUIRE),
    ("fallback", "off", Fallback.OFF),
    ("fallback", "redirect", Fallback.REDIRECT),
    ("fallback", "Proxy", Fallback.PROXY),
    ("fallback_url", "http://index.example.com/simple/", "http://index.example.com/simple"),
    ("private", "acme-*, tools", ("acme-*", "tools")),
    ("upstreams", "https://index.example.com/simple/", ("https://index.example.com/simple",)),
    ("upstreams", "https://me:secret@index.example.com/s", ("https://me:secret@index.example.com/s",)),
    ("upstream_netrc", __file__, __file__),
    ("upstream_ca", __file__, __file__),
    ("cache_size", "50GB", 50 * 1024**3),
    ("cache_size", "off", None),
    ("merge", "Some.Name other", ("some-name", "other")),
    ("update_every", "1d", 86400.0),
    ("update_all_files", "all", True),
    ("update_all_files", "same", False),
    ("update_keep", "3", 3),
    ("health_endpoint", "/healthz", "/healthz"),
    ("welcome", __file__, __file__),
    ("cache_control", "0", 0),
    ("cache_control", "3600", 3600),
    ("cache_control", "1h", 3600),
    ("page_cache", "64M", 64 << 20),
    ("page_cache", "off", 0),
    ("hash_algo", "MD5", "md5"),
    ("hash_algo", "off", None),
    ("log_file", "/var/log/pypi.log", "/var/log/pypi.log"),
    ("log_stream", "stdout", "stdout"),
    ("metrics_listen", "9464", "tcp:9464"),
    ("metrics_listen", "127.0.0.1:9464", "tcp:9464:interface=127.0.0.1"),
    ("metrics_listen", "[::1]:0", r"tcp6:0:interface=\:\:1"),
    ("metrics_listen", "unix:/run/figures.sock", "unix:/run/figures.sock"),
    ("metrics_listen", "off", None),
    ("log_format", "json", LogFormat.JSON),
    ("log_format", "Text", LogFormat.TEXT),
    ("access_log", "-", "-"),
    ("access_log", "off", "off"),
    ("access_log", "/var/log/access", "/var/log/access"),
    ("audit_log", "/var/log/audit.jsonl", "/var/log/audit.jsonl"),
    ("webhooks", "https://me:secret@hooks.example.com/x?a=b", ("https://me:secret@hooks.example.com/x?a=b",)),
    ("webhook_secret_file", __file__, __file__),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_value_is_read_from_every_flag_and_every_variable(name: str, text: str, value: Any) -> None:
    setting = BY_NAME[name]
    for flag in setting.flags:
        assert getattr(config(flag, text), name) == value
        assert getattr(config(f"{flag}={text}" if flag.startswith("--") else f"{flag}{text}"), name) == value
    for variable in setting.variables:
        assert getattr(config(**{variable: text}), name) == value


def test_no_option_with_a_value_is_left_out_of_the_tables() -> None:
    with_value = {each.name for each in SETTINGS if each.field and each.kind in {Kind.ONE, Kind.MANY}}
    assert {name for name, _, _ in GOOD} == with_value - {"roots", "rules", "tls_key", "redirect_http"}
    every = {each.name for each in SETTINGS if each.kind in {Kind.ONE, Kind.MANY}}
    assert {name for name, _ in BAD} == every - {"admins"}, "any text is a list of users"


BAD: list[tuple[str, str]] = [
    *(("roots", each) for each in ("", "\0")),
    ("state_dir", ""),
    *((name, each) for name in ("tls_cert", "tls_key") for each in ("", "\0")),
    *(("redirect_http", each) for each in ("-1", "65536", "http", "")),
    ("watch", "sometimes"),
    *(("rescan", each) for each in ("0", "-1", "often", "1w", "9" * 400, "")),
    *(("port", each) for each in ("abc", "65536", "80.0", "٨٠", "")),
    *(("interface", each) for each in ("two words", "-", "a/b", "")),
    *(("listen", each) for each in ("8080", "foo:1", "tcp:abc", "tcp:80:no=1", "ssl:443:privateKey=/nope", "")),
    *(("server_base_url", each) for each in ("http://index.example.com/", "/a b", "/a//b", "/../b", "/a?b")),
    *(("public_url", each) for each in ("index.example.com", "ftp://index.example.com", "http://", "http://a:0x/", "")),
    *(("trusted_proxies", each) for each in ("10.0.0.0/33", "1.2.3", "a_b/c", "", "*")),
    *(("authenticate", each) for each in ("foo", "update,foo", ". update")),
    *(("password_file", each) for each in ("", "\0")),
    *(("max_upload_size", each) for each in ("big", "-1", "1X", "")),
    *(("max_uploads", each) for each in ("0", "-1", "many", "")),
    *(("workers", each) for each in ("0", "-1", "65", "auto", "")),
    *(("upload_checks", each) for each in ("none", "", "off")),
    *(("attestations", each) for each in ("yes", "", "verified")),
    *(("fallback", each) for each in ("maybe", "")),
    *(("page_cache", each) for each in ("", "some", "-1")),
    *(("private", each) for each in ("", "a b/c", "acme *;x")),
    *(("upstreams", each) for each in ("", "index.example.com", "ftp://index.example.com")),
    *(("upstream_netrc", each) for each in ("", "/not/there")),
    *(("upstream_ca", each) for each in ("", "/not/there")),
    *(("cache_size", each) for each in ("", "much", "-1")),
    *(("merge", each) for each in ("", "a/b", "_")),
    *(("rules", each) for each in ("", "\0")),
    *(("update_every", each) for each in ("", "0", "daily")),
    *(("update_all_files", each) for each in ("", "some")),
    *(("update_keep", each) for each in ("", "0", "all")),
    *(
        ("fallback_url", each)
        for each in ("index.example.com", "http://a b/", "http://index.example.com/?a", "http://[")
    ),
    *(("health_endpoint", each) for each in ("health", "/", "/a b", "//a", "/a?b")),
    ("welcome", "/no/such/file"),
    *(("cache_control", each) for each in ("-1", "soon", "")),
    *(("hash_algo", each) for each in ("sha257", "shake_128", "")),
    ("log_file", ""),
    *(("log_stream", each) for each in ("stdin", "")),
    *(("metrics_listen", each) for each in ("", "70000", "[::z]:80", "index.example.com:80")),
    *(("log_format", each) for each in ("", "xml")),
    *(("access_log", each) for each in ("", "\0")),
    *(("audit_log", each) for each in ("", "\0")),
    *(
        ("webhooks", each)
        for each in ("hooks.example.com", "http://", "ftp://a/b", "http://a/#b", "http://[", 'http://a/"')
    ),
    *(("webhook_secret_file", each) for each in ("", "/not/there")),
    *((name, "") for name in ("backend", "server", "log_frmt", "log_req_frmt", "log_res_frmt", "log_err_frmt")),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_wrong_value_is_refused_in_one_sentence(name: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    setting = BY_NAME[name]
    shown = "(its value is not shown)" if setting.secret else repr(text)
    for flag in setting.flags:
        argv = (f"{flag}={text}",) if flag.startswith("--") else (flag, text)
        if text.startswith("-") and not flag.startswith("--"):
            continue
        code, sentence = refusal(capsys, *argv)
        assert (code, sentence.startswith(f"{flag} {shown} cannot be used: ")) == (2, True)
        assert "expected" in sentence
    for variable in setting.variables:
        if text.strip() and setting.split != BY_NAME["roots"].split:
            code, sentence = refusal(capsys, **{variable: text})
            assert (code, sentence.startswith(f"{variable} {shown} cannot be used: ")) == (2, True)


@pytest.mark.parametrize("name", ["follow_links", "overwrite"])
@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("True", True), ("yes", True), ("on", True), ("0", False), ("FALSE", False)]
)
def test_switches(name: str, text: str, value: bool) -> None:
    setting = BY_NAME[name]
    for variable in setting.variables:
        assert getattr(config(**{variable: text}), name) is value
        assert getattr(config(*setting.off_flags, **{variable: text}), name) is False
    for flag in setting.flags:
        assert getattr(config(flag), name) is True


@pytest.mark.parametrize("setting", [each for each in SETTINGS if each.kind is Kind.SWITCH], ids=lambda each: each.name)
def test_a_switch_that_is_neither_on_nor_off(setting: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    for variable in setting.variables:
        said = refusal(capsys, **{variable: "maybe"})
        assert said == (2, f"{variable} 'maybe' cannot be used: expected true or false.")


def test_the_fallback_can_be_switched_off_either_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert config("--disable-fallback").fallback is Fallback.OFF
    assert config(PYPI_DISABLE_FALLBACK="true").fallback is Fallback.OFF
    assert config(PYPI_DISABLE_FALLBACK="false").fallback is Fallback.REDIRECT
    assert config("--disable-fallback", PYPI_FALLBACK="redirect").fallback is Fallback.OFF
    code, sentence = refusal(capsys, "--disable-fallback", "--fallback", "redirect")
    assert code == 1
    assert "--disable-fallback and --fallback redirect contradict each other" in sentence


def test_verbosity_counts() -> None:
    assert [config(*argv).verbosity for argv in ([], ["-v"], ["-vv"], ["-v", "--verbose", "-v"])] == [0, 1, 2, 3]
    assert config(PYPI_VERBOSE="2").verbosity == 2


def test_what_may_be_repeated() -> None:
    assert config("-r", "/a", "/b", "--root=/pypi").roots == ("/pypi", "/a", "/b")
    assert config("--listen=tcp:1", "--listen", "tcp:2").listen == ("tcp:1", "tcp:2")
    assert config("--trusted-proxy", "10.0.0.1", "--trusted-proxy", "b").trusted_proxies == ("10.0.0.1", "b")
    assert config(PYPI_LISTEN="tcp:1 tcp:2").listen == ("tcp:1", "tcp:2")
    options = Options({"PYPI_ROOT": "/a:/b"})
    options.parseOptions([])
    assert options.config.roots == ("/a", "/b")


def test_a_kubernetes_service_named_pypi(capsys: pytest.CaptureFixture[str]) -> None:
    _, sentence = refusal(capsys, PYPI_PORT="tcp://10.0.0.1:80")
    assert "enableServiceLinks" in sentence


@given(st.text(), st.sampled_from([each for each in SETTINGS if each.parse is not BY_NAME["listen"].parse]))
def test_no_text_breaks_a_parser(text: str, setting: Setting) -> None:
    with suppress(ValueError):
        setting.parse(text)


def test_a_rules_file_needs_a_fallback_that_it_can_bite_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(tmp_path)
    assert config("--rules", "/etc/rules.toml", "--fallback", "proxy").rules == "/etc/rules.toml"
    code, said = refusal(capsys, "--rules", "/etc/rules.toml")
    assert code == 2
    assert "/etc/rules.toml cannot bite" in said
    (tmp_path / ".rules.toml").write_text("")
    options = Options({})
    options.parseOptions(["--root", root, "--disable-fallback"])
    assert options.config.rules == f"{root}/.rules.toml"
    with pytest.raises(SystemExit) as ended:
        Options({}).parseOptions(["--root", root])
    assert ended.value.code == 2
    assert "--fallback redirect is in force" in capsys.readouterr().err


def test_what_is_private_is_not_merged(capsys: pytest.CaptureFixture[str]) -> None:
    assert config("--private", "acme-*", "--merge", "Tools").merge == ("tools",)
    code, said = refusal(capsys, "--private", "acme-*", "--merge", "Acme.Core")
    assert code == 2
    assert said.startswith("--merge acme-core and --private acme-* contradict each other")


def test_rules_that_cannot_be_seen_are_not_taken_for_none(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    options = Options({})
    options.parseOptions(["--root", str(loop), "--fallback", "proxy"])
    assert options.config.rules == f"{loop}/.rules.toml"
    options = Options({})
    options.parseOptions(["--root", str(loop)])
    assert options.config.rules is None
