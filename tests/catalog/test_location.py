from pathlib import Path

import pytest

from twisted_pypi.catalog.location import is_remote, mounted_as, state_folders

MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /srv/packages nfs4 rw 0 0
/dev/vdb /srv/packages/local xfs rw 0 0
//host/share /mnt/with\\040blank cifs rw 0 0
me@host: /home/me/remote fuse.sshfs rw 0 0
tmpfs /srv/packages/local tmpfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv", "ext4"),
        ("/srv/packages", "nfs4"),
        ("/srv/packages/a/b", "nfs4"),
        ("/srv/packages-2", "ext4"),
        # The last of two mounts covers the first.
        ("/srv/packages/local/x", "tmpfs"),
        ("/mnt/with blank/x", "cifs"),
        ("/home/me/remote/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_that_a_path_is_on(path: str, kind: str) -> None:
    assert mounted_as(path, MOUNTS) == kind


def test_where_nothing_is_mounted_nothing_is_known() -> None:
    assert mounted_as("/srv", "") == ""


def test_a_temporary_folder_is_local(tmp_path: Path) -> None:
    assert not is_remote(str(tmp_path / "not there yet"))


def test_the_folder_that_was_asked_for_is_the_only_one_to_try() -> None:
    assert list(state_folders("/state", "/root", "/cache")) == ["/state"]


def test_the_root_comes_first_and_then_one_of_this_host_for_this_root(tmp_path: Path) -> None:
    first, second = state_folders(None, str(tmp_path), "/cache")
    assert first == str(tmp_path / ".twisted-pypi")
    assert second.startswith("/cache/twisted-pypi/")
    assert second != list(state_folders(None, str(tmp_path / "other"), "/cache"))[1]
