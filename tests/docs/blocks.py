"""The code blocks of a page, and what they are taken to be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    """Where it begins in its page, from 1."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands that are run together, and the lines that they have to say."""

    commands: str
    line: int
    says: tuple[str, ...] = ()


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page, in order; one inside a list loses its indentation."""
    return [
        Block(found["language"], _outdented(found["text"], len(found["indent"])), page[: found.start()].count("\n") + 1)
        for found in _BLOCK.finditer(page)
    ]


def steps(page: str) -> list[Step]:
    """What a reader does: each ``sh`` block, with the ``text`` block behind it, which is what it says."""
    found: list[Step] = []
    before: Block | None = None
    for block in blocks(page):
        if block.language == "sh":
            found.append(Step(block.text, block.line))
        elif block.language == "text" and before is not None and before.language == "sh":
            found[-1] = Step(found[-1].commands, found[-1].line, tuple(block.text.splitlines()))
        before = block
    return found


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a ``sh`` block, without comments; a command may go over several lines."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


def without_comments(block: Block) -> tuple[str, ...]:
    """What does something in a block: its lines without what is said of them to people."""
    bare = (re.sub(r"(^|\s)#.*$", "", line).rstrip() for line in block.text.splitlines())
    return (block.language, *(line for line in bare if line))


def headings(page: str) -> Sequence[int]:
    """The depth of each heading of a page."""
    outside = _BLOCK.sub("", page)
    return [len(found.group().strip()) for found in _HEADING.finditer(outside)]


def _outdented(text: str, by: int) -> str:
    return "".join(line[by:] if line[:by].isspace() else line for line in text.splitlines(keepends=True))
