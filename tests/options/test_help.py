"""Is everything that can be set also said?"""

import subprocess
import sys
from pathlib import Path

import pytest

from twisted_pypi.options import Options
from twisted_pypi.options.reference import page
from twisted_pypi.options.table import SETTINGS, UPDATE

PROJECT = Path(__file__).parent.parent.parent


def test_the_help_names_every_option_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Options({}).parseOptions(["--help"])
    text = capsys.readouterr().out
    assert not ended.value.code
    for setting in SETTINGS:
        assert all(flag in text for flag in (*setting.flags, *setting.off_flags))
        assert setting.variables[0] in text
        assert setting.group.value in text


def test_the_page_is_in_step() -> None:
    assert (PROJECT / "docs" / "options.md").read_text() == page(), (
        "run python -m twisted_pypi.options > docs/options.md"
    )


def test_the_page_names_every_option_and_variable() -> None:
    text = page()
    for setting in SETTINGS + UPDATE:
        assert all(each in text for each in (*setting.flags, *setting.off_flags, *setting.variables))


def test_no_flag_and_no_variable_means_two_things() -> None:
    flags = [flag for setting in SETTINGS + UPDATE for flag in (*setting.flags, *setting.off_flags)]
    variables = [variable for setting in SETTINGS for variable in setting.variables]
    assert len(flags) == len(set(flags))
    assert len(variables) == len(set(variables))


def test_every_option_has_its_variable() -> None:
    for setting in SETTINGS:
        long = [flag for flag in setting.flags if flag.startswith("--")]
        assert {f"PYPI_{flag[2:].replace('-', '_').upper()}" for flag in long} <= set(setting.variables)


def test_reading_options_leaves_the_choice_of_a_reactor_open() -> None:
    code = "import sys, twisted_pypi.options; sys.exit('twisted.internet.reactor' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=PROJECT).returncode == 0
