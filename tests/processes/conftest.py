"""Makes the fixtures for real processes known here."""

from tests.clients.fixtures import built, built_before, client, home, passwords, root, start, uploads

__all__ = ["built", "built_before", "client", "home", "passwords", "root", "start", "uploads"]
