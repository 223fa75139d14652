"""One function a kind of value: text -> value, or ``ValueError`` when it is not what is expected.

``Reason`` is raised where more can be said than what was expected.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import os
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from twisted_pypi.config import Action
from twisted_pypi.options.endpoint import endpoint
from twisted_pypi.options.setting import Reason

Words = TypeVar("Words", bound=StrEnum)

NO_LOGIN = "."
"""What ``--authenticate`` and ``--password-file`` are given when nobody needs a login."""

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([smhd]?)", re.IGNORECASE | re.ASCII)
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE | re.ASCII)
_PATH = re.compile(r"[^\s?#\\]*")
_PORT_OF = re.compile(r"(?:([\d.]+|\[[0-9a-f:.]+\])?:)?(\d{1,5})", re.IGNORECASE | re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def as_text(text: str) -> str:
    """Anything but nothing."""
    if not text:
        raise ValueError
    return text


def words(text: str) -> tuple[str, ...]:
    """What stands between commas and blanks."""
    return tuple(text.replace(",", " ").split())


def names(text: str) -> frozenset[str]:
    """A set of names, split by commas or blanks."""
    return frozenset(words(text))


def boolean(text: str) -> bool:
    """The words that people and compose files use for yes and no."""
    match text.strip().lower():
        case "1" | "true" | "yes" | "on" | "y" | "t":
            return True
        case "0" | "false" | "no" | "off" | "n" | "f" | "":
            return False
    raise ValueError


def whole(lowest: int, highest: int | None = None) -> Callable[[str], int]:
    """A parser for a whole number between two bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text.strip(), re.ASCII):
            raise ValueError
        number = int(text)
        if number < lowest or (highest is not None and number > highest):
            raise ValueError
        return number

    return parse


def port(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    if text.startswith("tcp://"):
        raise Reason(
            "a Kubernetes service named pypi sets it so, and a number from 0 to 65535 was expected: "
            "set enableServiceLinks to false in the pod, or give --port"
        )
    return whole(0, 65535)(text)


def size(text: str) -> int | None:
    """Bytes; ``K``, ``M``, ``G`` and ``T`` are powers of 1024; ``off``: ``None``."""
    if text.strip().lower() in {"off", "none", "0"}:
        return None
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError
    number, unit = match.groups()
    return math.floor(float(number) * 1024.0 ** " kmgt".index(unit.lower() or " "))


def duration(text: str) -> float:
    """Seconds, more than none; ``s``, ``m``, ``h`` and ``d`` may follow the number."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError
    number, unit = match.groups()
    seconds = float(number) * _SECONDS[unit.lower()]
    if seconds <= 0:
        raise ValueError
    return seconds


def age(text: str) -> int:
    """Whole seconds, none included: the ``delta-seconds`` of RFC 9111, section 1.2.2."""
    return 0 if text.strip() == "0" else math.floor(duration(text))


def path(text: str) -> str:
    """An absolute path; ``~`` is somebody's home."""
    if not text or "\0" in text:
        raise ValueError
    return os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111  # Path would keep ".."


def paths(text: str) -> tuple[str, ...]:
    """One absolute path."""
    return (path(text),)


def readable_file(text: str) -> str:
    """The absolute path of a file that is there."""
    found = path(text)
    if not os.path.isfile(found):  # noqa: PTH113  # as above
        raise ValueError
    return found


def password_file(text: str) -> str:
    """An absolute path, which need not be there, or ``.`` for "no login at all"."""
    return NO_LOGIN if text.strip() == NO_LOGIN else path(text)


def log_target(text: str) -> str:
    """``-``, ``off`` or an absolute path."""
    if text.lower() in {"off", "none"}:
        return "off"
    return "-" if text == "-" else path(text)


def actions(text: str) -> frozenset[Action]:
    """Actions split by commas or blanks, in any case; ``.`` or nothing: none."""
    found = words(text.lower())
    return frozenset() if found == (NO_LOGIN,) else frozenset(Action(each) for each in found)


def member_of(kind: type[Words]) -> Callable[[str], Words]:
    """A parser for one of the words of an enumeration."""
    return lambda text: kind(text.strip().lower())


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser for one of some words."""

    def parse(text: str) -> str:
        if text.strip().lower() not in choices:
            raise ValueError
        return text.strip().lower()

    return parse


def url(text: str) -> str:
    """An absolute ``http`` or ``https`` URL, without the slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    if not _PATH.fullmatch(text) or parts.port == 0:
        raise ValueError
    return text.rstrip("/")


def base_path(text: str) -> str:
    """A path prefix: empty for ``/``, else with a slash at its start and none at its end."""
    if "://" in text or not _PATH.fullmatch(text):
        raise ValueError
    stripped = text.strip("/")
    if stripped and not {"", ".", ".."}.isdisjoint(stripped.split("/")):
        raise ValueError
    return f"/{stripped}" if stripped else ""


def absolute_url_path(text: str) -> str:
    """A path below the server's own address, with a slash at its start."""
    if not re.fullmatch(r"/[^\s?#\\/][^\s?#\\]*", text):
        raise ValueError
    return text


def interface(text: str) -> str:
    """An address to listen on, or a name for one."""
    stripped = text.strip()
    try:
        return str(ipaddress.ip_address(stripped))
    except ValueError:
        if not _HOST_NAME.fullmatch(stripped):
            raise ValueError from None
    return stripped


def networks(text: str) -> tuple[str, ...]:
    """Addresses, networks and host names; ``none``: no one."""
    found = words(text)
    if not found:
        raise ValueError
    return () if found == ("none",) else tuple(_network(each) for each in found)


def _network(word: str) -> str:
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        if not _HOST_NAME.fullmatch(word) or not re.search("[a-z]", word, re.IGNORECASE):
            raise ValueError from None
        return word.lower()
    return str(network) if "/" in word else str(network.network_address)


def hash_algorithm(text: str) -> str | None:
    """A name that ``hashlib`` knows and whose digests have one length; ``0 no off false``: ``None``."""
    name = text.strip().lower()
    if name in {"0", "no", "off", "false"}:
        return None
    if name not in hashlib.algorithms_available or name.startswith("shake"):
        raise ValueError
    return name


def place(text: str) -> str:
    """A Twisted server endpoint string; a port, or an address and a port, stand for one."""
    if match := _PORT_OF.fullmatch(text):
        host = interface(match[1].strip("[]")).replace(":", r"\:") if match[1] else ""
        text = f"tcp{'6' * (':' in host)}:{port(match[2])}{f':interface={host}' * bool(host)}"
    return endpoint(text)[0]
