"""Runs twistd with each ``fsync`` written down: one byte a call in the file that the first argument names."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from twisted.scripts.twistd import run


def counted(function: Callable[[int], None], count: int) -> Callable[[int], None]:
    """Wrap ``os.fsync`` or ``os.fdatasync``."""

    def call(descriptor: int) -> None:
        os.write(count, b".")
        function(descriptor)

    return call


if __name__ == "__main__":
    written = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fsync = counted(os.fsync, written)  # type: ignore[assignment]  # the parameter is called otherwise
    os.fdatasync = counted(os.fdatasync, written)  # type: ignore[assignment]  # the parameter is called otherwise
    run()
