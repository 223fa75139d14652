"""A reader at a terminal: does what a page says, in an empty folder, with real programs and a real server."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.clients.environments import PIP, TWINE, UV, Client, programs_of
from tests.clients.server import PROGRAMS, Process, clean_variables, free_port
from tests.docs.blocks import Step, commands

LONGEST_STEP = 60
"""Seconds."""
PASSWORD = "count-me-in"
"""What the reader types when a program asks for a password."""
ANYTHING = "..."
"""In what a page says that a program says: whatever is different each time."""

_SERVERS = re.compile(r"^(twistd -n .*pypi|twist pypi|twisted-pypi run|pypi-server (?!-U|update))")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs the steps of one page, in order.

    What is different from what the reader does stands here and nowhere else:
    ``instead`` replaces texts of the page (its port, for instance), ``settings``
    are variables that the commands get besides, and commands that begin with
    one of ``only_read`` are handed to its function, which says what is wrong
    with them, and are not run.
    """

    folder: Path
    instead: dict[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    only_read: Mapping[str, Callable[[list[str]], str]] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    servers: list[Process] = field(default_factory=list)

    def do(self, step: Step) -> str:
        """Run the commands of a step and return what they said; a server goes on until the next one starts."""
        text = self._ours(step.commands)
        run: list[str] = []
        for words in commands(re.sub(r"<<'?(\w+)'?\n.*?\n\1\n", "\n", text, flags=re.DOTALL)):
            command = shlex.join(words)
            check = next((each for start, each in self.only_read.items() if command.startswith(start)), None)
            wrong = None if check is None else check(words)
            assert not wrong, f"line {step.line}: {wrong}"
            if check is None:
                run.append(command)
        if not run:
            return ""
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(tuple(self.only_read)))
        said = self._serve(text) if _SERVERS.match(run[-1]) else self._run(text, step.line)
        missing = _missing([self._ours(line) for line in step.says], said)
        assert missing is None, f"line {step.line}: never says {missing!r}, but:\n{said}"
        return said

    def stop(self) -> None:
        """End the server as a reader does, in order."""
        for server in self.servers:
            if server.running:
                assert server.stop() == 0, server.log

    def _ours(self, text: str) -> str:
        for theirs, ours in self.instead.items():
            text = text.replace(theirs, ours)
        return text

    def _run(self, text: str, line: int) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self._variables(),
            input=f"{PASSWORD}\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_STEP,
            check=False,
        )
        said = _COLOURS.sub("", done.stdout)
        log = f"\n{self.servers[-1].log[-3000:]}" if self.servers else ""
        assert done.returncode == 0, f"line {line} ended with {done.returncode}:\n{text}\n{said}{log}"
        return said

    def _serve(self, text: str) -> str:
        *before, command = text.strip().split("\n") if "<<" not in text else [text]
        if before:
            self._run("\n".join(before), 0)
        self.stop()
        log = self.folder / f"server-{len(self.servers)}.log"
        server = Process(["bash", "-c", f"exec {command}"], self.port, log, self._variables())
        self.servers.append(server)
        server.start()
        assert server.comes_true(lambda: "files known" in server.log), server.log
        return server.log

    def _variables(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return (
            {name: value for name, value in clean_variables().items() if name in {"SSL_CERT_FILE", "TMPDIR"}}
            | Client(self._programs(), home).variables()
            | {"PYPI_PORT": str(self.port), "PYPI_INTERFACE": "127.0.0.1", "TWINE_PASSWORD": PASSWORD}
            | {"UV_PUBLISH_PASSWORD": PASSWORD, "UV_NO_CONFIG": "1"}
            | dict(self.settings)
        )

    def _programs(self) -> Path:
        """A folder with what the reader has installed, and nothing else."""
        folder = self.folder / "home" / "bin"
        if not folder.exists():
            folder.mkdir(parents=True)
            places = {
                **dict.fromkeys(("twisted-pypi", "pypi-server", "twistd", "twist"), PROGRAMS),
                **dict.fromkeys(("pip",), programs_of(PIP)),
                **dict.fromkeys(("twine",), programs_of(TWINE)),
                **dict.fromkeys(("uv", "uvx"), programs_of(UV)),
            }
            whole = {name: place / name for name, place in places.items()} | {"python": Path(sys.executable)}
            for name, program in whole.items():
                path = folder / name
                path.write_text(f'#!/bin/sh\nexec {shlex.quote(os.fspath(program))} "$@"\n')
                path.chmod(0o755)
        return folder


def _missing(wanted: list[str], said: str) -> str | None:
    """The first line of a page that a program did not say, in this order; blanks at the ends do not matter."""
    at = 0
    for line in wanted:
        if line.strip() == ANYTHING:
            continue
        pattern = r"[^\n]*".join(re.escape(part) for part in line.strip().split(ANYTHING))
        found = re.compile(pattern).search(said, at)
        if found is None:
            return line
        at = found.end()
    return None
