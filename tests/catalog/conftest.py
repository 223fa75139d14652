"""What the tests of the catalog start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Catalog, Place
from twisted_pypi.distributions import parse_filename

Make = Callable[..., Catalog]


@pytest.fixture
def open_catalog(tmp_path: Path) -> Iterator[Make]:
    """Opens catalogs, and closes them at the end."""
    opened: list[Catalog] = []

    def make(*roots: str, **options: Any) -> Catalog:
        catalog = Catalog(
            roots or ("/one", "/two"), **{"state_dir": str(tmp_path / "state"), "cache_dir": "/nowhere"} | options
        )
        opened.append(catalog)
        catalog.projects, catalog.files = catalog.open()
        return catalog

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The lines of the log."""
    lines: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        lines.append(formatEvent(event))

    observer = cast("ILogObserver", observe)
    globalLogPublisher.addObserver(observer)
    yield lines
    globalLogPublisher.removeObserver(observer)


def known(path: str, content: bytes = b"content", *, root: int = 0, uploaded_ns: int = 1, **more: Any) -> KnownFile:
    """The facts of a file."""
    return KnownFile(
        root=root,
        path=path,
        distribution=parse_filename(Place.at(root, path).filename),
        size=len(content),
        mtime_ns=more.pop("mtime_ns", 5),
        inode=more.pop("inode", 7),
        sha256=sha256(content).hexdigest(),
        uploaded_ns=uploaded_ns,
        **more,
    )
