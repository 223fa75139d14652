"""Whether attestations are signed as they say, by ``pypi-attestations`` (PEP 740), and who signed them.

That package is an extra, and imported only when a ``Verifier`` is made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from twisted.logger import Logger

from twisted_pypi.errors import BadUpload, Unreadable
from twisted_pypi.uploading.publishers import publisher_of

TRUST_LASTS = 24 * 3600.0
"""Seconds after which the keys of the transparency service are asked for again."""


class _Anybody:
    """The policy that everybody may sign: who it was is written down, and is for the reader to judge."""

    def verify(self, cert: object) -> None:
        """Have no objection."""


class Verifier:
    """Verifies attestations; blocking, in any thread."""

    log = Logger()

    def __init__(self, now: Callable[[], float], *, online: bool = True) -> None:
        """``now`` is a time in seconds; without ``online``, only keys that are here already are used.

        Raises ``ImportError`` when the extra is not installed.
        """
        import pypi_attestations  # noqa: PLC0415  # an extra, and slow to import
        from sigstore import models  # noqa: PLC0415  # as above

        # It says of every single verification that it made no request.
        logging.getLogger("sigstore").setLevel(logging.ERROR)
        self._library: Any = pypi_attestations
        self._models: Any = models
        self._now = now
        self._online = online
        self._trusted_at: float | None = None
        self._lock = Lock()

    def __call__(
        self, attestations: Sequence[Mapping[str, object]], filename: str, sha256: str
    ) -> Mapping[str, object]:
        """Return the publisher that the attestations of a file name (PEP 740, "Provenance objects").

        Raises ``BadUpload`` when one does not verify or they name several,
        and ``Unreadable`` when nothing can be verified here at the moment.
        """
        self._renew_trust()
        publishers = [self._verified(each, filename, sha256) for each in attestations]
        if any(each != publishers[0] for each in publishers):
            raise BadUpload(f"the attestations of {filename} are of different publishers; expected one")
        return publishers[0]

    def _verified(self, attestation: Mapping[str, object], filename: str, sha256: str) -> Mapping[str, object]:
        try:
            found = self._library.Attestation.model_validate_json(json.dumps(attestation))
            found.verify(_Anybody(), self._library.Distribution(name=filename, digest=sha256), offline=True)
            return publisher_of(found.certificate_claims, found.verification_material.certificate)
        except OSError as error:
            raise Unreadable(f"attestations cannot be verified here at the moment: {error}") from error
        except Exception as error:  # what the library raises of hostile input is not its contract
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise BadUpload(f"an attestation of {filename} cannot be verified: {reason}") from error

    def _renew_trust(self) -> None:
        """Fetch the keys that are trusted, once a day; while that fails, those that are here stay in force."""
        with self._lock:
            now = self._now()
            if not self._online or (self._trusted_at is not None and now - self._trusted_at < TRUST_LASTS):
                return
            self._trusted_at = now
        try:
            self._models.ClientTrustConfig.production()
        except Exception as error:  # noqa: BLE001  # the network and the library fail in their own ways
            self.log.warn(
                "The keys for verifying attestations could not be renewed ({error}); those that are here are used.",
                error=error,
            )
