"""The certificate that TLS is spoken with: read, and read again when it is another."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL.SSL import Connection, Context
from OpenSSL.SSL import Error as TLSError
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.ssl import CertificateOptions, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from twisted_pypi.errors import BadSetting
from twisted_pypi.serving.tls import TLSFactory

YOUNG_NS = 2_000_000_000
"""Nanoseconds for which files that do not fit together may still be on their way: certificate and key are two."""

LARGEST = 1 << 20
"""Bytes of a file that are read."""

_Identity = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate with those that vouch for it, and its private key, as they are in files."""

    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)
    identity: _Identity | None = field(default=None, compare=False)
    """Which versions of the files they were, by their times and sizes; ``None``: it could not be told."""


@implementer(IOpenSSLServerConnectionCreator)
class CertificateInForce:
    """The certificate of two files, or of one with both in it, while they are renewed.

    The files are looked at for each new connection (two ``stat``).  What
    cannot be used is reported once, and leaves the last good certificate in force.
    """

    log = Logger()

    def __init__(
        self, path: str, key_path: str | None, pem: Pem | None = None, *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """Take ``key_path`` for ``path`` where the key is in the same file.

        ``pem`` is what another process has read of them already.  Nothing is opened yet.
        """
        self.path = path
        self.key_path = key_path or path
        self.pem: Pem | None = pem
        """What is in force; ``None`` before ``start``."""
        self._was_given = pem is not None
        self._now_ns = now_ns
        self._context: Context | None = None
        self._identity: _Identity | None = None
        self._trouble: str | None = None

    def start(self) -> None:
        """Read the files, unless their contents are here.  Raises ``BadSetting``."""
        if self.pem is None:
            pem = self._read(self._look())
            self._take(pem, context_of(pem, self.path, self.key_path))
        else:
            self._context = context_of(self.pem, self.path, self.key_path)
        self._identity = None if self.pem is None else self.pem.identity

    def say_if_closed(self) -> None:
        """Say that files cannot be read again by who this process is now, while that is still no trouble."""
        for each in () if self._was_given else sorted({self.path, self.key_path}):
            if not os.access(each, os.R_OK):
                self.log.warn(
                    "{path} was read as root, and cannot be read again now: after a renewal the server has to be"
                    " started again, or whoever owns the packages allowed to read it",
                    path=each,
                )

    def around(self, factory: Any, clock: IReactorTime) -> TLSFactory:
        """Return ``factory`` behind TLS with this certificate."""
        return TLSFactory(self, factory, clock)

    def reload(self) -> None:
        """Read the files again, whatever their times say, and say what came of it."""
        self._identity = self._trouble = None
        self._renew(self._look(), may_wait=False)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: ARG002  # all get the same
        """Return the TLS half of a new connection, with the certificate as it is by now."""
        identity = self._look()
        if identity != self._identity:
            self._renew(identity, may_wait=True)
        if self._context is None:
            raise RuntimeError("the certificate is read before a port is opened")
        return Connection(self._context, None)

    def _look(self) -> _Identity | None:
        """Which versions of the files there are; ``None``: at least one cannot be seen."""
        try:
            seen = [os.stat(each) for each in (self.path, self.key_path)]  # noqa: PTH116  # at every connection
        except OSError:
            return None
        # The ctime tells of changes by those who set the mtime back.
        return tuple(
            number
            for each in seen
            for number in (each.st_mtime_ns, each.st_size, each.st_ino, each.st_dev, each.st_ctime_ns)
        )

    def _renew(self, identity: _Identity | None, *, may_wait: bool) -> None:
        try:
            pem = self._read(identity)
            if pem != self.pem:
                self._take(pem, context_of(pem, self.path, self.key_path))
            elif self._trouble is not None or not may_wait:
                self.log.info("The certificate in {path} is the one that is in force", path=self.path)
        except BadSetting as error:
            if not (may_wait and identity is not None and self._is_young(identity)):
                self._identity = identity
                self._report(str(error))
        else:
            self._identity, self._trouble = identity, None

    def _is_young(self, identity: _Identity) -> bool:
        return any(-YOUNG_NS < self._now_ns() - changed < YOUNG_NS for changed in (identity[4], identity[9]))

    def _read(self, identity: _Identity | None) -> Pem:
        data = []
        for path in (self.path, self.key_path):
            try:
                with open(path, "rb", opener=_open_at_once) as file:  # Path has no opener
                    data.append(file.read(LARGEST))
            except OSError as error:
                raise BadSetting(
                    f"{path} cannot be read ({error.strerror}): expected a file in PEM that whoever serves may read."
                ) from None
        return Pem(data[0], data[1], identity)

    def _take(self, pem: Pem, context: Context) -> None:
        self.pem, self._context = pem, context
        first = x509.load_pem_x509_certificates(pem.certificate)[0]
        now, end = datetime.fromtimestamp(self._now_ns() / 1e9, UTC), first.not_valid_after_utc
        self.log.info("The certificate in {path} is in force, until {end:%Y-%m-%d %H:%M} UTC", path=self.path, end=end)
        if not first.not_valid_before_utc <= now <= end:
            self.log.warn(
                "The certificate in {path} is valid from {begin} until {end}, and that is not now: clients will not"
                " believe it",
                path=self.path,
                begin=first.not_valid_before_utc,
                end=end,
            )

    def _report(self, trouble: str) -> None:
        """Say once what is wrong, until it is right again or something else is."""
        if trouble != self._trouble:
            self._trouble = trouble
            self.log.error("{trouble} The last good certificate stays in force.", trouble=trouble)


def context_of(pem: Pem, path: str, key_path: str) -> Context:
    """Return what OpenSSL needs for TLS 1.2 and newer, and HTTP/1.1 alone.  Raises ``BadSetting``."""
    try:
        certificate, *chain = x509.load_pem_x509_certificates(pem.certificate)
    except ValueError:
        raise BadSetting(
            f"{path} has no certificate that can be used: expected PEM (-----BEGIN CERTIFICATE)."
        ) from None
    try:
        key = load_pem_private_key(pem.key, None)
    except TypeError:
        raise BadSetting(
            f"The key in {key_path} has a passphrase, which nobody types at a restart: expected one without, as"
            f" `openssl pkey -in {key_path} -out FILE` makes it."
        ) from None
    except Exception:  # noqa: BLE001  # it raises ValueError, and several others for keys of strange kinds
        where = "in it, or another file with --tls-key" if path == key_path else "in PEM"
        raise BadSetting(f"{key_path} has no private key that can be used: expected one {where}.") from None
    # Its types are classes of pyOpenSSL that are deprecated, and their place is taken by those of cryptography.
    options: Any = CertificateOptions
    try:
        context: Context = options(
            privateKey=key,
            certificate=certificate,
            extraCertChain=chain,
            raiseMinimumTo=TLSVersion.TLSv1_2,
            acceptableProtocols=[b"http/1.1"],
        ).getContext()
    except (TLSError, TypeError) as error:
        if key.public_key() != certificate.public_key():
            raise BadSetting(
                f"The key in {key_path} is not that of the first certificate in {path}: expected the server's own"
                " certificate first, and its key."
            ) from None
        raise BadSetting(f"The certificate in {path} cannot be used ({_reason(error)}): expected another.") from None
    return context


def _reason(error: Exception) -> str:
    """What OpenSSL says of its troubles."""
    said = error.args[0] if error.args else ""
    return "; ".join(each[-1] for each in said) if isinstance(said, list) else str(said)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
