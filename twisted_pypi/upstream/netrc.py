"""The format of a file with logins by host: that of netrc, without what would send a login to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, NoReturn

from twisted_pypi.errors import BadSetting

_TOKEN = re.compile(r'"(?P<quoted>(?:[^"\\\n]|\\.)*)"(?=\s|$)|(?P<plain>[^\s"]\S*)')
_ESCAPED = re.compile(r"\\(.)")


class Machine(NamedTuple):
    """A host in lower case, and its port if only that is meant."""

    host: str
    port: int | None


class _Token(NamedTuple):
    line: int
    text: str
    quoted: bool


def parse_netrc(text: str) -> Mapping[Machine, tuple[str, str]]:
    """Return user and password by machine.

    ``machine HOST login USER password PASSWORD``, over as many lines as one
    likes; ``HOST`` may be ``HOST:PORT``, ``[ADDRESS]`` or ``[ADDRESS]:PORT``.
    Values with spaces stand in double quotes.  ``#`` where a word is expected
    begins a comment.  ``account`` is read over.  Raises ``BadSetting`` naming
    the line and nothing that stands in it.
    """
    found: dict[Machine, tuple[str, str]] = {}
    tokens = _Tokens(text)
    for token in tokens.words():
        if token.text != "machine":
            _refuse(token, "expected `machine HOST login USER password PASSWORD`")
        machine = _machine(tokens.value(token))
        values = dict(tokens.pairs())
        if machine in found:
            _refuse(token, "expected one login for a machine, and it has one already")
        if "password" not in values:
            _refuse(token, "expected a `password` for the machine")
        found[machine] = values.get("login", ""), values["password"]
    return found


class _Tokens:
    """The words of a file, one after the other."""

    def __init__(self, text: str) -> None:
        self._all = list(_tokens(text))
        self._next = 0

    def words(self) -> Iterator[_Token]:
        while (token := self._word()) is not None:
            yield token

    def value(self, word: _Token) -> _Token:
        if self._next == len(self._all):
            _refuse(word, f"expected something after `{word.text}`")
        self._next += 1
        return self._all[self._next - 1]

    def pairs(self) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        while (word := self._word()) is not None:
            if word.text not in {"login", "user", "account", "password"} or word.quoted:
                self._next -= 1
                return
            name = "login" if word.text == "user" else word.text
            if name in seen:
                _refuse(word, f"expected one `{name}` for a machine")
            seen.add(name)
            value = self.value(word)
            if name == "login" and ":" in value.text:
                # RFC 7617 section 2: what stands behind the colon would be sent as the password.
                _refuse(value, "expected a user name without a colon")
            yield name, value.text

    def _word(self) -> _Token | None:
        while self._next < len(self._all):
            token = self._all[self._next]
            self._next += 1
            if token.quoted or not token.text.startswith("#"):
                return token
            while self._next < len(self._all) and self._all[self._next].line == token.line:
                self._next += 1
        return None


def _tokens(text: str) -> Iterator[_Token]:
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        position = 0
        while rest := line[position:].lstrip():
            position = len(line) - len(rest)
            match = _TOKEN.match(line, position)
            if match is None:
                if _in_comment(line, position):
                    break
                raise BadSetting(f"line {number} of the file of logins cannot be used: expected a closing quote")
            position = match.end()
            quoted = match["quoted"]
            token = match["plain"] if quoted is None else _ESCAPED.sub(r"\1", quoted)
            if not token.isprintable():
                raise BadSetting(f"line {number} of the file of logins cannot be used: expected no control characters")
            yield _Token(number, token, quoted is not None)


def _in_comment(line: str, position: int) -> bool:
    return "#" in (word[:1] for word in line[:position].split())


def _machine(token: _Token) -> Machine:
    host, colon, port = token.text.lower().rpartition(":")
    if not colon or port.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = token.text.lower(), ""
    host = host.removeprefix("[").removesuffix("]").rstrip(".")
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) else None
    if not host or "/" in host or "@" in host or (colon and port and number is None) or number == 0:
        _refuse(token, "expected a host name after `machine`, or HOST:PORT")
    return Machine(host, number)


def _refuse(token: _Token, expected: str) -> NoReturn:
    if token.text in {"default", "macdef"} and not token.quoted:
        expected = f"`{token.text}` is not allowed here; name each machine and its login"
    raise BadSetting(f"line {token.line} of the file of logins cannot be used: {expected}")
