"""Is this the password that this hash was made of?  Slow by intention: call it in a thread."""

from __future__ import annotations

from hmac import compare_digest

from passlib.context import CryptContext

from twisted_pypi.htpasswd import Scheme, scheme_of

LONGEST_PASSWORD = 512
"""Bytes; the limit of crypt(3).  The cost of the SHA crypts grows with the length, and a stranger chooses that."""

BCRYPT_BYTES = 72
"""What bcrypt looks at.  Tools have always cut passwords there, so hashes of longer ones exist."""

_BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_HANDLERS = ("bcrypt", "apr_md5_crypt", "md5_crypt", "ldap_sha1", "sha256_crypt", "sha512_crypt", "des_crypt")


class PasswordHashes:
    """Verifies passwords against the hashes of an htpasswd file."""

    def __init__(self) -> None:
        self._context = CryptContext(schemes=_HANDLERS)

    def verify(self, password: bytes, hashed: str) -> bool:
        """Is ``password`` (UTF-8) the one of ``hashed``?  Blocking, for up to seconds.

        No tool can make a hash of a NUL character, so a password with one is
        never right.
        """
        scheme = scheme_of(hashed)
        if scheme is None or b"\0" in password or len(password) > LONGEST_PASSWORD:
            return False
        if scheme is Scheme.PLAIN:
            return compare_digest(password, hashed.encode())
        if scheme is Scheme.BCRYPT:
            password, hashed = password[:BCRYPT_BYTES], _with_clear_padding(hashed)
        return self._context.verify(password, hashed)


def _with_clear_padding(hashed: str) -> str:
    """Return a bcrypt hash whose salt has its four unused bits at 0: some libraries made others, which are equal."""
    end = len(hashed) - 32
    return f"{hashed[:end]}{_BCRYPT_ALPHABET[_BCRYPT_ALPHABET.index(hashed[end]) & 0b110000]}{hashed[end + 1 :]}"
