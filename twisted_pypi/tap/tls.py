"""What there is only with TLS: the certificate, and the port that sends everybody on to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted_pypi.config import Config
from twisted_pypi.serving.certificates import CertificateInForce
from twisted_pypi.web.addresses import Addresses
from twisted_pypi.web.people.errors import ErrorPages
from twisted_pypi.web.proxies import TrustedProxies
from twisted_pypi.web.sending_on import SendingOn
from twisted_pypi.web.site import AccessLog, IndexSite

if TYPE_CHECKING:
    from twisted_pypi.tap.together import Together


def make_certificate(config: Config, together: Together | None) -> CertificateInForce | None:
    """Return the certificate of the settings, as another process has read it if this one was started by that."""
    if config.tls_cert is None:
        return None
    handover = None if together is None else together.handover
    return CertificateInForce(config.tls_cert, config.tls_key, None if handover is None else handover.pem)


def make_redirect(
    config: Config, *, access_log: AccessLog | None, error_pages: ErrorPages, proxies: TrustedProxies, reactor: Any
) -> IndexSite | None:
    """Return what answers in plain HTTP."""
    if config.redirect_http is None:
        return None
    health = (config.health_endpoint, config.server_base_url + config.health_endpoint)
    sending_on = SendingOn(_port(config), config.public_url, health)
    return IndexSite(
        sending_on,
        sending_on,
        access_log=access_log,
        error_pages=error_pages,
        addresses=Addresses("", config.public_url, proxies),
        reactor=reactor,
    )


def _port(config: Config) -> int:
    """The port that https is spoken at."""
    for endpoint in config.listen:
        kind, _, rest = endpoint.partition(":")
        first = rest.partition(":")[0].removeprefix("port=")
        if kind in ({"ssl"} if config.tls_cert is None else {"tcp", "tcp6", "ssl"}) and first.isdigit():
            return int(first)
    return 443 if config.listen else config.port
