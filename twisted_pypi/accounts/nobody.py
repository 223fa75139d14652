"""The accounts of a server without a password file."""

from __future__ import annotations

from twisted_pypi.boundaries import User
from twisted_pypi.errors import LoginRequired


class Nobody:
    """Accounts of which there are none: every login is refused."""

    generation = 0
    """Never changes."""

    users = 0
    """How many users there are."""

    def current_generation(self) -> int:
        """Return ``generation``."""
        return self.generation

    def remembered(self, authorization: bytes) -> User | None:  # noqa: ARG002  # the boundary gives it
        """Return ``None``: nobody was found right before."""
        return None

    async def log_in(self, authorization: bytes | None, address: str) -> User:  # noqa: ARG002  # as above
        """Raise ``LoginRequired``."""
        raise LoginRequired("nobody can log in: this server has no password file")
