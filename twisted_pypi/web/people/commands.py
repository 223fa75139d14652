"""The lines to paste that install from an index and upload to it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Command:
    """What one tool is told."""

    tool: str
    lines: tuple[str, ...]


def install_commands(base_url: str) -> tuple[Command, ...]:
    """Return how each client installs; ``base_url`` is absolute, without a slash at its end."""
    simple = f"{base_url}/simple/"
    trusted = insecure_host(base_url)
    trust = f" --trusted-host {trusted}" if trusted else ""
    return (
        Command("pip", (f"pip install --index-url {simple}{trust} PACKAGE",)),
        Command("uv", (f"uv pip install --default-index {simple} PACKAGE",)),
        Command("poetry", (f"poetry source add internal {simple}", "poetry add --source internal PACKAGE")),
    )


def upload_commands(base_url: str) -> tuple[Command, ...]:
    """Return how each client uploads; ``base_url`` is absolute, without a slash at its end."""
    address = f"{base_url}/"
    return (
        Command("twine", (f"twine upload --repository-url {address} dist/*",)),
        Command("uv", (f"uv publish --publish-url {address} dist/*",)),
        Command("poetry", (f"poetry config repositories.internal {address}", "poetry publish --repository internal")),
    )


def insecure_host(base_url: str) -> str | None:
    """Return the host that pip would not trust without being told to: plain HTTP, and not this very machine."""
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return None
    host = parts.hostname
    if parts.scheme == "https" or not host or host == "localhost":
        return None
    try:
        return None if ip_address(host).is_loopback else host
    except ValueError:
        return host
