"""The options for those who are told of what happens."""

from twisted_pypi.config import Config
from twisted_pypi.options import Options

HOOKS = ("https://a.example.com/1", "http://b.example.com/2")


def config(*argv: str, **environ: str) -> Config:
    options = Options(environ)
    options.parseOptions(["--root", "/pypi", *argv])
    return options.config


def test_webhooks_are_several_by_any_of_their_names() -> None:
    assert config("--webhook", HOOKS[0], "--webhook", HOOKS[1]).webhooks == HOOKS
    assert config(PYPI_WEBHOOK=f"{HOOKS[0]}, {HOOKS[1]}").webhooks == HOOKS


def test_a_login_of_a_webhook_is_not_shown() -> None:
    assert "me:hidden" not in repr(config("--webhook", "https://me:hidden@a.example.com/"))
