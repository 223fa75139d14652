"""Whose certificates are believed: those of the platform's authorities, and of private ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from OpenSSL import SSL, crypto

# Twisted documents that a trust root may be anything that provides this, and exports it from here only.
from twisted.internet._sslverify import IOpenSSLTrustRoot
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import TLSVersion, optionsForClientTLS, platformTrust
from zope.interface import implementer

from twisted_pypi.errors import BadSetting

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_MOST_HOSTS = 100


@implementer(IOpenSSLTrustRoot)
class _PlatformAndMore:
    def __init__(self, more: Iterable[crypto.X509]) -> None:
        self._platform: Any = platformTrust()
        self._more = tuple(more)

    def _addCACertsToContext(self, context: SSL.Context) -> None:
        self._platform._addCACertsToContext(context)  # noqa: SLF001 - the one method of the interface is named so
        store = context.get_cert_store() or crypto.X509Store()
        for each in self._more:
            store.add_cert(each)


class Trust:
    """Makes TLS 1.2 or later to hosts whose certificate names them and comes from an authority that is trusted."""

    def __init__(self, authorities: Iterable[crypto.X509] = ()) -> None:
        """Trust ``authorities`` beside those of the platform."""
        self._root = cast("IOpenSSLTrustRoot", _PlatformAndMore(authorities))
        self._creators: dict[str, IOpenSSLClientConnectionCreator] = {}

    def creator(self, host: str) -> IOpenSSLClientConnectionCreator:
        """What makes TLS to a host.  It is kept: the platform's authorities are read for each (tens of milliseconds)."""
        if host not in self._creators:
            if len(self._creators) == _MOST_HOSTS:
                self._creators.clear()
            self._creators[host] = optionsForClientTLS(
                host, self._root, extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_2}
            )
        return self._creators[host]


def read_authorities(path: str) -> tuple[crypto.X509, ...]:
    """Return the certificates of a PEM file.  Blocking.  Raises ``BadSetting``."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadSetting(f"the file of authorities {path} cannot be read: {error.strerror}") from None
    try:
        found = tuple(crypto.load_certificate(crypto.FILETYPE_PEM, each) for each in _CERTIFICATE.findall(data))
    except (crypto.Error, ValueError):
        found = ()
    if not found:
        raise BadSetting(f"the file of authorities {path} cannot be used: expected certificates in PEM")
    return found
