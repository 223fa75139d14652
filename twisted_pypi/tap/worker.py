"""A worker: a process that serves together with the one that started it.

``python -m twisted_pypi.tap.worker`` is run by that one, with a pipe for its
standard input and output of errors, and never by hand.
"""

from __future__ import annotations

import signal
import sys

from twisted.logger import LogLevel, globalLogBeginner
from twisted.python.reflect import namedModule

from twisted_pypi.options import Options
from twisted_pypi.serving.server import Server
from twisted_pypi.serving.workers.handover import receive
from twisted_pypi.serving.workers.lifeline import Lifeline
from twisted_pypi.serving.workers.telling import Teller

_KEEPER, _LOG = 0, 2


def main() -> None:
    """Serve until the keeper ends, or says that this shall."""
    # Ctrl-C reaches every process of a terminal; until this one serves, the keeper's end is enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        handover = receive(_KEEPER)
    except EOFError:
        return
    namedModule(handover.reactor).install()
    from twisted.internet import reactor  # noqa: PLC0415  # the one that was just chosen

    from twisted_pypi.tap.server import makeService  # noqa: PLC0415  # some of it imports the reactor
    from twisted_pypi.tap.together import as_worker  # noqa: PLC0415  # as above

    lowest = LogLevel.debug if handover.config.verbosity else LogLevel.info
    globalLogBeginner.beginLoggingTo([Teller(_LOG, lowest)], redirectStandardIO=False)
    server = makeService(Options(config=handover.config), reactor, as_worker(handover))
    if not isinstance(server, Server):
        raise TypeError
    Lifeline(_KEEPER, reactor, reopen=server.reload, gone=server.finish).start()
    server.startService()
    reactor.addSystemEventTrigger("before", "shutdown", server.stopService)
    reactor.run()


if __name__ == "__main__":
    main()
    sys.exit(0)
