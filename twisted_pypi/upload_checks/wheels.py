"""Whether the small files that every wheel has can be read by installers."""

from __future__ import annotations

import re
from configparser import ConfigParser
from configparser import Error as ConfigError

from twisted_pypi.errors import BadMetadata

_WHEEL_VERSION = re.compile(r"^Wheel-Version:[ \t]*(\d{1,9})\.\d{1,9}[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_MAJOR = 1
_REFERENCE = re.compile(r"\w[\w.]*(?:\s*:\s*\w[\w.]*)?(?:\s*\[[^\[\]]*\])?\Z")


class _CaseSensitive(ConfigParser):
    optionxform = staticmethod(str)  # type: ignore[assignment]  # the standard library's own way to say so


def check_wheel_file(data: bytes) -> None:
    """See that ``WHEEL`` is of a version that installers know (binary distribution format).  Raises ``BadMetadata``."""
    found = _WHEEL_VERSION.search(data.decode("utf-8", "replace"))
    if found is None:
        raise BadMetadata("its file WHEEL has no Wheel-Version; expected 1.0 or such")
    if int(found[1]) != _MAJOR:
        raise BadMetadata(
            f"its Wheel-Version starts with {found[1]}, which no installer here is known to read; expected 1"
        )


def check_entry_points(data: bytes) -> None:
    """See that ``entry_points.txt`` can be read and names importable objects (entry points specification).

    Raises ``BadMetadata``.
    """
    parser = _CaseSensitive(delimiters=("=",), interpolation=None, strict=True)
    try:
        parser.read_string(data.decode())
    except (ConfigError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:200]
        raise BadMetadata(f"its entry_points.txt cannot be read ({reason})") from None
    for group in parser.sections():
        for name, reference in parser.items(group):
            if not _REFERENCE.match(reference):
                raise BadMetadata(
                    f"its entry point {name[:100]!r} in {group[:100]!r} is {reference[:100]!r}; expected module:object"
                )
