"""What ``verify`` says of bytes that are not what they were."""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.archives import Archive, wheel
from tests.clients.fixtures import serving
from tests.clients.server import Process
from twisted_pypi.boundaries import KnownFile
from twisted_pypi.catalog import Catalog
from twisted_pypi.catalog.looking import looking_into
from twisted_pypi.command.checking.side_by_side import side_by_side
from twisted_pypi.command.verify import main
from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadSetting, Unreadable
from twisted_pypi.sidecars import Sidecar, format_sidecar, sidecar_name

ACME, CORE, TOOL = wheel("acme", "1.0"), wheel("core", "1.0"), wheel("tool", "1.0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "packages"


def remembered(root: Path, *archives: Archive, folder: str = "") -> None:
    """Lay files into a folder, with a catalog that a server has made of them."""
    catalog = Catalog([str(root)], state_dir=None, cache_dir="/nowhere")
    root.mkdir(exist_ok=True)
    catalog.open()
    for each in archives:
        path = each.lay_into(root / folder)
        status, below = path.stat(), str(path.relative_to(root))
        known = KnownFile(
            0, below, parse_filename(each.filename), status.st_size, status.st_mtime_ns, status.st_ino, each.sha256, 0
        )
        put(catalog, known)
    catalog.close()


def put(catalog: Catalog, known: KnownFile) -> None:
    catalog.write(lambda writer: writer.put(known, None), catalog.apply)


def rot(path: Path) -> None:
    """Change one byte, as a failing disk does: neither size nor time say so."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def said_of(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, list[str]]]:
    code = main(["--json", "--root", str(root), *options], {})
    said = json.loads(capsys.readouterr().out)
    assert said["needs_a_hand"] is (code == 1)
    return code, {each["path"]: [each["matter"], each["sentence"]] for each in said["findings"]}


def test_nothing_changed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembered(root, ACME, CORE, folder="sub")
    TOOL.lay_into(root)
    assert main([str(root)], {}) == 0
    size = (len(ACME.content) + len(CORE.content)) / 1000
    assert capsys.readouterr().out == (
        f"\n2 files ({size:.1f} kB) were read and compared: 0 are not what they were."
        " Of 1 more nothing is written down yet. 0 to be mended (!), 0 to be looked at (~).\n"
    )


def test_bytes_that_changed_in_silence(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembered(root, ACME, CORE, folder="sub")
    rot(root / "sub" / ACME.filename)
    code, said = said_of(root, capsys)
    assert (code, list(said)) == (1, [str(root / "sub" / ACME.filename)])
    matter, sentence = said[str(root / "sub" / ACME.filename)]
    assert (matter, ACME.sha256 in sentence) == ("rot", True)


def test_a_file_that_was_replaced_is_not_rotten(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembered(root, ACME)
    (root / ACME.filename).write_bytes(wheel("acme", "1.0", ("core",)).content)
    assert said_of(root, capsys) == (0, {})


def test_a_file_that_is_missing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembered(root, *(wheel("acme", f"1.{number}") for number in range(3)), CORE)
    (root / CORE.filename).unlink()
    code, said = said_of(root, capsys)
    assert (code, said[str(root / CORE.filename)][0]) == (1, "missing")
    assert len(said) == 1


def test_a_sidecar_of_other_bytes_and_a_catalog_that_is_gone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for each, digest in ((ACME, ACME.sha256), (CORE, "00" * 32)):
        each.lay_into(root)
        (root / sidecar_name(each.filename)).write_bytes(format_sidecar(Sidecar(digest)))
    code, said = said_of(root, capsys)
    assert code == 1
    assert [path for path, (matter, _) in said.items() if matter == "sidecar"] == [str(root / CORE.filename)]
    assert next(sentence for matter, sentence in said.values() if matter == "start").startswith("There is no catalog")


def test_kept_files_of_upstream_indexes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembered(root, ACME)
    kept = CORE.lay_into(root / ".upstream" / "core")
    kept.with_name(sidecar_name(CORE.filename)).write_bytes(format_sidecar(Sidecar(CORE.sha256)))
    assert said_of(root, capsys) == (0, {})
    rot(kept)
    code, said = said_of(root, capsys)
    assert (code, said[str(kept)][0]) == (1, "rot")


@pytest.mark.parametrize("harm", ["garbage", "another layout"])
def test_a_catalog_that_cannot_be_used(root: Path, harm: str, capsys: pytest.CaptureFixture[str]) -> None:
    remembered(root, ACME)
    path = root / ".twisted-pypi" / "catalog.sqlite"
    if harm == "garbage":
        path.write_bytes(b"x" * 9999)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    code, said = said_of(root, capsys)
    assert (code, len(said)) == (0, 1)
    with (
        pytest.raises(Unreadable, match=r"catalog\.sqlite cannot be read"),
        looking_into(str(path.parent), [str(root)]),
    ):
        pass


def test_more_rows_than_are_read_at_once(root: Path) -> None:
    catalog = Catalog([str(root)], state_dir=None, cache_dir="/nowhere")
    root.mkdir()
    catalog.open()
    names = [f"acme-1.{number}.zip" for number in range(1201)]
    for at, name in enumerate(names):
        folder = f"f{at % 3}/" if at % 4 else ""
        known = KnownFile(0, folder + name, parse_filename(name), 1, 1, 1, "00" * 32, 0)
        put(catalog, known)
    catalog.close()
    with looking_into(str(root / ".twisted-pypi"), ["/another", str(root)]) as view:
        assert sorted(known.filename for known in view.listed(1)) == sorted(names)
        assert list(view.listed(0)) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="is not there"):
        main([str(tmp_path / "missing")], {})


def test_work_side_by_side_keeps_order_and_few_results() -> None:
    taken: list[int] = []

    def things() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = side_by_side(lambda number: number * 2, things(), threads=2)
    assert next(results) == 0
    assert len(taken) <= 8
    assert list(results) == [number * 2 for number in range(1, 100)]


@pytest.mark.clients
def test_while_the_server_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path, [ACME, CORE], "--watch=poll") as server:
        root = tmp_path / "packages"
        assert shown(server) == {ACME.filename, CORE.filename}
        before = sorted(each.name for each in (root / ".twisted-pypi").iterdir())
        assert said_of(root, capsys) == (0, {})
        rot(root / ACME.filename)
        code, said = said_of(root, capsys)
        assert (code, list(said)) == (1, [str(root / ACME.filename)])
        assert sorted(each.name for each in (root / ".twisted-pypi").iterdir()) == before


def shown(server: Process) -> set[str]:
    pages = [server.get(f"/simple/{name}/").text for name in ("acme", "core")]
    return {each.filename for each in (ACME, CORE) if any(each.sha256 in page for page in pages)}
