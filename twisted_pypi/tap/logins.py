"""Who may log in, who may upload, and who vouches for what is uploaded."""

from __future__ import annotations

from typing import Any

from twisted_pypi.accounts.htpasswd_accounts import HtpasswdAccounts
from twisted_pypi.accounts.nobody import Nobody
from twisted_pypi.accounts.threads import HashingThreads
from twisted_pypi.config import Action, Attestations, Config
from twisted_pypi.throttle import TRIES, Throttle
from twisted_pypi.uploading import Verify

NO_UPLOADS = "this server takes no uploads: nobody can log in to it, since it has no password file (--password-file)"
"""Why nobody may upload to a server without a password file."""

NO_USERS = "this server takes no uploads: its password file is not there, or has no users"
"""Why nobody may upload to a server that wants no login for it, and has a password file that lets nobody in."""


def make_accounts(config: Config, hashing: HashingThreads, reactor: Any) -> HtpasswdAccounts | Nobody:
    """Return who may log in: nobody without a password file."""
    if config.password_file is None:
        return Nobody()
    # Each process counts for itself: together they let through what one would, or a few more.
    tries = Throttle(reactor, tries=-(-TRIES // config.workers))
    return HtpasswdAccounts(config.password_file, clock=reactor, in_thread=hashing, tries=tries)


def why_closed(config: Config, accounts: HtpasswdAccounts | Nobody) -> str | None:
    """Why nobody may upload; an open server is never an accident."""
    if config.password_file is None:
        # No login at all was asked for with both options, or there is no password file by default.
        return NO_UPLOADS if config.authenticate else None
    if Action.UPDATE not in config.authenticate and not accounts.users:
        return NO_USERS
    return None


def make_verifier(config: Config, reactor: Any) -> Verify | None:
    """Who verifies attestations; an extra, which is imported only where it is asked for."""
    if config.attestations not in {Attestations.VERIFY, Attestations.REQUIRE}:
        return None
    from twisted_pypi.uploading.verification import Verifier  # noqa: PLC0415  # slow, and not always installed

    return Verifier(reactor.seconds)
