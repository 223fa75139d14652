"""The format of the audit log: JSON lines in printable ASCII."""

from __future__ import annotations

import json

from twisted_pypi.boundaries.happenings import Happening, write_happening


def write_line(happening: Happening) -> bytes:
    """Return the line for a happening, its end included; nothing that a stranger sent can end it early."""
    return json.dumps(write_happening(happening), separators=(",", ":")).encode("ascii") + b"\n"
