"""What a request line asks for, in the one form in which it is looked up."""

from __future__ import annotations

import re

_ABSOLUTE = re.compile(rb"https?://[^/?]*", re.IGNORECASE)


def origin_form(target: bytes) -> bytes:
    """Return the path and query of a target that may have been sent as a whole URL (RFC 9112 section 3.2.2)."""
    match = _ABSOLUTE.match(target)
    if match is None:
        return target
    rest = target[match.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest
