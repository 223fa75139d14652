"""A fetcher out of settings and variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted_pypi.upstream.agents import Agents
from twisted_pypi.upstream.fetching import Fetcher
from twisted_pypi.upstream.logins import logins_of, read_netrc
from twisted_pypi.upstream.patience import Limits
from twisted_pypi.upstream.proxies import proxies_of
from twisted_pypi.upstream.trust import Trust, read_authorities


def make_fetcher(
    reactor: Any,
    upstreams: Iterable[str],
    environment: Mapping[str, str],
    random: Callable[[], float],
    *,
    netrc: str | None = None,
    ca_file: str | None = None,
    limits: Limits | None = None,
) -> tuple[Fetcher, list[str]]:
    """Return a fetcher for indexes, and what the operator should be warned of.

    ``environment`` is asked for the variables of proxies and for
    ``SSL_CERT_FILE``; ``netrc`` and ``ca_file`` are paths.  Blocking: files are
    read.  Raises ``BadSetting``.
    """
    warnings = []
    text = ""
    if netrc is not None:
        text, warning = read_netrc(netrc)
        if warning is not None:
            warnings.append(warning)
    files = [path for path in (environment.get("SSL_CERT_FILE"), ca_file) if path]
    authorities = [each for path in files for each in read_authorities(path)]
    agents = Agents(reactor, proxies_of(environment), Trust(authorities))
    return Fetcher(agents, reactor, random, logins_of(upstreams, text), limits), warnings
