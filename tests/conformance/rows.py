"""The rows of the tables: requests, and what has to hold of the answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.conformance.answers import Answer

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
TEXT = "text/html; charset=utf-8"
JSON_ACCEPT = f"Accept: {JSON}"

Check = Callable[[Sequence[Answer]], None]
"""Raises ``AssertionError`` unless something holds of the answers to the requests of a row; mostly of the last."""

_EARLIER = re.compile(r"\{([a-z-]+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, by its parts."""

    target: str
    headers: tuple[str, ...] = ()
    """Lines; ``{etag}`` stands for that header of the answer before."""
    method: str = "GET"
    body: bytes | None = None
    version: str = "1.1"
    host: str = "index.example.com"
    recorded: bytes | None = None
    """The very bytes, where a real client's are sent."""

    def data(self, answers: Sequence[Answer]) -> bytes:
        """The bytes to send, after these answers."""
        if self.recorded is not None:
            return self.recorded
        lines = [f"{self.method} {self.target} HTTP/{self.version}", f"Host: {self.host}", *self.headers]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        head = _EARLIER.sub(lambda found: answers[-1].headers[found[1]], "\r\n".join(lines))
        return head.encode("latin-1") + b"\r\n\r\n" + (self.body or b"")

    @property
    def path(self) -> str:
        """The path of the target."""
        return self.target.partition("?")[0]

    def named(self, name: str) -> str | None:
        """The value of a header; ``None`` when it is not sent."""
        prefix = f"{name}: ".lower()
        return next((line[len(prefix) :] for line in self.headers if line.lower().startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule."""

    section: str
    """Where standards.md has it, or the RFC and its section."""
    title: str
    requests: tuple[Request, ...]
    checks: tuple[Check, ...]
    server: Literal["open", "private"] = "open"
    """Which server is asked: one where uploads alone need a login, or one where everything does."""

    def __str__(self) -> str:
        """What pytest shows."""
        return f"{self.section}: {self.title[:150]}"


def get(target: str, *headers: str, method: str = "GET", version: str = "1.1") -> Request:
    """Return a request without a body."""
    return Request(target, headers, method, None, version)


def rule(
    section: str,
    title: str,
    requests: Request | Sequence[Request],
    *checks: Check,
    server: Literal["open", "private"] = "open",
) -> Row:
    """Return a row."""
    asked = (requests,) if isinstance(requests, Request) else tuple(requests)
    return Row(section, title, asked, checks, server)


def status(*expected: int) -> Check:
    """Of every request, the status; one stands for all."""

    def check(answers: Sequence[Answer]) -> None:
        found = tuple(each.status for each in answers)
        assert found == (expected if len(expected) > 1 else expected * len(answers)), answers[-1]

    return check


def header(name: str, expected: str) -> Check:
    """A header of the last answer."""

    def check(answers: Sequence[Answer]) -> None:
        assert answers[-1].headers.get(name.lower()) == expected, answers[-1]

    return check


def matches(name: str, pattern: str) -> Check:
    """A header of the last answer, by a pattern for all of it."""

    def check(answers: Sequence[Answer]) -> None:
        assert re.fullmatch(pattern, answers[-1].headers.get(name.lower(), "")), answers[-1]

    return check


def without(*names: str) -> Check:
    """Headers that the last answer does not have."""

    def check(answers: Sequence[Answer]) -> None:
        assert not {each.lower() for each in names} & set(answers[-1].headers), answers[-1]

    return check


def body(expected: bytes) -> Check:
    """The body of the last answer."""

    def check(answers: Sequence[Answer]) -> None:
        assert answers[-1].unpacked == expected

    return check


def says(*texts: str) -> Check:
    """Texts that are in the body of the last answer."""

    def check(answers: Sequence[Answer]) -> None:
        for each in texts:
            assert each in answers[-1].text, (each, answers[-1].text)

    return check


def says_not(*texts: str) -> Check:
    """Texts that are not in the body of the last answer."""

    def check(answers: Sequence[Answer]) -> None:
        for each in texts:
            assert each not in answers[-1].text, (each, answers[-1].text)

    return check


def reason(expected: str) -> Check:
    """The reason phrase of the last answer, by a pattern for all of it."""

    def check(answers: Sequence[Answer]) -> None:
        assert re.fullmatch(expected, answers[-1].reason), answers[-1]

    return check


def json_at(*path: str | int, to_be: Any) -> Check:
    """What stands at a place of the JSON in the last answer."""

    def check(answers: Sequence[Answer]) -> None:
        found = answers[-1].json
        for each in path:
            found = found[each]
        assert found == to_be

    return check


def that(description: str, holds: Callable[[Sequence[Answer]], object]) -> Check:
    """Anything else, in words and in code."""

    def check(answers: Sequence[Answer]) -> None:
        assert holds(answers), (description, answers[-1], answers[-1].body[:2000])

    return check


def differ(name: str) -> Check:
    """A header that each answer has, each another."""
    return that(f"{name} differs", lambda answers: len({each.headers[name] for each in answers}) == len(answers))


def same(name: str) -> Check:
    """A header that each answer has, all the same."""
    return that(f"{name} is the same", lambda answers: len({each.headers[name] for each in answers}) == 1)


SAME_BODY = that("the bodies are the same", lambda answers: len({each.unpacked for each in answers}) == 1)
