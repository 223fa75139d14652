"""The log as JSON: one object a line, with everything that belongs to an event in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import FileLogObserver, LogEvent, LogLevel, formatEvent
from twisted.python.failure import Failure

ACCESS = "twisted_pypi.serving.logs.LogLines"
"""The namespace of events that are lines of the access log."""

TOLD = "told"
"""The key of an event that another process told of: its ``worker``, ``message`` and ``traceback``."""


def json_observer(stream: TextIO) -> FileLogObserver:
    """Whoever writes the events of the log to a file, one JSON object a line."""
    return FileLogObserver(stream, json_line)


def json_line(event: LogEvent) -> str:
    """Return an event as a line: ``time``, ``level``, ``namespace``, ``message``, and ``worker`` and ``traceback`` if there are any.

    A line of the access log that is JSON already is returned as it is.
    """
    if event.get("log_namespace") == ACCESS and str(event.get("line", "")).startswith("{"):
        return f"{event['line']}\n"
    level = event.get("log_level", LogLevel.info)
    moment = datetime.fromtimestamp(event.get("log_time", 0), UTC).isoformat(timespec="milliseconds")
    said: dict[str, Any] = {
        "time": moment.replace("+00:00", "Z"),
        "level": level.name,
        "namespace": event.get("log_namespace", "-"),
    }
    told: Mapping[str, Any] = event.get(TOLD) or {"message": formatEvent(event), "traceback": traceback_of(event)}
    said |= {key: value for key, value in told.items() if value is not None}
    return json.dumps(said, default=repr) + "\n"


def traceback_of(event: LogEvent) -> str | None:
    """The traceback of the failure that an event reports, if it does."""
    failure = event.get("log_failure")
    return failure.getTraceback() if isinstance(failure, Failure) else None
