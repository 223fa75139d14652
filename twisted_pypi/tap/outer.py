"""What twistd was asked for around the server: is it a daemon, and what follows from that."""

from __future__ import annotations

from collections.abc import Mapping

from twisted_pypi.options import Options
from twisted_pypi.serving.logs import LogFile, LogLines

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


def access_log_file(options: Options) -> LogFile | LogLines:
    """Where lines of the access log go: a daemon has no standard output, so there they go to its log."""
    if options.config.access_log == "-" and _is_daemon(options):
        return LogLines()
    return LogFile(options.config.access_log)
