"""Small valid wheels and sdists, the same bytes each time they are made."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

EPOCH = (2020, 2, 2, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Archive:
    """A file as it would be built: its name and its bytes."""

    filename: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Hex digest of the content."""
        return hashlib.sha256(self.content).hexdigest()

    def put_into(self, folder: Path) -> Path:
        """Write the file into a folder and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.filename
        path.write_bytes(self.content)
        return path

    def lay_into(self, folder: Path) -> Path:
        """Write the file as one that was there long before the server is started."""
        path = self.put_into(folder)
        hour_ago = time.time() - 3600
        os.utime(path, (hour_ago, hour_ago))
        return path


def core_metadata(name: str, version: str, requires: Sequence[str] = (), requires_python: str = ">=3.6") -> bytes:
    """Core metadata 2.1 of a package."""
    return "\n".join(
        (
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            f"Summary: What {name} is for",
            f"Requires-Python: {requires_python}",
            *(f"Requires-Dist: {each}" for each in requires),
            "",
            f"A description of {name}.",
            "",
        )
    ).encode()


def wheel(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    requires_python: str = ">=3.6",
    *,
    payload: bytes = b"",
    python: str = "py3",
) -> Archive:
    """A pure wheel with one module (binary distribution format, version 1.0)."""
    module = name.replace("-", "_").replace(".", "_").lower()
    info = f"{module}-{version}.dist-info"
    tags = "".join(f"Tag: {each}-none-any\n" for each in python.split("."))
    members = [
        (f"{module}/__init__.py", f'__version__ = "{version}"\n'.encode()),
        *([(f"{module}/payload.bin", payload)] if payload else []),
        (f"{info}/METADATA", core_metadata(name, version, requires, requires_python)),
        (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: archives 1\nRoot-Is-Purelib: true\n" + tags.encode()),
    ]
    record = "".join(f"{path},sha256={_record_digest(content)},{len(content)}\n" for path, content in members)
    members.append((f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode()))
    return Archive(f"{module}-{version}-{python}-none-any.whl", _zipped(members))


def sdist(name: str, version: str, requires: Sequence[str] = (), requires_python: str = ">=3.6") -> Archive:
    """A source distribution with ``PKG-INFO`` and a ``pyproject.toml`` (PEP 625)."""
    module = name.replace("-", "_").replace(".", "_").lower()
    base = f"{module}-{version}"
    pyproject = f'[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n\n[project]\nname = "{name}"\nversion = "{version}"\ndescription = "What {name} is for"\n'
    members = (
        (f"{base}/PKG-INFO", core_metadata(name, version, requires, requires_python)),
        (f"{base}/pyproject.toml", pyproject.encode()),
        (f"{base}/{module}/__init__.py", f'__version__ = "{version}"\n'.encode()),
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in members:
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mtime = 1_580_601_600
            tar.addfile(entry, io.BytesIO(content))
    return Archive(f"{base}.tar.gz", gzip.compress(packed.getvalue(), 1, mtime=0))


def _zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, content in members:
            archive.writestr(zipfile.ZipInfo(path, EPOCH), content)
    return packed.getvalue()


def _record_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
