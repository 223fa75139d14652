"""Who is told, by the options; and that nothing is loaded where nobody is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor

from twisted_pypi.config import Config
from twisted_pypi.tap.folders import make_folders
from twisted_pypi.tap.hooks import LEAST_AT_END, MOST_AT_END
from twisted_pypi.tap.outward import make_outward

_LOADED = """
import json, sys
from twisted_pypi.tap import Options, makeService
options = Options({})
options.parseOptions(["--root", sys.argv[1], "--disable-fallback", *sys.argv[2:]])
makeService(options)
rooms = ("auditing", "webhooks", "events.removals", "web.reports", "upstream.agents")
print(json.dumps([room for room in rooms if f"twisted_pypi.{room}" in sys.modules]))
"""


@pytest.mark.parametrize(
    ("options", "loaded"),
    [((), []), (("--audit-log", "audit.jsonl"), ["auditing", "events.removals", "web.reports"])],
)
def test_what_nobody_asked_for_is_not_loaded(tmp_path: Path, options: tuple[str, ...], loaded: list[str]) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _LOADED, tmp_path, *options], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert json.loads(said.stdout) == loaded
    assert not (tmp_path / "audit.jsonl").exists(), "nothing is opened before the start"


@pytest.mark.parametrize(
    ("ago", "seconds"),
    [(None, MOST_AT_END), (0.1, MOST_AT_END), (5.25, 2.0), (7.0, LEAST_AT_END), (60.0, LEAST_AT_END)],
)
def test_webhooks_have_as_much_time_at_the_end_as_is_left(tmp_path: Path, ago: float | None, seconds: float) -> None:
    real: Any = reactor
    config = Config(roots=(str(tmp_path),), webhooks=("http://127.0.0.1:1",))
    outward = make_outward(
        config,
        make_folders(config, real, {}),
        {},
        ending_since=lambda: None if ago is None else real.seconds() - ago,
        run_in_thread=real.callInThread,
        reactor=real,
    )
    webhooks: Any = outward.services[0]
    assert webhooks._seconds_left() == pytest.approx(seconds, abs=0.05)  # noqa: SLF001  # nobody else is told it
