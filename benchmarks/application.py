"""An application and the packages that it needs: as many, as large and as deep as a real one's.

The same bytes each time; made once and kept in ``build``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from benchmarks.corpus import BUILD
from tests.clients.archives import EPOCH, core_metadata

KILOBYTES = (
    55, 360, 1_900, 22, 640, 95, 30, 4_100, 150, 66, 9_000, 44, 280, 12, 900, 110, 38, 2_600, 72, 16, 480, 170, 60, 5_200,
    26, 80, 1_300, 50, 210, 130,
)  # fmt: skip
"""The size of each package's wheel: most are small, a few are most of the 28 MB."""
PACKAGES = len(KILOBYTES)
RELEASES = 3
"""Of each package; only the last of them is installed."""
_MODULE = 16_384
"""Random bytes of a module; written as digits they are twice as many, and deflated nearly as few again."""


def package(number: int) -> str:
    """The name of a package by its number; 0 is the application."""
    return f"acme-part-{number}"


def needed(number: int) -> Iterator[str]:
    """What a package needs: a tree, seven deep along a chain, with ties across it."""
    first = (1, 2, 3, 4) if number == 0 else (number + 4, 2 * number + 5, 3 * number + 7)
    for other in first:
        if other < PACKAGES:
            yield f"{package(other)}>=1.0"


def application() -> Path:
    """Return a flat folder with every release of every package."""
    folder, stamp = BUILD / "application", BUILD / "application-1.made"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number in range(PACKAGES):
            for release in range(RELEASES):
                _write_wheel(folder, number, f"1.{release}")
        stamp.touch()
    return folder


def _write_wheel(folder: Path, number: int, version: str) -> None:
    name = package(number).replace("-", "_")
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    random = Random(f"{name} {version}")  # noqa: S311  # the same each time
    description = "\n".join(random.randbytes(30).hex() for _ in range(100))
    members = [(f"{name}/__init__.py", b"")]
    left = KILOBYTES[number] * 1000
    while left > 0:
        size = min(left, _MODULE)
        members.append((f"{name}/module_{len(members)}.py", f"DATA = '{random.randbytes(size).hex()}'\n".encode()))
        left -= size
    members.append(
        (f"{info}/METADATA", core_metadata(package(number), version, list(needed(number))) + description.encode())
    )
    members.append(
        (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: benchmarks 1\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    )
    record = "".join(f"{each},sha256={_digest(content)},{len(content)}\n" for each, content in members)
    members.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in members:
            entry = zipfile.ZipInfo(each, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    # As if it had been there long before any server was started.
    os.utime(path, (1_580_601_600, 1_580_601_600))


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
