"""Heads of requests as twenty real clients send them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"
GZIP = "gzip, deflate"

_PIP = (
    'pip/{} {{"ci":null,"cpu":"x86_64","distro":{{"id":"bookworm","libc":{{"lib":"glibc","version":"2.36"}},'
    '"name":"Debian GNU/Linux","version":"12"}},"implementation":{{"name":"CPython","version":"{}"}},'
    '"installer":{{"name":"pip","version":"{}"}},"openssl_version":"OpenSSL 3.0.17 1 Jul 2025","python":"{}",'
    '"system":{{"name":"Linux","release":"6.1.0-40-amd64"}}}}'
)
_UV = (
    'uv/{} {{"installer":{{"name":"uv","version":"{}"}},"python":"3.12.11","implementation":{{"name":"CPython",'
    '"version":"3.12.11"}},"distro":null,"system":{{"name":"Linux","release":null}},"cpu":"x86_64","ci":null}}'
)

CLIENTS: tuple[str, ...] = (
    *(
        _PIP.format(pip, python, pip, python)
        for pip, python in (
            ("26.3", "3.13.8"), ("26.1", "3.12.11"), ("25.3", "3.12.3"), ("25.0.1", "3.11.14"), ("24.3.1", "3.13.0"),
            ("24.0", "3.12.3"), ("23.2.1", "3.11.7"), ("22.3.1", "3.10.12"), ("21.3.1", "3.9.2"), ("20.0.2", "3.8.10"),
        )
    ),
    *(_UV.format(version, version) for version in ("0.13.9", "0.12.0", "0.9.5")),
    "poetry/2.5.1 CPython/3.12.11 Linux/6.1.0-40-amd64",
    "poetry/1.8.4 CPython/3.11.2 Linux/6.1.0-40-amd64",
    "unearth/0.18.0",
    "Hatch/1.18.2 cpython/3.13.8",
    "python-requests/2.33.0",
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
)  # fmt: skip
"""The User-Agent of each; some of those of pip are longer than all their other headers together."""


def heads(path: str, accept: str, *more: str, encoding: str = GZIP) -> list[bytes]:
    """Return one GET of each client for a path; ``more`` are further header lines."""
    written = []
    for number, client in enumerate(CLIENTS):
        lines = [f"User-Agent: {client}", f"Accept-Encoding: {encoding}", f"Accept: {accept}", *more]
        if number % 3:
            lines.append("Connection: keep-alive")
        if number % 2:
            lines.append("Cache-Control: max-age=0")
        # Clients do not agree on an order.
        lines = lines[number % 4 :] + lines[: number % 4]
        written.append("\r\n".join((f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", "")).encode())
    return written


def first_number() -> int:
    """Return a number from which on no head had any: were they to begin at one in each round, all would come again."""
    return time.monotonic_ns() // 1000


def lua(requests: Sequence[bytes], *, varied: bool) -> str:
    """Return a script by which ``wrk`` sends these requests in turn; ``varied``: each with a number of its own."""
    ends = 2 if varied else 0
    table = ",\n".join(_literal(each[: len(each) - ends]) for each in requests)
    number = ' .. "X-Request-Id: " .. sent .. "\\r\\n\\r\\n"' if varied else ""
    return f"""
local requests = {{{table}}}
local sent = {first_number()}
request = function()
  sent = sent + 1
  return requests[sent % {len(requests)} + 1]{number}
end
done = function(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.status + summary.errors.timeout
  print(string.format("FOUND %d %d %d %d %d", summary.requests, summary.duration, failed,
    latency:percentile(50), latency:percentile(99)))
end
"""


def _literal(text: bytes) -> str:
    escaped = text.decode().replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
    return f'"{escaped}"'


def distinct(requests: Iterable[bytes]) -> int:
    """How many of the requests are different."""
    return len(set(requests))
