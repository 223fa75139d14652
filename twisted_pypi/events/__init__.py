"""Who wants to know is told: of pages that change, and of what somebody did."""

from twisted_pypi.events.changes import Changes
from twisted_pypi.events.happenings import Happenings

__all__ = ["Changes", "Happenings"]
