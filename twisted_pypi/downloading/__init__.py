"""Files of upstream indexes on their way here: one download, however many ask."""

from twisted_pypi.downloading.arriving import HELD, Arriving
from twisted_pypi.downloading.downloads import AT_ONCE, Downloads

__all__ = ["AT_ONCE", "HELD", "Arriving", "Downloads"]
