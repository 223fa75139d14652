"""What twistd was asked for around the server: is it a daemon, and what follows from that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from twisted_pypi.config import LogFormat
from twisted_pypi.options import Options
from twisted_pypi.serving.logs import LogFile, LogLines, SharedLogFile

if TYPE_CHECKING:
    from twisted_pypi.tap.together import Together

DAEMON_UMASK = 0o022
"""The umask of a daemon: twistd's own would let nobody else read what was uploaded."""


def _is_daemon(options: Options) -> bool:
    """Will twistd fork, and give up its standard output?"""
    outer = options.parent
    return isinstance(outer, Mapping) and not outer.get("nodaemon", True)


def umask(options: Options) -> int | None:
    """Return the umask to set; ``None``: the one there is stays."""
    outer = options.parent
    return DAEMON_UMASK if _is_daemon(options) and outer is not None and outer.get("umask") is None else None


def log_file(options: Options) -> LogFile | None:
    """Return what takes the log in place of twistd, which writes text; ``None``: twistd writes it, or there is no twistd."""
    outer = options.parent
    if options.config.log_format is LogFormat.TEXT or not isinstance(outer, Mapping) or "nodaemon" not in outer:
        return None
    path = outer.get("logfile") or ("-" if outer["nodaemon"] else "twistd.log")
    # What else it may be told to write to has a format of its own, and it refuses a daemon that logs to nowhere.
    if outer.get("syslog") or outer.get("logger") or (path == "-" and not outer["nodaemon"]):
        return None
    return LogFile(path if path == "-" else os.path.abspath(path))  # noqa: PTH100  # a text, as all paths of options


def access_log_file(options: Options, together: Together | None) -> LogFile | LogLines:
    """Where lines of the access log go: a daemon has no standard output, so there they go to its log."""
    is_told = together is not None and together.handover is not None and together.handover.logs_access
    if is_told or (options.config.access_log == "-" and _is_daemon(options)):
        return LogLines()
    return (LogFile if options.config.workers == 1 else SharedLogFile)(options.config.access_log)
