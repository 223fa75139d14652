"""Whose a project is, said and settled by the command, in folders that nobody serves."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from twisted_pypi.command.own import own
from twisted_pypi.command.twisted_pypi import main
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.project_records import Origin, Status, Whose
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, sidecar_name
from twisted_pypi.storage.record_writing import change_origin, change_record, read_record
from twisted_pypi.testing.archives import sdist

X = ProjectName("x-y")
UPSTREAMS = Origin(Whose.UPSTREAM, "each file is there", 0)
FILE = "x_y-1.tar.gz"


def put(root: Path, source: Source | None = None) -> None:
    path = root / "sub" / FILE
    path.parent.mkdir(exist_ok=True)
    content = sdist("x_y", "1")
    path.write_bytes(content)
    sidecar = Sidecar(sha256(content).hexdigest(), source=source)
    path.with_name(sidecar_name(FILE)).write_bytes(format_sidecar(sidecar))


def test_a_project_is_made_ours_and_given_back(tmp_path: Path) -> None:
    root = ["--root", str(tmp_path)]
    change_record(str(tmp_path), X, Status.ARCHIVED, "done")
    change_origin(str(tmp_path), X, UPSTREAMS)
    assert own(["X.Y", "--show", *root], {}) == "x-y is an upstream index's, because each file is there."
    assert own(["X.Y", *root], {}).startswith("x-y is ours now; a server that is running shows it")
    record = read_record(str(tmp_path), X)
    assert record.origin is not None
    assert (record.status, record.reason, record.origin.whose) == (Status.ARCHIVED, "done", Whose.OURS)
    assert own(["x-y", *root], {}) == "x-y is ours already, because 'twisted-pypi own' made it so."
    said = own(["x-y", "--release", *root], {})
    assert said.startswith("What was decided of x-y is forgotten: x-y is an upstream index's, because no file")
    assert read_record(str(tmp_path), X).origin is None
    assert own(["x-y", "--release", *root], {}).startswith("Nothing was decided of x-y: x-y is an upstream index's")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Source.UPLOAD, f"x-y is ours, because {FILE} was uploaded here."),
        (Source.UPSTREAM, f"x-y is an upstream index's, because {FILE} was fetched from an upstream index."),
        (None, "x-y is undecided, and stays in until it is compared with an upstream index, because"),
    ],
)
def test_it_is_said_without_a_change(tmp_path: Path, source: Source | None, said: str) -> None:
    put(tmp_path, source)
    assert own(["x-y", "--show", "--root", str(tmp_path)], {}).startswith(said)
    assert not (tmp_path / ".projects").exists()


def test_it_is_said_as_json(tmp_path: Path) -> None:
    put(tmp_path)
    root = ["--root", str(tmp_path), "--json"]
    assert json.loads(own(["x-y", "--show", *root], {}))["whose"] == "undecided"
    assert json.loads(own(["x-y", *root], {})) == {
        "project": "x-y",
        "whose": "ours",
        "because": "'twisted-pypi own' made it so",
    }


def test_the_settings_of_the_server_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"PYPI_ROOT": str(tmp_path), "PYPI_PRIVATE": "x*"}
    assert own(["x-y", "--show"], environ) == "x-y is ours, because its name matches --private x*."
    main(["own", "x-y", "--root", str(tmp_path)])
    assert capsys.readouterr().out.startswith("x-y is ours now;")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x"], "/not/there is not there: expected a folder"),
        (["x", "--root", "{root}", "--root", "/nowhere"], "/nowhere is not there"),
        (["x y", "--root", "{root}"], "'x y' is not the name of a project"),
        (["broken", "--root", "{root}"], "says nothing that can be understood"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, words: list[str], message: str) -> None:
    record = tmp_path / ".projects" / "broken" / ".project.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    with pytest.raises(TwistedPyPIError, match=message):
        own([word.replace("{root}", str(tmp_path)) for word in words], {"PYPI_ROOT": "/not/there"})
