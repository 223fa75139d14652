"""What the parts of the server speak to each other through.

Services, stores, indexes and the web meet only here.  Each docstring lists the
errors that may be raised: that is the contract.
"""

from twisted_pypi.boundaries.local import (
    Accounts,
    Addition,
    Changes,
    Index,
    KnownFile,
    LocalFiles,
    LocatedFile,
    RunInThread,
    User,
)
from twisted_pypi.boundaries.store import PackageStore, Published, Staged
from twisted_pypi.boundaries.upstream import (
    Cache,
    CachedFile,
    Flow,
    Offered,
    Offers,
    Ownership,
    Sink,
    TellOfFiles,
    Upstream,
    UpstreamPage,
)
from twisted_pypi.policy.recalls import Recall

__all__ = [
    "Accounts",
    "Addition",
    "Cache",
    "CachedFile",
    "Changes",
    "Flow",
    "Index",
    "KnownFile",
    "LocalFiles",
    "LocatedFile",
    "Offered",
    "Offers",
    "Ownership",
    "PackageStore",
    "Published",
    "Recall",
    "RunInThread",
    "Sink",
    "Staged",
    "TellOfFiles",
    "Upstream",
    "UpstreamPage",
    "User",
]
