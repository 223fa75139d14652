"""Where the log goes that twistd would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twisted_pypi.config import Config, LogFormat
from twisted_pypi.options import Options
from twisted_pypi.tap.outer import log_file

DAEMON = {"nodaemon": False, "logfile": None, "syslog": False, "logger": None}
FOREGROUND = DAEMON | {"nodaemon": True}


@pytest.mark.parametrize(
    ("outer", "path"),
    [
        (FOREGROUND, "-"),
        (FOREGROUND | {"logfile": "-"}, "-"),
        (FOREGROUND | {"logfile": "/var/log/pypi.log"}, "/var/log/pypi.log"),
        (DAEMON, str(Path.cwd() / "twistd.log")),
        (DAEMON | {"logfile": "logs/../pypi.log"}, str(Path.cwd() / "pypi.log")),
        # twistd refuses it, or has another place for it.
        (DAEMON | {"logfile": "-"}, None),
        (DAEMON | {"syslog": True}, None),
        (FOREGROUND | {"logger": "somebody.elses"}, None),
        # twist, which has no daemons; and pypi-server, which has nothing around it.
        ({"logFormat": "json"}, None),
        (None, None),
    ],
)
def test_json_goes_where_the_text_would(outer: dict[str, Any] | None, path: str | None) -> None:
    for form in LogFormat:
        options = Options(config=Config(roots=("/pypi",), log_format=form))
        vars(options)["parent"] = outer
        found = log_file(options)
        assert (None if found is None else found.path) == (path if form is LogFormat.JSON else None)
