"""Whatever happens to the files, the index is the one that a fresh start would make."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.keeping import Keeper, keeping
from tests.storage.running import LONG_AGO, put
from twisted_pypi.testing.archives import wheel

Step = tuple[str, str, object]

FOLDERS = ("", "a", "a/b", "c")
FILENAMES = ("acme-1.0-py3-none-any.whl", "acme-1.1-py3-none-any.whl", "core-1.0-py3-none-any.whl", "nonsense.whl")

paths = st.builds(
    lambda folder, name: f"{folder}/{name}".lstrip("/"), st.sampled_from(FOLDERS), st.sampled_from(FILENAMES)
)
steps = st.one_of(
    st.tuples(st.just("write"), paths, st.integers(0, 3)),
    st.tuples(st.just("replace"), paths, st.integers(0, 3)),
    st.tuples(st.just("move"), paths, paths),
    st.tuples(st.just("move folder"), st.sampled_from(FOLDERS[1:]), st.sampled_from(("d", "a/d", "c/d"))),
    st.tuples(st.just("remove"), paths, st.none()),
    st.tuples(st.just("remove folder"), st.sampled_from(FOLDERS[1:]), st.none()),
    st.tuples(st.just("sign"), paths, st.none()),
)


def change(root: Path, step: Step, tick: int) -> list[Path]:
    """Do what somebody might do by hand, if it is possible; return the paths that a watcher would name."""
    kind, one, other = step
    path = root / one
    modified = LONG_AGO + tick
    match kind:
        case "write":
            put(path, wheel("acme", "1.0", content=bytes([int(str(other))])), modified=modified)
        case "replace":
            hidden = put(
                path.with_name(".hidden"), wheel("acme", "1.0", content=bytes([int(str(other))])), modified=modified
            )
            hidden.replace(path)
        case "move" if path.is_file():
            (root / str(other)).parent.mkdir(parents=True, exist_ok=True)
            path.replace(root / str(other))
        case "move folder" if path.is_dir() and not (root / str(other)).exists() and not str(other).startswith(one):
            (root / str(other)).parent.mkdir(parents=True, exist_ok=True)
            path.rename(root / str(other))
        case "remove":
            path.unlink(missing_ok=True)
        case "remove folder":
            shutil.rmtree(path, ignore_errors=True)
        # Not where it would make a new folder without packages in the place of one that was moved away: as the one
        # that an unmounted volume leaves behind, such a one is not believed.
        case "sign" if path.is_file():
            put(path.with_name(path.name + ".asc"), b"signature")
            return [path.with_name(path.name + ".asc")]
    return [path, root / str(other)] if kind.startswith("move") else [path]


def started(keeper: Keeper) -> Keeper:
    keeper.names()
    keeper.scan()
    return keeper


def index(keeper: Keeper) -> dict[str, object]:
    """All that it says but the times of upload, which are meant to be remembered."""
    read = keeper.catalog.read
    return {
        "files": [(known.path, known.sha256, known.mtime_ns, known.signed) for known in read.all_files()],
        "pages": {name: sorted(known.path for known in read.files_of(name)) for name in read.projects()},
        "counted": (keeper.catalog.projects, keeper.catalog.files),
        "asked": (read.projects(), read.count_filenames()),
        "troubles": keeper.tools.troubles.sentences(),
    }


def same_as_fresh(
    folder: Path, todo: list[Step], notice: Callable[[Keeper, list[Path]], None], finish: Callable[[Keeper], None]
) -> None:
    # With a file that stays, no folder that was replaced by an empty one can be the root.
    root = put(folder / "root" / "keep-1.0-py3-none-any.whl").parent
    with keeping(root, folder / "state") as keeper:
        started(keeper)
        for tick, step in enumerate(todo):
            notice(keeper, change(root, step, tick))
        finish(keeper)
        found = index(keeper)
    with keeping(root, folder / "fresh") as fresh:
        assert found == index(started(fresh))


@settings(deadline=None)
@given(todo=st.lists(steps, max_size=12), scans=st.integers(1, 4))
def test_after_scans(todo: list[Step], scans: int) -> None:
    ticks = iter(range(len(todo)))
    with tempfile.TemporaryDirectory() as folder:
        same_as_fresh(Path(folder), todo, lambda keeper, _: None if next(ticks) % scans else keeper.scan(), Keeper.scan)


@settings(deadline=None)
@given(todo=st.lists(steps, max_size=12))
def test_after_hints(todo: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        same_as_fresh(Path(folder), todo, Keeper.look, lambda keeper: None)  # noqa: ARG005  # no scan
