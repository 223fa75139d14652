"""What went wrong between here and another index, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error as errors
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.upstream.addresses import Address
from twisted_pypi.upstream.retrying import BrokenOff
from twisted_pypi.upstream.tunnels import TunnelRefused

_LATER = "try again later, or see --fallback and --offline"
_KNOWN: tuple[tuple[type[Exception], str, str], ...] = (
    (errors.DNSLookupError, "has no address that could be found", "check the name, and the name server"),
    (errors.ConnectionRefusedError, "refused the connection", "check the address, or the proxy on the way to it"),
    (ResponseNeverReceived, "closed the connection without an answer", _LATER),
    (ResponseFailed, "broke off in the middle of an answer, or sent what is no HTTP", _LATER),
)


def failed(address: Address, what: str, advice: str) -> UpstreamFailed:
    """An error that another try would meet again; ``what`` the upstream did, ``advice`` for the operator."""
    return UpstreamFailed(f"{address.netloc} {what}; {advice}")


def broken_off(address: Address, what: str, advice: str = _LATER, *, retry_after: float | None = None) -> BrokenOff:
    """An error that another try may not meet."""
    return BrokenOff(f"{address.netloc} {what}; {advice}", retry_after)


def failure_of(error: Exception, address: Address) -> UpstreamFailed:
    """Say what an error of Twisted, or below it, means for a request to ``address``."""
    for each in _reasons(error):
        if isinstance(each, VerificationError):
            return failed(address, "has a certificate for another host", "check the address of the upstream index")
        if isinstance(each, SSL.Error):
            return _tls(each, address)
        if isinstance(each, TunnelRefused):
            return _tunnel(each, address)
        for kind, what, advice in _KNOWN:
            if isinstance(each, kind):
                return broken_off(address, what, advice)
    return broken_off(address, f"could not be asked ({type(error).__name__})", "check the address and the network")


def _tls(error: SSL.Error, address: Address) -> UpstreamFailed:
    details = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reason = ", ".join(str(each[-1]) for each in details if each)
    if "verify failed" in reason:
        advice = "name its authority with --upstream-ca or SSL_CERT_FILE"
        return failed(address, "has a certificate that is not trusted", advice)
    return broken_off(address, f"could not agree on TLS ({reason or 'the connection was closed'})")


def _tunnel(error: TunnelRefused, address: Address) -> UpstreamFailed:
    if error.status is None:
        return failed(address, "could not be reached, since the proxy does not speak HTTP", "check HTTPS_PROXY")
    what = f"could not be reached, since the proxy answered {error.status}"
    if error.status == 407:
        return failed(address, what, "put a login into HTTPS_PROXY, or the right one")
    if error.status >= 500 or error.status == 429:
        return broken_off(address, what)
    return failed(address, what, "ask who runs the proxy, or see NO_PROXY")


def _reasons(error: object) -> Iterator[object]:
    """What is behind an error, the innermost first."""
    for failure in getattr(error, "reasons", None) or ():
        yield from _reasons(getattr(failure, "value", None))
    yield error
