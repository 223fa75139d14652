"""The one place where objects meet: a ``Config`` becomes a service."""

from typing import Any

from twisted.application.service import IService

from twisted_pypi.errors import BadSetting
from twisted_pypi.options import Options
from twisted_pypi.options.subcommand import refuse
from twisted_pypi.serving.signals import end_while_starting

__all__ = ["Options", "makeService"]


def makeService(options: Options, reactor: Any = None) -> IService:
    """Return the server that these options ask for, as twistd and twist want it.

    Files of settings that cannot be used end the process with one sentence.
    """
    if reactor is None:
        end_while_starting()
    from twisted_pypi.tap import server  # noqa: PLC0415  # most of the time of a start goes by in here

    try:
        return server.makeService(options, reactor)
    except BadSetting as problem:
        refuse(options.program(), BadSetting(f"{str(problem).removesuffix('.')}."))
