"""Kinds of distribution: what two files of different releases have in common when they are for the same installers.

For wheels that is their tags (platform compatibility tags specification)
without the versions that change from release to release: a wheel for
``cp311-cp311-manylinux_2_17_x86_64`` and one for
``cp311-cp311-manylinux_2_28_x86_64`` are of one kind, and so are two of the
stable ABI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeVar

from twisted_pypi.distributions import Kind, parse_filename, wheel_tags
from twisted_pypi.errors import BadFilename

Key = TypeVar("Key")

SOURCE = "source"
"""The family of platforms of a source distribution."""

_PYTHON = re.compile(r"([a-z]+)(\d)(\d{0,2})\Z")
_PLATFORM = re.compile(r"([a-z]+)((?:_\d{1,6})+)_(\w+)\Z")
_OLD_MANYLINUX = re.compile(r"manylinux(1|2010|2014)_(\w+)\Z")
_GLIBC = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}
_MOST_TAGS = 200


class Family(NamedTuple):
    """For whom a file is, without versions that differ from release to release."""

    python: str
    """Such as ``cp311``; ``py3`` for all of Python 3, ``cp3`` where the ABI is stable."""
    abi: str
    platform: str
    """Such as ``manylinux_x86_64``; ``any``; ``source`` for a source distribution."""
    label: str = ""
    """A wheel's variant (PEP 817, a draft); what the name of another file has behind its version."""


class Needs(NamedTuple):
    """What an installer has to have at least."""

    python: tuple[int, ...]
    """The version of Python."""
    platform: tuple[int, ...]
    """The version of glibc, musl, macOS and such; empty: it does not matter."""


@dataclass(frozen=True, slots=True)
class Package:
    """A file name, as far as it says for whom the file is."""

    filename: str
    build: tuple[int, str]
    """The build tag of a wheel, which decides between files that are otherwise alike."""
    families: dict[Family, Needs]
    """All that it is for; empty where that cannot be told."""
    tags: dict[str, Needs]
    """The tags of a wheel, with the family of the platform for the platform; empty for a variant."""


def python_version(tag: str) -> tuple[str, tuple[int, ...]]:
    """Return implementation and version of a Python tag; one of another form has no version."""
    found = _PYTHON.match(tag)
    if found is None:
        return tag, ()
    name, major, minor = found.groups()
    return name, (int(major), int(minor)) if minor else (int(major),)


def platform_family(tag: str) -> tuple[str, tuple[int, ...]]:
    """Return the family of a platform tag, and the version of the platform that it asks for."""
    if old := _OLD_MANYLINUX.match(tag):
        return f"manylinux_{old[2]}", _GLIBC[old[1]]
    if found := _PLATFORM.match(tag):
        return f"{found[1]}_{found[3]}", tuple(int(each) for each in found[2].split("_")[1:])
    return tag, ()


@lru_cache(maxsize=4096)
def package(filename: str) -> Package | None:
    """Return what the name of a file says; ``None`` when it is none of a distribution."""
    try:
        distribution = parse_filename(filename)
    except BadFilename:
        return None
    if distribution.kind is Kind.WHEEL:
        return _wheel(filename)
    if distribution.kind is Kind.SDIST:
        family = Family("", "", SOURCE)
    else:
        family = Family("", distribution.kind, "", filename.partition(f"-{distribution.version}")[2])
    return Package(filename, (0, ""), {family: Needs((), ())}, {})


def _wheel(filename: str) -> Package:
    found = wheel_tags(filename)
    number = re.match(r"\d{1,9}", found.build)
    families: dict[Family, Needs] = {}
    tags: dict[str, Needs] = {}
    if len(found.pythons) * len(found.abis) * len(found.platforms) <= _MOST_TAGS:
        for python, abi, platform in product(found.pythons, found.abis, found.platforms):
            on, at_least = platform_family(platform)
            needs = Needs(python_version(python)[1], at_least)
            _lowest(families, Family(*_without_versions(python, abi), on, found.label), needs)
            if not found.label:
                _lowest(tags, f"{python}-{abi}-{on}", needs)
    return Package(filename, (int(number[0]) if number else 0, found.build), families, tags)


def _without_versions(python: str, abi: str) -> tuple[str, str]:
    name, version = python_version(python)
    if version and (name == "py" or abi.startswith("abi3")):
        return f"{name}{version[0]}", abi
    return python, "pypy" if abi.startswith("pypy") else abi


def _lowest(known: dict[Key, Needs], key: Key, needs: Needs) -> None:
    """A set of tags is for whoever has one of them, so the least that is asked counts."""
    known[key] = min(known.get(key, needs), needs)
