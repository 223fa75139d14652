"""Runs update passes in a process of its own: ``python -m benchmarks.update_passes ROOT STATE URL PASSES``.

Prints one line of JSON for each: its seconds, the bytes of memory before and
after it, the seconds of CPU, and how many projects there were in each state.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from twisted_pypi.config import Config
from twisted_pypi.options.update_choices import UpdateChoices


def memory() -> int:
    """Bytes of memory that this process has now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) * 1024


async def passes(reactor: Any, root: str, state: str, url: str, count: int) -> None:
    """Run so many passes, one after the other."""
    from twisted_pypi.tap.mirror import make_one_update  # noqa: PLC0415  # it wants a reactor to be there

    config = Config(roots=(root,), upstreams=(url,), state_dir=state)
    one = make_one_update(config, UpdateChoices(), reactor, {}, state)
    await one.start()
    for _ in range(count):
        before, began, cpu = memory(), time.monotonic(), time.process_time()
        summary = await one.update.run()
        print(
            json.dumps(
                {
                    "seconds": time.monotonic() - began,
                    "cpu": time.process_time() - cpu,
                    "before": before,
                    "after": memory(),
                    "states": summary.states,
                }
            ),
            flush=True,
        )
    await one.stop()
    reactor.stop()


if __name__ == "__main__":
    from twisted.internet import reactor

    running: Any = reactor

    def failed(failure: Any) -> None:
        """Say what went wrong, and end."""
        failure.printTraceback()
        running.stop()

    folder, kept, address, number = sys.argv[1:]
    running.callWhenRunning(
        lambda: Deferred.fromCoroutine(passes(running, folder, kept, address, int(number))).addErrback(failed)
    )
    running.run()
