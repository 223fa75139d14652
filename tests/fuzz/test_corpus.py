"""The inputs that fuzzing found, run once more, and that they still reach what they should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.measure import LEAST
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
LARGEST = 300_000
"""Bytes that the inputs may have together."""


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_fails_and_most_is_reached(target: str) -> None:
    # In a process of its own: what is imported here already would not be measured.
    measuring = (sys.executable, "-m", "tests.fuzz.measure", target, CORPUS / target)
    done = subprocess.run(measuring, capture_output=True, text=True, cwd=CORPUS.parents[2], check=False)
    assert done.returncode == 0, f"an input fails, or less than {LEAST} % are reached:\n{done.stdout}{done.stderr}"


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < LARGEST
