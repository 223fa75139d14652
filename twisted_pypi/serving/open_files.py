"""How many connections and files the process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress

MOST = 1 << 20
"""As many as the kernel takes by default."""


def raise_limit() -> int:
    """Have as many files and sockets open as the system allows this process, and return how many that are.

    Each connection takes one, and the limit that a process is started with is
    often 1,024 for the sake of programs that use ``select``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return soft
