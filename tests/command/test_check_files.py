"""What ``check`` finds in an old volume, and what ``--repair`` does about it."""

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.archives import sdist, wheel
from twisted_pypi.command.check import check, main
from twisted_pypi.command.checking.finding import Finding, Matter
from twisted_pypi.command.checking.old_names import old_reading
from twisted_pypi.command.checking.progress import Progress
from twisted_pypi.config import Config
from twisted_pypi.sidecars import Sidecar, format_sidecar, sidecar_name

ACME = wheel("acme", "1.0")
DAY = 24 * 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "packages"
    root.mkdir()
    if os.geteuid() == 0:
        os.chown(root, 0, 0)  # else the test itself would give up root
    return root


def found(root: Path, matter: Matter, *, follow_links: bool = False) -> list[Finding]:
    return [each for each in check(Config(roots=(str(root),), follow_links=follow_links)) if each.matter is matter]


def put(path: Path, content: bytes = b"", age: float = 2 * DAY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def test_a_good_volume_needs_no_hand(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for each in (ACME, sdist("acme", "1.0"), wheel("core", "2.0")):
        each.lay_into(root / "sub")
    assert main([str(root)], {}) == 0
    assert "0 to be mended (!), 0 to be looked at (~)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("filename", "reading"),
    [
        ("acme-1.0.tar.gz", ("acme", "1.0")),
        ("acme.zip", ("acme", "")),
        ("acme-1.0.ZIP", ("acme", "1.0")),
        ("my-pkg-2.0.tar.gz", ("my-pkg", "2.0")),
        ("my-pkg-v2.0.tar.gz", ("my-pkg-v2.0", "")),
        ("acme-tool-20.tar.gz", ("acme-tool", "20")),
        ("a.b-1-2.zip", ("a.b-1-2", "")),
        ("acme-1.0-rc1.zip", ("acme", "1.0-rc1")),
        ("acme-1.0.linux-x86_64.tar.gz", ("acme", "1.0")),
        ("acme-1.0-py2.7.egg", ("acme", "1.0")),
        ("acme-1.0.win32-py2.7.exe", ("acme", "1.0")),
        ("acme-1.0-py2.py3-none-any.whl", ("acme", "1.0")),
        ("acme-1.0-1-py3-none-any.whl", ("acme", "1.0-1")),
        ("my-acme-1.0-py3-none-any.whl", ("my-acme", "1.0")),
        ("acme-1.0.whl", None),
        ("acme-1.0.exe", None),
        ("acme-1.0.tar", None),
        (".acme-1.0.zip", None),
        ("readme.txt", None),
    ],
)
def test_names_as_pypiserver_2_4_2_read_them(filename: str, reading: tuple[str, str] | None) -> None:
    assert old_reading(filename) == reading


def test_names_that_mean_something_else_now(root: Path) -> None:
    put(root / "my-pkg-v2.0.tar.gz", sdist("my-pkg", "2.0").content)
    put(root / "acme-1.0.ZIP", ACME.content)
    put(root / "acme.zip", ACME.content)
    put(root / "my-acme-1.0-py3-none-any.whl", ACME.content)
    said = {Path(str(each.path)).name: each for each in found(root, Matter.NAME)}
    assert set(said) == {"my-pkg-v2.0.tar.gz", "acme-1.0.ZIP", "acme.zip", "my-acme-1.0-py3-none-any.whl"}
    assert (
        "belongs to the project my-pkg; the old server listed it under my-pkg-v2-0"
        in said["my-pkg-v2.0.tar.gz"].sentence
    )
    assert "install my-pkg" in said["my-pkg-v2.0.tar.gz"].advice
    assert "'acme-1.0.zip'" in said["acme-1.0.ZIP"].advice
    assert "is left out" in said["acme.zip"].sentence
    assert all(each.bad for each in said.values())


def test_one_name_in_two_folders(root: Path) -> None:
    ACME.lay_into(root)
    put(root / "old" / ACME.filename, ACME.content)
    (same,) = found(root, Matter.TWICE)
    assert (same.bad, "with the same bytes" in same.sentence) == (False, True)
    put(root / "old" / ACME.filename, ACME.content[:-1] + b"x")
    (other,) = found(root, Matter.TWICE)
    assert other.bad
    assert other.sentence.startswith(f"{ACME.filename} is there with different bytes: {root / ACME.filename} is listed")


def test_signatures_and_leftovers(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ACME.lay_into(root)
    put(path.with_name(f"{path.name}.asc"))
    orphan = put(root / "gone-1.0.tar.gz.sig")
    partial = put(root / "core-1.0.tar.gz.part")
    put(root / "core-1.1.tar.gz.part", age=5)
    ours = put(root / ".upload-0011223344556677.tmp")
    beside = put(root / sidecar_name("gone-1.0.tar.gz"))
    assert [each.path for each in found(root, Matter.SIGNATURE)] == [str(orphan)]
    assert {each.path for each in found(root, Matter.LEFTOVER)} == {str(partial), str(ours), str(beside)}
    assert main([str(root)], {}) == 0
    assert "--repair removes it." in capsys.readouterr().out
    assert ours.exists()
    assert beside.exists()
    assert main(["--repair", str(root)], {}) == 0
    said = capsys.readouterr().out
    assert f"+ {ours} was never finished.\n    It is removed.\n" in said
    assert "2 to be looked at (~). 2 repaired." in said
    kept = {ACME.filename, f"{ACME.filename}.asc", orphan.name, partial.name, "core-1.1.tar.gz.part"}
    assert {each.name for each in root.iterdir()} == kept


@pytest.mark.parametrize(
    ("filename", "content", "sentence"),
    [
        (ACME.filename, ACME.content[:-30], "does not open"),
        ("acme-1.0.tar.gz", sdist("acme", "1.0").content[:-30], "does not open"),
        ("acme-1.0.zip", b"", "is empty"),
        ("acme-1.0.msi", b"whatever", None),
        ("acme-1.0.tar.gz", sdist("acme", "1.0").content, None),
    ],
)
def test_files_that_do_not_open(
    filename: str, content: bytes, sentence: str | None, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(root / filename, content)
    said = found(root, Matter.CONTENTS)
    assert [each.path for each in said if each.bad] == ([] if sentence is None else [str(path)])
    assert sentence is None or sentence in said[0].sentence
    assert main(["--quick", str(root)], {}) == 0
    capsys.readouterr()


def test_a_file_that_is_still_coming_is_left_alone(root: Path) -> None:
    put(root / ACME.filename, ACME.content[:-30], age=0)
    assert found(root, Matter.CONTENTS) == []


def test_sidecars_of_other_bytes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fine, replaced, damaged, broken = (wheel(name, "1.0") for name in ("fine", "replaced", "damaged", "broken"))
    stale = format_sidecar(Sidecar("00" * 32, yanked="it was a mistake"))
    for each in (fine, replaced, broken):
        put(root / "sub" / each.filename, each.content, age=DAY)
    put(root / "sub" / damaged.filename, damaged.content, age=9 * DAY)
    put(root / "sub" / sidecar_name(fine.filename), format_sidecar(Sidecar(fine.sha256)))
    put(root / "sub" / sidecar_name(replaced.filename), stale)
    put(root / "sub" / sidecar_name(damaged.filename), stale)
    put(root / "sub" / sidecar_name(broken.filename), b"{")
    said = {Path(str(each.path)).name: each for each in found(root, Matter.SIDECAR)}
    assert set(said) == {sidecar_name(each.filename) for each in (replaced, damaged, broken)}
    assert "compare it with a copy" in said[sidecar_name(damaged.filename)].advice
    assert main(["--repair", str(root)], {}) == 1, "what may be rot is for a person"
    assert "1 to be mended (!), 0 to be looked at (~). 2 repaired." in capsys.readouterr().out
    aside = root / ".twisted-pypi" / "set-aside" / "sub"
    assert (aside / sidecar_name(replaced.filename)).read_bytes() == stale
    assert (root / "sub" / sidecar_name(damaged.filename)).exists()
    put(root / "sub" / sidecar_name(replaced.filename), stale)
    assert main(["--repair", str(root)], {}) == 1
    assert len(list(aside.iterdir())) == 3, "what was set aside before is kept"


def test_links(root: Path, tmp_path: Path) -> None:
    outside = ACME.lay_into(tmp_path / "elsewhere")
    (root / ACME.filename).symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    (root / "core-1.0.zip").symlink_to(tmp_path / "nowhere")
    assert {Path(str(each.path)).name: each.bad for each in found(root, Matter.LINK)} == {
        ACME.filename: True,
        "folder": True,
        "core-1.0.zip": True,
    }
    assert found(root, Matter.LINK, follow_links=True) == []


@pytest.fixture
def nobody(open_folder: Path) -> Iterator[int]:
    """The rights of a user who is not root, where the tests are."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    os.chown(open_folder, 12345, 12345)
    os.seteuid(12345)
    yield 12345
    os.seteuid(0)


def test_rights_that_are_missing(open_folder: Path, nobody: int) -> None:
    root = open_folder / "packages"
    path = ACME.lay_into(root / "sub")
    other = wheel("core", "1.0").lay_into(root / "closed")
    path.chmod(0)
    path.parent.chmod(0o500)
    other.parent.chmod(0)
    said = {str(each.path): each for each in found(root, Matter.RIGHTS)}
    assert f"cannot be read by user {nobody}" in said[str(path)].sentence
    assert "cannot be looked into" in said[str(other.parent)].sentence
    assert "no yank and no update" in said[str(path.parent)].sentence
    for each in said.values():
        assert each.repair is not None
        assert each.repair.do()
    assert path.stat().st_mode & 0o777 == 0o400
    assert other.parent.stat().st_mode & 0o777 == 0o700
    assert found(root, Matter.RIGHTS) == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_and_elsewhere() -> None:
    moment = 0.0
    terminal, file = Terminal(), io.StringIO()
    bars = [Progress(out, 4, 1000, verb="read", now=lambda: moment) for out in (terminal, file)]
    for at in (0.05, 0.2, 11.0):
        moment = at
        for each in bars:
            each.more(250)
            each.file_done()
    assert "[############............]  50%  1 of 4 files read, 500 B of 1.0 kB" in terminal.getvalue()
    assert file.getvalue() == " 75%  2 of 4 files read, 750 B of 1.0 kB\n"
