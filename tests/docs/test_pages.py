"""The documentation builds without a warning, and what it tells people to type can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.environments import Client, Environment, programs_of
from tests.docs.blocks import PROJECT, Block, blocks
from twisted_pypi.command.reference import options_of
from twisted_pypi.command.verbs import VERBS
from twisted_pypi.options.table import SETTINGS, UPDATE

PAGES = sorted([*(PROJECT / "docs").rglob("*.md"), PROJECT / "README.md", PROJECT / "README.ko.md"])
EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
DOCS = Environment("docs", tuple(EXTRAS["docs"]))
OURS = {"twisted-pypi", "pypi-server"}
ENDS = {"|", "&&", ">", ";", "2>"}
SERVER = {flag for setting in SETTINGS + UPDATE for flag in (*setting.flags, *setting.off_flags)} | {
    "--help",
    "--version",
}


@pytest.mark.clients
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    client = Client(programs_of(DOCS), tmp_path)
    site = tmp_path / "site"
    words = ("mkdocs", "build", "--quiet", "--strict", "--site-dir", site)
    done = client.run(*map(str, words), cwd=PROJECT, variables={"NO_MKDOCS_2_WARNING": "1"})
    assert done.output == ""
    assert (site / "howto" / "ci.html").exists()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_command_is_one(path: Path) -> None:
    problems = [f"{problem}, in: {shlex.join(words)}" for words in _typed(path) if (problem := _wrong(words))]
    assert problems == []


def _typed(path: Path) -> Iterator[list[str]]:
    """The commands of this project that a page shows, in blocks with fences or indented ones, as words."""
    page = path.read_text()
    outside = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    indented = "".join(re.findall(r"^    (.*\n)", outside, re.MULTILINE))
    for block in [*blocks(page), Block("sh", indented, 0)]:
        if block.language not in {"sh", "console", ""}:
            continue
        prompts = block.language == "console" or re.search(r"^[$#] ", block.text, re.MULTILINE)
        for line in block.text.replace("\\\n", " ").splitlines():
            if prompts and not re.match(r"[$#] ", line):
                continue
            try:
                words = shlex.split(re.sub(r"^[$#] ", "", line), comments=True)
            except ValueError:
                continue
            for at, word in enumerate(words):
                if word.rpartition("/")[2] in OURS:
                    # What follows a pipe or a redirection is not ours.
                    end = next((n for n, each in enumerate(words[at:], at) if each in ENDS), None)
                    yield words[at:end]


def _wrong(words: list[str]) -> str:
    """What cannot be understood of a command."""
    program, rest = words[0].rpartition("/")[2], words[1:]
    known = SERVER
    if program == "twisted-pypi":
        if rest and rest[0].startswith("-"):
            return ""
        verb = next((each for each in VERBS if rest and each.name == rest[0]), None)
        if verb is None:
            return "no such command" if rest and rest[0] != "VERB" else ""
        own = set(re.findall(r"--?[a-z][\w-]*", " ".join([*options_of(verb), verb.words, verb.help])))
        known = own | {"--help"} | (SERVER if verb.help or verb.name in {"run", "update", "own", "recalls"} else set())
    flags = [word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)]
    return ", ".join(f"{flag} is no option of it" for flag in flags if flag not in known)


CI = (PROJECT / "docs" / "howto" / "ci.md").read_text()
EXAMPLES = [each for each in blocks(CI) if each.language == "yaml"]


def _scripts(document: Any) -> Iterator[str]:
    """Each script of a workflow, wherever it stands."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in {"run", "script", "before_script"}:
                yield "\n".join(value) if isinstance(value, list) else value
            else:
                yield from _scripts(value)
    elif isinstance(document, list):
        for each in document:
            yield from _scripts(each)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"line {each.line}")
def test_ci_examples_can_be_read(example: Block) -> None:
    scripts = list(_scripts(yaml.safe_load(example.text)))
    assert scripts
    for script in scripts:
        subprocess.run(["bash", "-n", "-c", script], check=True)


def test_both_ci_examples_test_first_and_publish_tags_only() -> None:
    github, gitlab = (yaml.safe_load(each.text) for each in EXAMPLES[:2])
    assert github["jobs"]["publish"]["needs"] in github["jobs"]
    assert "refs/tags/" in github["jobs"]["publish"]["if"]
    assert gitlab["stages"].index(gitlab["test"]["stage"]) < gitlab["stages"].index(gitlab["publish"]["stage"])
    assert gitlab["publish"]["rules"] == [{"if": "$CI_COMMIT_TAG"}]
    for document in (github, gitlab):
        (upload,) = (
            line
            for script in _scripts(document)
            for line in script.splitlines()
            if "publish-url" in line or "upload" in line
        )
        assert "https://index.example.com/ dist/*" in upload
        assert "secrets.INDEX_PASSWORD" in str(document) or "$INDEX_PASSWORD" in str(document)
