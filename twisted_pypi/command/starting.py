"""Where the programs begin: what a signal does while the server is still being imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from twisted_pypi.serving.signals import end_while_starting


def pypi_server() -> None:
    """Be ``pypi-server``."""
    if not _updates(sys.argv[1:]):
        end_while_starting()
    from twisted_pypi.command.pypi_server import main  # noqa: PLC0415  # it takes most of the time of a start

    main()


def twisted_pypi() -> None:
    """Be ``twisted-pypi``."""
    if sys.argv[1:2] == ["run"]:
        end_while_starting()
    from twisted_pypi.command.twisted_pypi import main  # noqa: PLC0415  # as above

    main()


def _updates(words: Sequence[str]) -> bool:
    """May this be an update?  One that is broken off has not done what was asked, and does not end with 0."""
    return any(word in {"update", "--update"} or word.startswith("-U") for word in words)
