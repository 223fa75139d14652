"""The content codings that pages are sent in (RFC 9110 section 8.4.1); files of packages never are."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

Pack = Callable[[bytes], bytes]
"""Packs a whole body."""

GZIP_LEVEL = 5

ZSTD_LEVEL = 1
"""A page is smaller with it than with gzip, in a seventh of the time; higher levels gain nothing on digests."""


def gzipped(body: bytes) -> bytes:
    """Return a body in gzip (RFC 1952)."""
    # A page is full of digests: not to look for repeats of a few bytes in them makes it a tenth smaller.
    packer = zlib.compressobj(GZIP_LEVEL, wbits=zlib.MAX_WBITS | 16, strategy=zlib.Z_FILTERED)
    return packer.compress(body) + packer.flush()


def zstd_packer() -> Pack | None:
    """Return what packs a body in zstd (RFC 8878), where the extra ``twisted-pypi[zstd]`` is installed."""
    for name in ("compression.zstd", "backports.zstd"):  # Python 3.14 has it
        with suppress(ImportError):
            zstd = import_module(name)
            return lambda body: bytes(zstd.compress(body, ZSTD_LEVEL))
    return None
