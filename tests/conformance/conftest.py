"""Says what could not be tested."""

import pytest
from hypothesis import settings


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many old clients did not run for want of their interpreter."""
    skipped = [each for each in terminalreporter.stats.get("skipped", ()) if "test_old_clients" in each.nodeid]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} commands of old clients did not run on this machine; their recorded requests did."
        )


def pytest_configure() -> None:
    """Have a profile that looks longer for what strangers may send."""
    settings.register_profile("long", max_examples=5000)
