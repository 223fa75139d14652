"""The messages and their signatures, by the Standard Webhooks specification."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from twisted_pypi.boundaries.happenings import Happening, HappeningKind, rfc3339, write_happening
from twisted_pypi.errors import BadSetting

SECRET_PREFIX = "whsec_"  # noqa: S105  # it stands before a secret, and is none
"""What the specification writes before a secret in Base64; any other text is a secret as it stands."""

SHORTEST = 16
"""Bytes of a secret."""

TOLD = frozenset(HappeningKind) - {
    HappeningKind.LOGIN,
    HappeningKind.LOGIN_FAILED,
    HappeningKind.USER_ADDED,
    HappeningKind.USER_REMOVED,
}
"""What webhooks are told of: what became of packages, and nothing of accounts."""

_OURS_ALONE = frozenset({"time", "kind", "address", "client", "times"})


@dataclass(frozen=True, slots=True)
class Message:
    """One message; the same however often it is sent."""

    identifier: str
    """``webhook-id``, by which a receiver knows what it has had already."""
    moment: float
    """When it happened, seconds since the epoch."""
    body: bytes
    summary: str
    """What it says, in a few words for the log."""


def make_message(happening: Happening, token: str) -> Message:
    """Return the message for a happening; ``token`` is unique.

    What is said of persons is who did it, and not from where or with what.
    """
    data = {name: value for name, value in write_happening(happening).items() if name not in _OURS_ALONE}
    body = {"type": happening.kind, "timestamp": rfc3339(happening.moment), "data": data}
    what = " ".join(filter(None, (happening.project, happening.version)))
    return Message(
        f"msg_{token}",
        happening.moment,
        json.dumps(body, separators=(",", ":")).encode("ascii"),
        f"{happening.kind} of {what}" if what else happening.kind,
    )


class Signer:
    """Makes the headers of messages."""

    def __init__(self, secrets: Sequence[bytes] = ()) -> None:
        """Sign with each of ``secrets``, so that one can be changed for another; without any, do not sign."""
        self._secrets = tuple(secrets)

    def headers(self, message: Message, seconds: int) -> Mapping[str, str]:
        """Return the headers of a message that is sent at a moment, in seconds since the epoch."""
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.identifier,
            "webhook-timestamp": str(seconds),
        }
        if self._secrets:
            signed = f"{message.identifier}.{seconds}.".encode() + message.body
            digests = (hmac.digest(each, signed, sha256) for each in self._secrets)
            headers["webhook-signature"] = " ".join(f"v1,{b64encode(each).decode()}" for each in digests)
        return headers


def read_secrets(text: str, path: str) -> tuple[bytes, ...]:
    """Return the secrets of a file, one a line.  Raises ``BadSetting``, which shows none of them."""
    secrets = []
    for line in filter(None, map(str.strip, text.splitlines())):
        secret = line.encode()
        if line.startswith(SECRET_PREFIX):
            try:
                secret = b64decode(line.removeprefix(SECRET_PREFIX), validate=True)
            except ValueError:
                raise BadSetting(
                    f"the secret of webhooks in {path} begins with {SECRET_PREFIX}: expected Base64 after that"
                ) from None
        if len(secret) < SHORTEST:
            raise BadSetting(
                f"a secret of webhooks in {path} has {len(secret)} bytes: expected {SHORTEST} or more, such as"
                " `openssl rand -base64 32` writes"
            )
        secrets.append(secret)
    if not secrets:
        raise BadSetting(f"there is no secret in {path}: expected one a line, such as `openssl rand -base64 32` writes")
    return tuple(secrets)
