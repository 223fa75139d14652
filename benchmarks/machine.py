"""Where and with what was measured."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import keep
from benchmarks.nginx import version as nginx_version
from benchmarks.peers import versions


def describe() -> None:
    """Put a description of this machine into the results."""
    keep(
        "machine",
        {
            "processor": f"{_processor()}, {os.cpu_count()} cores",
            "system": f"{platform.system()} {platform.release().split('-')[0]}",
            "python": platform.python_version(),
            "twisted": version("twisted"),
            "load by": "wrk" if shutil.which("wrk") else "sockets of our own",
            "peers": f"nginx {nginx_version()}, {versions()}",
        },
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
