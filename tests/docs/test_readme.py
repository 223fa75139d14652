"""README.md works word for word, claims nothing that was not measured, and its Korean twin says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import serving
from tests.docs.blocks import PROJECT, blocks, headings, steps, without_comments
from tests.docs.installing import ONLY_READ
from tests.docs.terminal import Terminal

ENGLISH = (PROJECT / "README.md").read_text()
KOREAN = (PROJECT / "README.ko.md").read_text()
OURS = wheel("my-package", "1.0")
LONGEST = 100
"""Lines of a README that is read."""


@pytest.mark.clients
def test_every_command(tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    OURS.put_into(folder / "dist")
    with serving(tmp_path / "public", []) as upstream:
        settings = {"PYPI_UPSTREAM": f"{upstream.url}/simple/", "PIP_TARGET": "installed"}
        terminal = Terminal(folder, settings=settings, only_read=ONLY_READ)
        terminal.instead.update({"localhost:8080": f"127.0.0.1:{terminal.port}"})
        try:
            for step in steps(ENGLISH):
                terminal.do(step)
            terminal.stop()
        finally:
            for server in terminal.servers:
                server.kill()
    assert (folder / "installed/my_package/__init__.py").exists()
    assert (folder / "packages" / OURS.filename).read_bytes() == OURS.content


def test_both_languages_have_the_same_commands_headings_and_links() -> None:
    assert [without_comments(each) for each in blocks(KOREAN)] == [without_comments(each) for each in blocks(ENGLISH)]
    assert headings(KOREAN) == headings(ENGLISH)
    links = [sorted(set(re.findall(r"\]\((?!README)([^)]*)\)", text))) for text in (KOREAN, ENGLISH)]
    assert links[0] == links[1]
    rows = [[line.count("|") for line in text.splitlines() if line.startswith("|")] for text in (KOREAN, ENGLISH)]
    assert rows[0] == rows[1]
    figures = [sorted(re.findall(r"\d[\d,]*", _without_blocks(text))) for text in (KOREAN, ENGLISH)]
    assert [each for each in figures[1] if each not in figures[0]] == []


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    for text in (ENGLISH, KOREAN):
        assert text.count("\n") <= LONGEST
        for link in re.findall(r"\]\(([^)#]*)[^)]*\)", text):
            assert link.startswith("https://") or (PROJECT / link).exists(), link


Results = Mapping[str, Any]
PEERS = ("proxpi", "simple-repository-server", "pypiserver")


def _median(results: Results, part: str, name: str) -> float:
    (found,) = (each["median"] for each in results[part]["figures"] if each["name"] == name)
    return float(found)


def _times_less_cpu(results: Results, ours: str) -> float:
    """The CPU of the best other Python index for a page, by ours; of HTML and JSON whichever is worse for us."""
    ratios = []
    for kind in ("HTML", "JSON"):
        part = f"beside Python, page as {kind}"
        names = {each["name"] for each in results[part]["figures"]}
        peers = [f"{peer}: CPU of one" for peer in PEERS if f"{peer}: CPU of one" in names]
        ratios.append(min(_median(results, part, peer) for peer in peers) / _median(results, part, ours))
    return min(ratios)


CLAIMS: list[tuple[str, Callable[[Results], bool]]] = [
    ("less than a tenth of the CPU time", lambda results: _times_less_cpu(results, "CPU of one") > 10),
    ("less than a third", lambda results: _times_less_cpu(results, "every head different: CPU of one") > 3),
    (
        "more than 1,000 times as many pages a second as pypiserver",
        lambda results: _median(results, "a project's page, 100,000 files", "times its requests a second") > 1000,
    ),
    (
        "in less than 150 MB",
        lambda results: _median(results, "100,000 known files", "memory after a walk over all pages") < 150,
    ),
    ("1 GB makes it grow by less than 64 MB", lambda results: _median(results, "uploads", "growth by 1 GB") < 64),
]


@pytest.mark.parametrize(("claim", "holds"), CLAIMS, ids=[claim for claim, _ in CLAIMS])
def test_every_figure_was_measured(claim: str, holds: Callable[[Results], bool]) -> None:
    results: Results = json.loads((PROJECT / "benchmarks" / "results.json").read_text())
    assert claim in " ".join(ENGLISH.split()), "the claim is no longer made: take it out of this table"
    assert holds(results), f"benchmarks/results.json no longer bears out {claim!r}: say what was measured"


def _without_blocks(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)
