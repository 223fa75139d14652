"""Attestations that real builders signed, published by a real client, verified without any network."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.environments import UV, VENVS, Client, Environment
from tests.clients.fixtures import PASSWORD, USER
from tests.clients.server import Process, twistd_pypi
from twisted_pypi.errors import BadUpload
from twisted_pypi.uploading.verification import Verifier

pytestmark = pytest.mark.clients

RECORDED = "pypi-attestations", "0.0.30"
"""A project whose source distribution holds attestations of other projects' files, as they were published."""
GITLAB = "gitlab_oidc_project-0.0.3.tar.gz"
CIRCLECI = "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl"
INTEGRITY = "application/vnd.pypi.integrity.v1+json"
PUBLIC = "https://index.example.com"


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder with the recorded files and attestations, fetched once."""
    name, version = RECORDED
    folder = VENVS / f"{name}-{version}.recorded"
    VENVS.mkdir(exist_ok=True)
    with (VENVS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            download = ("download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", folder)
            subprocess.run([sys.executable, "-m", "pip", *download, f"{name}=={version}"], check=True)
            with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
                archive.extractall(folder, filter="data")
    return next(folder.glob("*/test/assets"))


@pytest.fixture
def verifying(root: Path, passwords: Path, tmp_path: Path) -> Iterator[Process]:
    """A server that takes nothing without attestations, and reaches no other machine."""
    options = ("--attestations", "require", "--public-url", PUBLIC, "--passwords", passwords)
    process = twistd_pypi(root, *options, log=tmp_path / "server.log")
    dead = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    process.variables = {**process.variables, **dead, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with process:
        yield process


def _publish(uv: Client, server: Process, *files: Path, expected: int = 0) -> str:
    arguments = ("publish", "--publish-url", f"{server.url}/", "--username", USER, "--password", PASSWORD)
    beside = [path for path in (file.with_name(f"{file.name}.publish.attestation") for file in files) if path.exists()]
    return uv.run("uv", *arguments, *files, *beside, expected=expected).output


def test_uv_publishes_what_builders_signed(
    recorded: Path, verifying: Process, client: Callable[[Environment], Client]
) -> None:
    uv = client(UV)
    output = _publish(uv, verifying, recorded / GITLAB, recorded / CIRCLECI)
    assert "warning" not in output.lower()
    assert verifying.log.count("could not be renewed") == 1, "it tries to fetch new keys once a day, not at each upload"
    page = json.loads(
        verifying.get("/simple/gitlab-oidc-project/", {"Accept": "application/vnd.pypi.simple.v1+json"}).body
    )
    (file,) = page["files"]
    assert file["provenance"] == f"{PUBLIC}/integrity/gitlab-oidc-project/0.0.3/{GITLAB}/provenance"
    assert b"data-provenance=" in verifying.get("/simple/gitlab-oidc-project/", {"Accept": "text/html"}).body
    answer = verifying.get(file["provenance"].removeprefix(PUBLIC))
    assert (answer.status, answer.headers["Content-Type"]) == (200, INTEGRITY)
    (bundle,) = json.loads(answer.body)["attestation_bundles"]
    assert bundle["publisher"] == {
        "kind": "GitLab",
        "repository": "facutuesca/gitlab-oidc-project",
        "workflow_filepath": ".gitlab-ci.yml",
        "environment": None,
    }
    assert bundle["attestations"] == [json.loads((recorded / f"{GITLAB}.publish.attestation").read_text())]


def test_uv_is_told_what_is_wrong_with_an_attestation(
    recorded: Path, verifying: Process, client: Callable[[Environment], Client], root: Path, tmp_path: Path
) -> None:
    uv = client(UV)
    stripped = tmp_path / "stripped"
    stripped.mkdir()
    (stripped / GITLAB).write_bytes((recorded / GITLAB).read_bytes())
    assert "came without attestations" in _publish(uv, verifying, stripped / GITLAB, expected=2)
    forged = json.loads((recorded / f"{GITLAB}.publish.attestation").read_text())
    forged["envelope"]["signature"] = json.loads((recorded / f"{CIRCLECI}.publish.attestation").read_text())[
        "envelope"
    ]["signature"]
    (stripped / f"{GITLAB}.publish.attestation").write_text(json.dumps(forged))
    assert "cannot be verified" in _publish(uv, verifying, stripped / GITLAB, expected=2)
    assert not list(root.glob("*.tar.gz"))


@pytest.mark.parametrize(
    ("filename", "attestations", "kind"),
    [
        ("pypi_attestations-0.0.19.tar.gz", ["publish", "slsa"], "GitHub"),
        (GITLAB, ["publish"], "GitLab"),
        (CIRCLECI, ["publish"], "CircleCI"),
    ],
)
def test_recorded_attestations_verify_for_their_file_alone(
    recorded: Path, filename: str, attestations: list[str], kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    verify = Verifier(lambda: 0.0, online=False)
    objects = [json.loads((recorded / f"{filename}.{each}.attestation").read_text()) for each in attestations]
    sha256 = hashlib.sha256((recorded / filename).read_bytes()).hexdigest()
    published = recorded / f"{filename}.provenance"
    publisher = verify(objects, filename, sha256)
    assert publisher["kind"] == kind
    if published.exists():
        assert publisher == json.loads(published.read_text())["attestation_bundles"][0]["publisher"]
    with pytest.raises(BadUpload, match="does not match distribution digest"):
        verify(objects, filename, "0" * 64)
    with pytest.raises(BadUpload, match="does not match distribution name"):
        verify(objects, "y-1.0.tar.gz", sha256)


def test_without_the_extra_the_server_does_not_start(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pypi_attestations'] = None; sys.argv = ['twistd', '-n', 'pypi', '--root', '.',"
        " '--attestations', 'verify']; from twisted.scripts.twistd import run; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--attestations 'verify' cannot be used" in done.stderr
    assert "pip install 'twisted-pypi[attestations]'" in done.stderr
