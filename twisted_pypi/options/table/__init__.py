"""Every setting there is, in the order of ``--help``: the one table that all else is made from."""

from __future__ import annotations

from twisted_pypi.options.setting import Setting
from twisted_pypi.options.table.answers import ANSWERS
from twisted_pypi.options.table.mirror import MIRROR
from twisted_pypi.options.table.outward import OUTWARD
from twisted_pypi.options.table.place import PLACE
from twisted_pypi.options.table.rights import RIGHTS
from twisted_pypi.options.table.update import UPDATE

SETTINGS: tuple[Setting, ...] = PLACE + RIGHTS + MIRROR + ANSWERS + OUTWARD
"""The settings of the server."""

__all__ = ["SETTINGS", "UPDATE"]
