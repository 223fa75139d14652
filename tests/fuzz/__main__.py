"""Fuzzes every target, and says what was reached: ``python -m tests.fuzz [SECONDS]``; a minute each by default.

Inputs that reach something new are kept in ``build/fuzz``; one that fails is
written there as well, and its name printed.  Needs the extra ``fuzz``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
FOUND = Path("build/fuzz")
SECONDS = 60
LONGEST_INPUT = 4096
"""Bytes: enough for every shape, and quick."""
LONGEST_RUN = 5
"""Seconds after which an input counts as a hang."""
MOST_MEMORY = 1024
"""MiB."""


def fuzz(target: str, seconds: int) -> int:
    """Fuzz one target in a process of its own, then measure it; return the first exit code that is not 0."""
    found = FOUND / target
    found.mkdir(parents=True, exist_ok=True)
    folders = (found, CORPUS / target)
    limits = (
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={LONGEST_RUN}",
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-artifact_prefix={FOUND}/{target}-",
        "-print_final_stats=1",
        "-verbosity=0",
    )
    commands = (
        (sys.executable, "-m", "tests.fuzz.run", target, *limits, *folders),
        (sys.executable, "-m", "tests.fuzz.measure", target, *folders),
    )
    return next((code for each in commands if (code := subprocess.run(each, check=False).returncode)), 0)


def main(arguments: list[str]) -> int:
    """Fuzz every target, and return 0 when all is well."""
    seconds = int(arguments[0]) if arguments else SECONDS
    return max([fuzz(target, seconds) for target in TARGETS])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
