"""Makes the fixtures for real processes known here."""

import pytest

from tests.clients.fixtures import built, built_before, client, home, passwords, root, start, uploads

__all__ = ["built", "built_before", "client", "home", "passwords", "root", "start", "uploads"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many clients did not run for want of their interpreter or program."""
    skipped = [each for each in terminalreporter.stats.get("skipped", ()) if "tests/clients/" in each.nodeid]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests with real clients did not run on this machine (see above).")
