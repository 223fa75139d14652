"""How a thread that looks at files is ended before its time."""

from __future__ import annotations


class Stopping(Exception):
    """The server is going down, and what was being found out is of no use."""
