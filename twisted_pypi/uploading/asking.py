"""What an upload asks of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from twisted_pypi.distributions import ProjectName


class Verify(Protocol):
    """Sees whether attestations are signed as they say.  Blocking."""

    def __call__(
        self, attestations: Sequence[Mapping[str, object]], filename: str, sha256: str, /
    ) -> Mapping[str, object]:
        """Return their publisher.  Raises ``BadUpload`` when one does not verify, and ``Unreadable``."""


class Claims(Protocol):
    """Whose projects are, as far as uploads have to know."""

    async def claim(self, name: ProjectName) -> Callable[[], None] | None:
        """What writes down that a project was uploaded to, and so is ours; ``None`` when that is known.

        It blocks and raises nothing.  Raises ``NotAllowed`` when the project is
        an upstream index's, and ``Unreadable``.
        """

    async def keep(self, name: ProjectName) -> Callable[[], None] | None:
        """What writes down that a project is ours by files that are about to be removed; ``None``: nothing is needed.

        It blocks and raises nothing.  Raises ``Unreadable``.
        """


class Locks(Protocol):
    """Locks between processes."""

    def hold(self, key: str) -> AbstractAsyncContextManager[None]:
        """Be the only process that is here with this key."""
