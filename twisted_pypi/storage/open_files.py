"""Is anybody still writing a file?"""

from __future__ import annotations

import contextlib
import fcntl
import signal
import sys


def nobody_writes(descriptor: int) -> bool:
    """Is it certain that nobody has this file, which is open for reading, open for writing?

    Linux gives a read lease only on such a file (fcntl(2), "Leases"), and only
    to the file's owner.  Where there are no leases (other systems, network
    file systems, files of others), nothing is certain.
    """
    if sys.platform != "linux":
        return False
    try:
        # Who opens the file for writing while the lease is held makes the system send a signal.  That
        # of input and output would end the process; this one is ignored unless it is asked for.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True
