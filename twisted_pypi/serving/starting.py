"""The one way in which a start fails."""

from __future__ import annotations

import sys

from twisted.logger import Logger

from twisted_pypi.errors import TwistedPyPIError


class CannotStart(SystemExit, TwistedPyPIError):
    """The server cannot start; its text is the sentence for the operator.

    Its exit code is 1, or 2 where a setting cannot be followed here.

    Being a ``SystemExit``, it ends the interpreter without a traceback.  Being
    an ``Exception``, twistd catches it, removes its pid file and hands the
    sentence from the daemon to the terminal, before it raises it again.
    """

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(code)
        self.sentence = sentence

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


def say(problem: CannotStart, log: Logger) -> None:
    """Tell the terminal, and the log where that is somewhere else."""
    if sys.stderr is not sys.__stderr__:  # twistd has made its log of the standard streams
        log.critical("{sentence}", sentence=problem.sentence)
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"{problem.sentence}\n")
        sys.__stderr__.flush()
