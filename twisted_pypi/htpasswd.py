"""The htpasswd format: text in, a table of users out.

What counts as a line, a field and a duplicate is what Apache's
``mod_authn_file`` does.  Nothing here computes a hash.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Scheme(StrEnum):
    """How the second field of a line keeps a password."""

    BCRYPT = "bcrypt"
    APR1 = "apr1"
    MD5_CRYPT = "md5-crypt"
    SHA1 = "sha1"
    SHA256_CRYPT = "sha256-crypt"
    SHA512_CRYPT = "sha512-crypt"
    DES_CRYPT = "des-crypt"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class PasswordTable:
    """The users of one htpasswd file."""

    entries: Mapping[str, str]
    """User name -> hash text, in the order of the file; every one of them can be verified."""
    problems: tuple[tuple[int, str], ...] = ()
    """Line number (from 1) and reason of each line that lets nobody in."""
    typical: str | None = None
    """The hash text of one user, of the scheme and cost that most users have; ``None`` when there are no users."""
    cut_off: bool = False
    """Does the text end in the middle of a line, as a file does that is still being written?"""


EMPTY = PasswordTable(MappingProxyType({}))
"""The table of a file without users."""

LONGEST_NAME = 255
"""Characters of a user name; the limit of the htpasswd tool."""

HIGHEST_BCRYPT_COST = 17
"""The limit of the htpasswd tool: one check takes about 13 s, and each step more doubles that."""

MOST_ROUNDS = 10_000_000
"""Rounds of the SHA crypts beyond which one check would hold a thread for more than about 15 s."""

_H64 = "[./0-9A-Za-z]"
_ROUNDS = r"(?:rounds=(?P<cost>[1-9][0-9]{3,8})\$)?"
_WHOLE: tuple[tuple[Scheme, re.Pattern[str]], ...] = (
    # As below, bits that are always 0: 184 bits in 31 characters.
    (Scheme.BCRYPT, re.compile(rf"\$2[aby]?\$(?P<cost>[0-9]{{2}})\${_H64}{{52}}[.CGKOSWaeimquy26]")),
    (Scheme.APR1, re.compile(rf"\$apr1\${_H64}{{0,8}}\${_H64}{{22}}")),
    (Scheme.MD5_CRYPT, re.compile(rf"\$1\${_H64}{{0,8}}\${_H64}{{22}}")),
    (Scheme.SHA1, re.compile(r"\{SHA\}[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=")),
    (Scheme.SHA256_CRYPT, re.compile(rf"\$5\${_ROUNDS}{_H64}{{0,16}}\${_H64}{{43}}")),
    (Scheme.SHA512_CRYPT, re.compile(rf"\$6\${_ROUNDS}{_H64}{{0,16}}\${_H64}{{86}}")),
    # 64 bits in 11 characters of 6: the last one has two bits that are always 0, so it is one of these 16.
    (Scheme.DES_CRYPT, re.compile(rf"{_H64}{{12}}[.26AEIMQUYcgkosw]")),
)
_COSTS = {
    Scheme.BCRYPT: range(4, HIGHEST_BCRYPT_COST + 1),
    Scheme.SHA256_CRYPT: range(MOST_ROUNDS + 1),
    Scheme.SHA512_CRYPT: range(MOST_ROUNDS + 1),
}
_RESEMBLES_HASH = re.compile(rf"\$[A-Za-z0-9-]{{1,16}}\$|\{{[A-Za-z0-9./-]+\}}|_{_H64}{{19}}\Z")
_FOREIGN = ("$argon2", "$2x$", "$y$", "$gy$", "$7$", "$scrypt$", "$pbkdf2", "$sha1$", "$md5", "{SSHA}", "{PLAIN}", "_")
_BEGINNINGS = ("$2a$", "$2b$", "$2y$", "$2$", "$apr1$", "$1$", "{SHA}", "$5$", "$6$")


def decode(data: bytes) -> str:
    """Return the text of a password file: UTF-8, but latin-1 for each line that is not.

    Tools wrote user names in the character set of their terminal, so one old
    line does not spoil the others.
    """
    return "\n".join(_decode_line(line) for line in data.split(b"\n"))


def _decode_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def parse(text: str) -> PasswordTable:
    """Read a password file; a line that can let nobody in is reported and skipped, never raised.

    The first line of a user counts, as for Apache, even when it can let
    nobody in; later ones are problems.  Blanks around a line, a byte order
    mark, empty lines, comments (``#`` first) and whatever follows a second
    colon are left out.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    entries: dict[str, str] = {}
    problems: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, hashed = _fields(line)
        problem = _name_problem(name, colon)
        if problem is None and seen.setdefault(name, number) != number:
            problem = f"the user {name!r} was on line {seen[name]} already, and the first line counts"
        if problem is None and scheme_of(hashed) is None:
            problem = _hash_problem(hashed)
        if problem is None:
            entries[name] = hashed
        else:
            problems.append((number, problem))
    return PasswordTable(MappingProxyType(entries), tuple(problems), _typical(entries), _unfinished(lines[-1]))


def scheme_of(hashed: str) -> Scheme | None:
    """Return how this field keeps a password; ``None`` when nothing can ever verify against it.

    Plain text is what neither is nor resembles a hash.  Thirteen characters
    that can be a DES crypt are one, so that no hash is itself a password.
    """
    shape = _shape(hashed)
    if shape is not None:
        scheme, cost = shape
        return scheme if cost in _COSTS.get(scheme, (cost,)) else None
    if not hashed or not hashed.isprintable() or _damaged(hashed) or _RESEMBLES_HASH.match(hashed) or _locked(hashed):
        return None
    return Scheme.PLAIN


def _fields(line: str) -> tuple[str, str, str]:
    name, colon, rest = line.strip().partition(":")
    return name, colon, rest.partition(":")[0]


def _shape(hashed: str) -> tuple[Scheme, int] | None:
    """Return the scheme and the cost that stands in a whole hash (0: none does)."""
    for scheme, pattern in _WHOLE:
        found = pattern.fullmatch(hashed)
        if found is not None:
            return scheme, int(found.groupdict().get("cost") or 0)
    return None


def _damaged(hashed: str) -> bool:
    """Is this a part of a hash of ours, from its beginning?"""
    return hashed.startswith(_BEGINNINGS) or any(beginning.startswith(hashed) for beginning in _BEGINNINGS)


def _locked(hashed: str) -> bool:
    """Is this one of the marks that lock an account, as in shadow(5) and crypt(3)?"""
    behind = hashed.lstrip("!*")
    return behind != hashed and (behind in {"", "0", "1"} or _shape(behind) is not None or _damaged(behind))


def _unfinished(last_line: str) -> bool:
    """Is this, which no line feed follows, less than a whole line?"""
    name, colon, hashed = _fields(last_line)
    if not name or name.startswith("#"):
        return bool(colon) and not name
    return not colon or (_shape(hashed) is None and _damaged(hashed))


def _name_problem(name: str, colon: str) -> str | None:
    if not colon:
        return "there is no colon, and user:hash was expected"
    if not name:
        return "there is no user name before the colon"
    if len(name) > LONGEST_NAME:
        return f"the user name has {len(name)} characters, and {LONGEST_NAME} is the most"
    if not name.isprintable():
        return "the user name has characters that cannot be printed, and UTF-8 text was expected"
    return None


def _hash_problem(hashed: str) -> str:
    """Return why a field can verify nothing; no part of what may be a secret is in the sentence."""
    if not hashed:
        return "there is no password hash after the colon"
    if not hashed.isprintable():
        return "the password has characters that cannot be printed, and UTF-8 text was expected"
    if _locked(hashed):
        return "the account is locked"
    if _shape(hashed) is not None:
        return f"the cost cannot be used: bcrypt takes 4 to {HIGHEST_BCRYPT_COST}, $5$ and $6$ at most {MOST_ROUNDS} rounds"
    if _damaged(hashed):
        return "the hash is damaged or cut off: set this password again with htpasswd -B"
    kind = next((each for each in _FOREIGN if hashed.startswith(each)), "")
    return f"hashes of this kind {kind and f'({kind}) '}are not known here: set this password again with htpasswd -B"


def _typical(entries: Mapping[str, str]) -> str | None:
    """Return a hash with the most common scheme and cost."""
    shapes = {hashed: _shape(hashed) for hashed in entries.values()}
    if not shapes:
        return None
    commonest = Counter(shapes.values()).most_common(1)[0][0]
    return next(hashed for hashed, shape in shapes.items() if shape == commonest)
