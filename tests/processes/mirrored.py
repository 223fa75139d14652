"""A server that fetches from another one, and what is seen of both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.clients.archives import Archive
from tests.clients.server import Answer, Process

JSON = "application/vnd.pypi.simple.v1+json"
PROXY = ("--fallback", "proxy")


def through(index: str) -> tuple[str, ...]:
    """The options of a server that fetches from an index on demand."""
    return *PROXY, "--upstream", index


def page(server: Process, name: str) -> dict[str, Any]:
    """A project's page, as JSON."""
    answer = server.get(f"/simple/{name}/", {"Accept": JSON})
    assert answer.status == 200, (answer.status, answer.text)
    found: dict[str, Any] = json.loads(answer.body)
    return found


def listed(server: Process, name: str) -> set[str]:
    """The names of the files on a project's page."""
    return {each["filename"] for each in page(server, name)["files"]}


def get_file(server: Process, project: str, archive: Archive, suffix: str = "", **more: Any) -> Answer:
    """Ask for a file at its address, without looking at its page."""
    return server.get(f"/files/{project}/{archive.filename}{suffix}", **more)


def asked(log: Path) -> list[str]:
    """What an upstream was asked for, by its access log: methods and paths in order."""
    return re.findall(r'"([A-Z]+ \S+) HTTP/1\.[01]"', log.read_text()) if log.exists() else []


def times(log: Path, path: str) -> int:
    """How often an upstream was asked for a path, GET or HEAD."""
    return sum(each.partition(" ")[2] == path for each in asked(log))


def kept(root: Path) -> dict[str, bytes]:
    """What is kept of upstream's files, by path below the folder for them; without sidecars."""
    folder = root / ".upstream"
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def leftovers(root: Path) -> list[str]:
    """Files in the folder for upstream's that are neither one of them nor its sidecar."""
    folder = root / ".upstream"
    whole = {path.rpartition("/")[2] for path in kept(root)}
    hidden = (path for path in folder.rglob(".*") if path.is_file())
    return [str(each.relative_to(folder)) for each in hidden if each.name[1 : -len(".json")] not in whole]


def age_pages(root: Path) -> None:
    """Let every page that a stopped server kept be one that it has to ask for again."""
    for path in (root / ".twisted-pypi" / "upstream").rglob("*"):
        if path.is_file():
            head, _, body = path.read_bytes().partition(b"\n")
            path.write_bytes(json.dumps(json.loads(head) | {"fresh_until_ns": 1}).encode() + b"\n" + body)
