"""The command line and the environment: argv -> ``Config``.  The environment is read here and nowhere else."""

from __future__ import annotations

from twisted_pypi.options.subcommand import Options

__all__ = ["Options"]
