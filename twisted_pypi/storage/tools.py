"""What every thread that looks at the files works with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from twisted_pypi.storage.inodes import Inodes
from twisted_pypi.storage.ledger import Ledger
from twisted_pypi.storage.remarks import Remarks, Troubles
from twisted_pypi.storage.tree import Tree


@dataclass(frozen=True, slots=True)
class Tools:
    """The same for all threads of one scanner; each of them may be used by any thread."""

    tree: Tree
    ledger: Ledger
    remarks: Remarks
    stopping: threading.Event
    """Set when the server goes down: whatever takes long ends then."""
    troubles: Troubles = field(default_factory=Troubles)
    inodes: Inodes = field(default_factory=Inodes)
