"""Runs twistd with no request head remembered: every request goes through the parser and the resource tree."""

from __future__ import annotations

from twisted.scripts.twistd import run

from twisted_pypi.web.hot import HotAnswers


def forget(*_: object, **__: object) -> None:
    """Remember nothing."""


if __name__ == "__main__":
    HotAnswers.remember = forget  # type: ignore[method-assign]  # that is what it is for
    run()
