"""Runs inputs once and says which lines they reach: ``python -m tests.fuzz.measure TARGET FOLDER...``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import coverage

LEAST = 90.0
"""Percent of the lines of each file that the inputs have to reach."""
MEASURED = {"form": "*/twisted_pypi/upload_form.py", "metadata": "*/twisted_pypi/core_metadata/*"}
"""The files that a target is about."""


def measure(target: str, folders: Iterable[Path]) -> dict[str, tuple[float, str]]:
    """Return, of each file by its path, how many percent of its lines the inputs reach, and which lines they do not."""
    measured = coverage.Coverage(data_file=None, include=[MEASURED[target]], config_file=False)
    measured.start()
    from tests.fuzz.targets import TARGETS  # its imports are to be measured

    for input_ in sorted(each for folder in folders for each in folder.iterdir()):
        TARGETS[target](input_.read_bytes())
    measured.stop()
    reached = {}
    for file in sorted(measured.get_data().measured_files()):
        _, statements, _, missing, shown = measured.analysis2(file)
        path = file[file.rindex("/twisted_pypi/") + 1 :]
        reached[path] = 100.0 * (1 - len(missing) / max(1, len(statements))), shown
    return reached


def main(target: str, *folders: str) -> int:
    """Print what is reached; return 1 when it is too little."""
    reached = measure(target, map(Path, folders))
    for path, (percent, missing) in reached.items():
        print(f"{percent:6.1f} %  {path}  {f'not lines {missing}' if missing else ''}")  # noqa: T201  # its purpose
    return int(min(percent for percent, _ in reached.values()) < LEAST)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
