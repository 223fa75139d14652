"""The one place where objects meet: a ``Config`` becomes a service."""

from twisted_pypi.options import Options
from twisted_pypi.tap.server import makeService

__all__ = ["Options", "makeService"]
