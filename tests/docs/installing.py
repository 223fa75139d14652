"""Commands that a page shows and that no test runs: they need the outside. What they name is compared instead."""

from __future__ import annotations

import re
import tomllib
from argparse import REMAINDER, ArgumentParser
from collections.abc import Callable, Mapping, Sequence

from packaging.requirements import Requirement

from tests.docs.blocks import PROJECT
from twisted_pypi.command.verbs import VERBS
from twisted_pypi.options.table import SETTINGS

_PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
_OTHERS = {"twine", "uv"}
_IMAGE, _CONTAINER = "twisted_pypi", "pypi"
"""What the pages call the image, and a container of it."""


def _installs(words: Sequence[str]) -> str:
    """Is it this project, by its name and with extras that it has?"""
    wanted = [Requirement(word) for word in words if re.match(r"[A-Za-z]", word)][_verbs(words) :]
    for requirement in wanted:
        if requirement.name in _OTHERS:
            continue
        unknown = requirement.extras - set(_PYPROJECT["optional-dependencies"])
        if requirement.name != _PYPROJECT["name"] or unknown:
            return f"{requirement} is not {_PYPROJECT['name']} with extras that it has"
    return ""


def _verbs(words: Sequence[str]) -> int:
    return words.index("install") + 1


def _makes(words: Sequence[str]) -> str:
    """Is it a target of the Makefile?"""
    there = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    return "" if set(words[1:]) <= there else f"{words} names no target of the Makefile"


def _builds(words: Sequence[str]) -> str:
    """Is it the image of this folder?"""
    return (
        "" if words == ["docker", "build", "-t", _IMAGE, "."] else f"{words} does not build {_IMAGE} from this folder"
    )


def _starts(words: Sequence[str]) -> str:
    """Does it mount what the image keeps packages in, publish the port that it serves on, and set what there is?"""
    said = _docker_run().parse_args(words[2:])
    variables = dict(re.findall(r"(PYPI_\w+)=(\S+)", (PROJECT / "Dockerfile").read_text()))
    known = {each for setting in SETTINGS for each in setting.variables} | {"PYPI_EXTRA"}
    problems = [
        f"{mount} is not mounted at {variables['PYPI_ROOT']}"
        for mount in said.volume
        if mount.split(":")[1] != variables["PYPI_ROOT"]
    ]
    problems += [
        f"{port} is not {variables['PYPI_PORT']} inside"
        for port in said.publish
        if port.split(":")[-1] != variables["PYPI_PORT"]
    ]
    problems += [f"{each} is no variable" for each in said.env if each.partition("=")[0] not in known]
    if said.image != _IMAGE:
        problems.append(f"{said.image} is not {_IMAGE}")
    if said.words:
        problems.append(_inside(said.words))
    return ", ".join(filter(None, problems))


def _runs_inside(words: Sequence[str]) -> str:
    """Is it a command that there is in the image?"""
    inside = words[words.index(_CONTAINER) + 1 :]
    return _inside(inside)


def _inside(words: Sequence[str]) -> str:
    if words[0] == "pypi-server" or words[0].startswith("-"):
        return ""
    if words[0] != "twisted-pypi" or words[1] not in {verb.name for verb in VERBS}:
        return f"{words} is nothing that the image has"
    return ""


def _docker_run() -> ArgumentParser:
    parser = ArgumentParser("docker run", exit_on_error=False)
    parser.add_argument("-d", action="store_true")
    parser.add_argument("--rm", action="store_true")
    parser.add_argument("--name")
    parser.add_argument("--user")
    parser.add_argument("-v", "--volume", action="append", default=[])
    parser.add_argument("-p", "--publish", action="append", default=[])
    parser.add_argument("-e", "--env", action="append", default=[])
    parser.add_argument("image")
    parser.add_argument("words", nargs=REMAINDER)
    return parser


ONLY_READ: Mapping[str, Callable[[list[str]], str]] = {
    "pip install twisted_pypi": _installs,
    "uv tool install twisted_pypi": _installs,
    "make ": _makes,
    "docker build": _builds,
    "docker run": _starts,
    "docker exec": _runs_inside,
}
"""By what they begin with; each function says what is wrong, or nothing."""
