"""A site without a web, and a kernel without users."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from twisted.internet.protocol import Factory, Protocol

from twisted_pypi.serving.privileges import System


class Connections(Factory):
    """As many connections as a test says."""

    protocol = Protocol

    def __init__(self, busy: int = 0, idle: int = 0) -> None:
        self.busy = busy
        self.idle = idle
        self.aborted = 0

    @property
    def open_requests(self) -> int:
        return self.busy

    @property
    def open_connections(self) -> int:
        return self.busy + self.idle

    def close_idle(self) -> None:
        self.idle = 0

    def abort(self) -> None:
        self.aborted, self.busy, self.idle = self.busy, 0, 0


@dataclass
class Kernel:
    """Who a process is, and who owns which path; folders above are open unless ``closed``."""

    owners: dict[str, tuple[int, int]]
    uid: int = 0
    real_uid: int = 0
    gid: int = 0
    groups: list[int] = field(default_factory=lambda: [0, 5])
    refuse: bool = False
    read_only: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    history: list[str] = field(default_factory=list)

    def system(self) -> System:
        return System(
            geteuid=lambda: self.uid,
            owner=lambda path: self.owners[path],
            access=self.access,
            getgroups=lambda: list(self.groups),
            getresgid=lambda: (self.gid, self.gid, self.gid),
            setgroups=self.setgroups,
            setresgid=self.setresgid,
            setresuid=self.setresuid,
        )

    def access(self, path: str, _mode: int) -> bool:
        if path in self.read_only:
            return False
        if self.real_uid == 0:
            return True
        if path in self.owners:
            return self.owners[path][0] == self.real_uid and not any(path.startswith(each) for each in self.closed)
        return path not in self.closed

    def setgroups(self, groups: Sequence[int]) -> None:
        if self.refuse:
            raise PermissionError(1, "Operation not permitted")
        self.groups = list(groups)
        self.history.append(f"groups {self.groups}")

    def setresgid(self, real: int, effective: int, saved: int) -> None:
        self.gid = effective
        self.history.append(f"gid {real} {effective} {saved}")

    def setresuid(self, real: int, effective: int, saved: int) -> None:
        self.real_uid, self.uid = real, effective
        self.history.append(f"uid {real} {effective} {saved}")
