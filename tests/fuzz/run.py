"""Fuzzes one target: ``python -m tests.fuzz.run TARGET [options of libFuzzer]``; does not return."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["twisted_pypi", "multipart"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()
