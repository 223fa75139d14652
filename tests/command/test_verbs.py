"""The table of what ``twisted-pypi`` can do, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twisted_pypi.command.twisted_pypi import main
from twisted_pypi.command.verbs import VERBS, Verb, handler_of, usage


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_there_and_has_help(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(handler_of(verb))
    code, out, err = said(capsys, verb.name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: twisted-pypi {verb.name}")


def test_the_usage_names_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "--help")
    assert (code, out, err) == (0, usage(), "")
    assert said(capsys) == (0, usage(), "")
    assert all(f"  {verb.name} {verb.words}  " in out and verb.summary in out for verb in VERBS)
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["ynak"], 2, "twisted-pypi: 'ynak' is no command: did you mean yank?\n"),
        (["frobnicate"], 2, "twisted-pypi: 'frobnicate' is no command: expected one of run, "),
        (["own", "a b"], 2, "twisted-pypi own: 'a b' is not the name of a project.\n"),
    ],
)
def test_what_is_not_understood_is_said(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = said(capsys, *words)
    assert (found, out) == (code, "")
    assert err.startswith(message)


def test_the_table_imports_nothing_that_it_names(tmp_path: Path) -> None:
    program = (
        "import sys; from twisted_pypi.command.twisted_pypi import main; main(['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('passlib', 'twisted_pypi.storage', 'twisted.web'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env=dict(os.environ)
    )
    assert done.stdout.splitlines()[-1] == "[]"
