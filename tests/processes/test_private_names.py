"""No way through the server leads a private name to an upstream index, which says so in its own access log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, Start, serving
from tests.clients.server import Process
from tests.clients.uploading import upload
from tests.processes.mirrored import asked, through
from tests.processes.test_update import COMMANDS, run

pytestmark = pytest.mark.clients

LOGIN = f"{USER}:{PASSWORD}"
STRANGE = [wheel(name, "9.0") for name in ("acme-pattern", "by-hand-secret", "uploaded-secret")]
KNOWN = wheel("borrowed", "1.0")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the upstream was asked for."""
    return tmp_path / "asked"


@pytest.fixture
def upstream(tmp_path: Path, log: Path) -> Iterator[Process]:
    """An index of a stranger, who has found out our names."""
    with serving(tmp_path / "upstream", (*STRANGE, KNOWN), "--access-log", log) as server:
        yield server


def _ask_everywhere(server: Process) -> None:
    for archive in STRANGE:
        name = archive.filename.partition("-9.0")[0].replace("_", "-")
        for path in (
            f"/simple/{name}/",
            f"/simple/{name.replace('-', '.').upper()}/",
            f"/{name}/",
            f"/pypi/{name}/json",
            f"/pypi/{name}/9.0/json",
            f"/{name}/json",
            f"/files/{name}/{archive.filename}",
            f"/files/{name}/{archive.filename}.metadata",
            f"/packages/{archive.filename}",
            f"/packages/{archive.filename}.metadata",
            f"/integrity/{name}/9.0/{archive.filename}/provenance",
            f"/-/why/{name}",
            f"/-/projects/{name}/status",
        ):
            for method in ("GET", "HEAD"):
                answer = server.get(path, method=method)
                assert answer.status in {200, 301, 303, 404}, (path, answer.status)
                # Redirects are those to the normalised name, here.
                assert not (answer.headers["Location"] or "").startswith("http")


def test_a_private_name_is_never_asked_for(
    upstream: Process, log: Path, root: Path, passwords: Path, start: Start, home: Path
) -> None:
    wheel("by-hand-secret", "1.0").lay_into(root)
    index = f"{upstream.url}/simple"
    options = ("--private", "acme-*", "--passwords", passwords)
    server = start(root, *through(index), *options)
    assert upload(server.port, wheel("uploaded-secret", "1.0").put_into(home), LOGIN).status == 200
    _ask_everywhere(server)
    # The last file goes, and the name stays ours.
    (root / "uploaded_secret-1.0-py3-none-any.whl").unlink()
    assert server.comes_true(lambda: server.get("/simple/uploaded-secret/").status == 404)
    _ask_everywhere(server)
    assert server.stop() == 0
    server = start(root, *through(index), *options)
    _ask_everywhere(server)
    run(COMMANDS["pypi-server -U"], index, "--private", "acme-*", "--private", "by-hand-*", "-x", root)
    # What was asked after all that is in the log, so all that is.
    assert server.get(f"/files/borrowed/{KNOWN.filename}").status == 200
    assert upstream.comes_true(lambda: f"GET /packages/{KNOWN.filename}" in asked(log))
    assert {each for each in asked(log) if "secret" in each.lower() or "acme" in each.lower()} == set()


def test_a_private_name_is_never_redirected(
    upstream: Process, root: Path, passwords: Path, start: Start, home: Path
) -> None:
    wheel("by-hand-secret", "1.0").lay_into(root)
    index = f"{upstream.url}/simple/"
    options = ("--fallback", "redirect", "--fallback-url", index, "--private", "acme-*", "--passwords", passwords)
    server = start(root, *options)
    assert upload(server.port, wheel("uploaded-secret", "1.0").put_into(home), LOGIN).status == 200
    (root / "uploaded_secret-1.0-py3-none-any.whl").unlink()
    assert server.comes_true(lambda: server.get("/simple/uploaded-secret/").status == 404)
    _ask_everywhere(server)
    assert server.get("/simple/borrowed/").headers["Location"] == f"{index}borrowed/"
