"""Where the index of everybody is."""

from __future__ import annotations


def public_index() -> str:
    """Return the address of the public index.  Takes a while the first time: call it in a thread."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # noqa: PLC0415  # it brings 30 MB that only this needs

    return str(PYPI_SIMPLE_ENDPOINT)
