"""When root is given up, in which order, and what is said when it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.doubles import Kernel
from twisted_pypi.config import Config
from twisted_pypi.serving.privileges import Need, Outcome, give_up_root, needs

EVERYTHING = os.R_OK | os.W_OK | os.X_OK


def outcome(kernel: Kernel, config: Config) -> Outcome:
    found = give_up_root(config, kernel.system())
    assert found is not None
    return found


def config_in(folder: Path) -> Config:
    (folder / ".htpasswd").touch()
    return Config(roots=(str(folder),), password_file=str(folder / ".htpasswd"))


def test_nobody_but_root_has_something_to_give_up(tmp_path: Path) -> None:
    assert give_up_root(config_in(tmp_path), Kernel({}, uid=1000).system()) is None


def test_the_owner_of_the_first_root_serves(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    kernel = Kernel({str(tmp_path): (1000, 2000), f"{tmp_path}/.htpasswd": (1000, 0)})
    found = outcome(kernel, config)
    assert found == Outcome(f"Gave up root: serving as 1000:2000, who owns {tmp_path}.")
    assert kernel.history[-3:] == ["groups [2000]", "gid 2000 2000 2000", "uid 1000 1000 1000"]


def test_root_serves_what_root_owns(tmp_path: Path) -> None:
    kernel = Kernel({str(tmp_path): (0, 0)})
    found = outcome(kernel, config_in(tmp_path))
    assert (found.as_wished, kernel.history) == (True, [])
    assert f"root owns {tmp_path}" in found.sentence


def test_root_stays_when_the_owner_cannot_read_the_users(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    kernel = Kernel({str(tmp_path): (1000, 1000), f"{tmp_path}/.htpasswd": (0, 0)})
    found = outcome(kernel, config)
    assert not found.as_wished
    assert f"cannot read {tmp_path}/.htpasswd; `chown 1000:1000 {tmp_path}/.htpasswd`" in found.sentence
    assert (kernel.uid, kernel.real_uid, kernel.gid, kernel.groups) == (0, 0, 0, [0, 5])


def test_root_stays_when_the_owner_cannot_write_another_root(tmp_path: Path) -> None:
    config = Config(roots=(str(tmp_path), "/other"))
    kernel = Kernel({str(tmp_path): (1000, 1000), "/other": (0, 0)})
    found = outcome(kernel, config)
    assert "cannot write /other; `chown -R 1000:1000 /other` lets" in found.sentence
    assert kernel.uid == 0


def test_what_root_cannot_write_either_does_not_count(tmp_path: Path) -> None:
    config = Config(roots=(str(tmp_path), "/other"))
    kernel = Kernel({str(tmp_path): (1000, 1000), "/other": (0, 0)}, read_only=frozenset({"/other"}))
    assert outcome(kernel, config).as_wished
    assert kernel.uid == 1000


def test_a_folder_on_the_way_that_the_owner_cannot_enter_is_named(tmp_path: Path) -> None:
    config = Config(roots=(str(tmp_path),), welcome="/secret/page.html")
    kernel = Kernel({str(tmp_path): (1000, 1000), "/secret/page.html": (1000, 1000)}, closed=frozenset({"/secret"}))
    assert "cannot enter /secret, which leads to /secret/page.html" in outcome(kernel, config).sentence


def test_without_the_capability_root_stays(tmp_path: Path) -> None:
    kernel = Kernel({str(tmp_path): (1000, 1000)}, refuse=True)
    found = outcome(kernel, Config(roots=(str(tmp_path),)))
    assert (found.as_wished, "is not permitted" in found.sentence) == (False, True)


def test_what_is_needed(tmp_path: Path) -> None:
    state = tmp_path / ".twisted-pypi"
    state.mkdir()
    (state / "catalog.sqlite").touch()
    config = Config(
        roots=(str(tmp_path), "/b"),
        password_file=str(tmp_path / "later"),
        log_file=str(tmp_path / "log"),
        access_log="off",
    )
    assert needs(config) == [
        Need(str(tmp_path), EVERYTHING),
        Need("/b", EVERYTHING),
        Need(str(state), EVERYTHING),
        Need(str(state / "catalog.sqlite"), os.W_OK),
        Need(str(tmp_path), os.X_OK),
        Need(str(tmp_path), os.W_OK | os.X_OK),
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root")
@pytest.mark.parametrize(("mode", "uid"), [(0o644, 54321), (0o600, 0)])
def test_the_real_kernel_agrees(open_folder: Path, mode: int, uid: int) -> None:
    root = open_folder / "packages"
    root.mkdir()
    os.chown(root, 54321, 54321)
    users = root / ".htpasswd"
    users.touch()
    users.chmod(mode)
    code = (
        "import os, sys; from twisted_pypi.config import Config; "
        "from twisted_pypi.serving.privileges import give_up_root; "
        "give_up_root(Config(roots=(sys.argv[1],), password_file=sys.argv[2])); "
        "print(os.getresuid(), os.getresgid(), os.getgroups())"
    )
    command = [sys.executable, "-c", code, str(root), str(users)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"({uid}, {uid}, {uid}) ({uid}, {uid}, {uid})")
