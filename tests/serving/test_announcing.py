"""What the log says at the start of a server that ends before it knows anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from twisted_pypi.config import Config
from twisted_pypi.errors import Busy
from twisted_pypi.serving.announcing import Announcer


class Stopping:
    """An index that is stopped before it knows its projects."""

    async def projects(self) -> None:
        raise Busy("the server is stopping", 1)


def test_a_stop_before_all_is_known_is_no_failure(tmp_path: Path) -> None:
    Announcer(Config(roots=(str(tmp_path),)), cast("Any", Stopping()), lambda: 0).startService()
