"""Collections of small valid packages, the same bytes each time; made once and kept in ``build``."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.clients.archives import sdist, wheel
from tests.clients.uploading import big_wheel

BUILD = Path(__file__).parents[1] / "build" / "benchmarks"
RELEASES = 5
"""Wheels of each project; every third project has as many sdists."""
SYLLABLES = ("ba", "do", "fi", "gu", "ka", "le", "mo", "nu", "pi", "ra", "se", "ti", "vo", "wu", "xe", "zo")


def project_name(number: int) -> str:
    """The name of a project by its number."""
    letters = "".join(SYLLABLES[number >> shift & 15] for shift in (0, 4, 8))
    return f"acme-{letters}-{number}"


def projects_in(files: int) -> int:
    """How many projects a collection of so many files has."""
    return files * 3 // (RELEASES * 4)


def files_of(number: int) -> int:
    """How many files a project has."""
    return RELEASES * 2 if number % 3 == 0 else RELEASES


def collection(files: int) -> Path:
    """Return a flat folder with so many files (a multiple of 1,000 is exact)."""
    folder = BUILD / f"{files}-files"
    stamp = BUILD / f"{files}-files.made"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number in range(projects_in(files)):
            name = project_name(number)
            for release in range(RELEASES):
                wheel(name, f"1.{release}", ["acme-bababa-0>=1.0"] if number else []).put_into(folder)
                if number % 3 == 0:
                    sdist(name, f"1.{release}").put_into(folder)
        stamp.touch()
    return folder


def big_file(megabytes: int) -> Path:
    """Return a valid wheel of so many millions of bytes."""
    folder = BUILD / f"{megabytes}-MB"
    name = f"acme-big-{megabytes}"
    path = folder / f"acme_big_{megabytes}-1.0-py3-none-any.whl"
    stamp = BUILD / f"{megabytes}-MB.made"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        made = big_wheel(folder, name, megabytes * 1_000_000)
        assert made == path, made
        stamp.touch()
    return path


def empty_folder(name: str) -> Path:
    """Return a folder with nothing in it."""
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
