"""What was learnt of each file, kept in SQLite and keyed by where the file is.

Reading it is for the reactor thread; writing is for other threads, one at a time.
"""

from twisted_pypi.catalog.database import Catalog
from twisted_pypi.catalog.reads import Reader
from twisted_pypi.catalog.values import (
    Committed,
    Double,
    Gone,
    Identity,
    Place,
    Remembered,
    Sighting,
    State,
    preference,
)
from twisted_pypi.catalog.writes import Writer

__all__ = [
    "Catalog",
    "Committed",
    "Double",
    "Gone",
    "Identity",
    "Place",
    "Reader",
    "Remembered",
    "Sighting",
    "State",
    "Writer",
    "preference",
]
