"""The addresses of this server as its clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted_pypi.web.forwarded import external_base
from twisted_pypi.web.guard import peer_host
from twisted_pypi.web.proxies import TrustedProxies

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest


class Addresses:
    """Knows under which URL a client reached the server, behind a prefix and proxies too."""

    def __init__(self, prefix: str, public_url: str | None, proxies: TrustedProxies) -> None:
        """Serve under ``prefix``; ``public_url``, where given, is believed before anything a request says."""
        self.prefix = prefix
        self._public_url = public_url
        self._proxies = proxies

    def base_url(self, request: IndexRequest) -> str:
        """Return the absolute URL of the root, without a slash at its end."""
        if self._public_url is not None:
            return self._public_url.rstrip("/")
        scheme = "https" if request.channel.isSecure() else "http"
        return external_base(
            peer_host(request), scheme, request.getHeader(b"host"), request.headers_named, self.prefix, self._proxies
        )

    def is_trusted(self, host: str) -> bool:
        """Are the forwarding headers of this peer believed?"""
        return self._proxies.is_trusted(host)
