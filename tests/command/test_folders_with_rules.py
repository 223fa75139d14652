"""Commands that look at the folders of a server do not ask what it does with projects that are not there."""

import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from twisted_pypi.command.twisted_pypi import main; main()"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recalls"], "Nothing that is kept here was taken back."),
        (["own", "--show", "beta"], "beta is an upstream index's"),
        (["why", "beta"], "beta is the upstream's"),
    ],
)
def test_rules_do_not_keep_a_command_from_looking(words: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / ".rules.toml").write_text('min-age = "7d"\n')
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words, "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": str(tmp_path.parent)},
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert said in done.stdout
