"""The page about the commands, made from the table and from what each command says of itself.

``python -m twisted_pypi.command.reference > docs/commands.md``
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress

from twisted_pypi.command.verbs import VERBS, Group, Verb, handler_of

_START = """# Commands

This page is made by `python -m twisted_pypi.command.reference > docs/commands.md`, from what the program itself reads.

`twisted-pypi` is the operator's command. In the image it has the settings of the server
(`docker exec -it NAME twisted-pypi ...`); elsewhere give it the options of the server, or the same variables:
[options](options.md). All of them work with the server running or not, but for `health` and what has `--url`, which ask it.

The exit code is 0 when it is done, 1 when it could not be (or when something needs a hand), and 2 when the words cannot be
understood; one sentence on standard error says what to do next.

`pypi-server [run] [options] [DIR ...]` and `pypi-server update [-x] [options] [DIR]` are the old server's command line, the
same as `twisted-pypi run` and `twisted-pypi update`. `twistd pypi --root DIR` runs it as a daemon, `twist pypi --root DIR` in
the foreground.
"""
_WIDE = "1000"
"""Columns in which no line of a help has to be broken."""
_OPTION = re.compile(r"^ {2,4}(-{1,2}\w.*?)(?: {2,}(\S.*))?$")
_REST = re.compile(r"^ {10,}(\S.*)$")


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_START]
    for group in Group:
        parts.append(f"\n## {group.value}\n")
        for verb in VERBS:
            if verb.group is group:
                parts.extend(_about(verb))
    return "".join(parts)


def options_of(verb: Verb) -> dict[str, str]:
    """What a verb's own parser takes, with what is said of it; nothing for those that take the server's options."""
    return {} if verb.help or verb.name in _SERVERS else dict(_options("\n".join(_help(verb))))


_SERVERS = {"run", "update"}


def _about(verb: Verb) -> Iterator[str]:
    yield f"\n### `{verb.name}`\n\n```text\ntwisted-pypi {verb.name} {verb.words}\n```\n\n"
    if verb.help:
        yield f"```text\n{verb.help.rstrip()}\n```\n"
    else:
        yield f"{verb.summary[0].upper()}{verb.summary[1:]}.\n"
    rows = options_of(verb)
    if rows:
        yield "\n| option | meaning |\n|---|---|\n"
        yield from (f"| `{_cell(option)}` | {_cell(said)} |\n" for option, said in rows.items())


def _help(verb: Verb) -> list[str]:
    """What ``--help`` of a verb says, in lines that are as long as they like."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = _WIDE
    said = io.StringIO()
    try:
        for words in _SUBVERBS.get(verb.name, ((),)):
            with redirect_stdout(said), suppress(SystemExit):
                handler_of(verb)([*words, "--help"], {})
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return said.getvalue().splitlines()


_SUBVERBS = {"user": (("add",), ("list",))}
"""Verbs whose options stand behind another one; these have all of them."""


def _options(text: str) -> Iterator[tuple[str, str]]:
    """Each option with what is said of it; ``-u USER, --user USER`` is written as newer Pythons do."""
    option = ""
    for line in text.splitlines():
        found, rest = _OPTION.match(line), _REST.match(line)
        if found:
            option = re.sub(r"(-\S+) \S+(?=, -)", r"\1", found[1])
            if found[2] and option != "-h, --help":
                yield option, found[2]
        elif rest and option not in {"", "-h, --help"}:
            yield option, rest[1]
            option = ""
        else:
            option = ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
