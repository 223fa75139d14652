"""How the files of each project came here, over real folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest_twisted

from tests.storage.running import put, running
from tests.storage.test_beside import say
from twisted_pypi.sidecars import Source


async def at_once(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


@pytest_twisted.ensureDeferred
async def test_how_the_files_of_each_project_came_here(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("a-1", "a-2", "b-1", "c-1"):
        put(root / f"{name}-py3-none-any.whl")
    say(root / "a-2-py3-none-any.whl", source=Source.UPLOAD)
    say(root / "b-1-py3-none-any.whl", source=Source.UPSTREAM)
    async with running(root) as here:
        assert await here.index.sources(at_once) == {
            "a": {None, Source.UPLOAD},
            "b": {Source.UPSTREAM},
            "c": {None},
        }
