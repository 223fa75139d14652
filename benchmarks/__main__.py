"""All benchmarks, one after the other: ``python -m benchmarks``; some of them: ``python -m benchmarks NAME...``."""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks.machine import describe

PARTS = (
    "beside_nginx", "beside_python", "big_files", "small_uploads", "arrivals", "crowds", "growth", "workers",
    "scan", "restart", "pages", "uploads", "standards", "installations", "updating", "mirror",
)  # fmt: skip
"""Modules of this package with a ``measure``, in the order in which they are run."""

LAST = "performance"
"""What makes tables and charts of all that was measured."""


def main(wanted: list[str]) -> int | str:
    """Run the benchmarks that are named, or all of them; return the exit code, or what is wrong."""
    unknown = [name for name in wanted if name not in {*PARTS, LAST}]
    if unknown:
        return f"there is no benchmark {unknown[0]}; expected some of {', '.join((*PARTS, LAST))}"
    if wanted != [LAST]:
        describe()
    for name in wanted or PARTS:
        import_module(f"benchmarks.{name}").measure()
    if not wanted:
        import_module(f"benchmarks.{LAST}").measure()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
