"""A server without a password file."""

from __future__ import annotations

import pytest
import pytest_twisted

from twisted_pypi.accounts.nobody import Nobody
from twisted_pypi.boundaries import Accounts
from twisted_pypi.errors import LoginRequired


@pytest_twisted.ensureDeferred
async def test_every_login_is_refused() -> None:
    accounts: Accounts = Nobody()
    assert accounts.remembered(b"Basic YTpi") is None
    for authorization in (None, b"", b"Basic YTpi"):
        with pytest.raises(LoginRequired, match="this server has no password file"):
            await accounts.log_in(authorization, "192.0.2.1")
    assert Nobody().current_generation() == 0
