"""Root binds the port; whoever owns the packages serves them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twisted_pypi.config import Config

_ENTER = os.R_OK | os.W_OK | os.X_OK
_VERBS = {os.R_OK: "read", os.W_OK: "write", os.X_OK: "enter", _ENTER: "write"}


def _owner(path: str) -> tuple[int, int]:
    facts = Path(path).stat()
    return facts.st_uid, facts.st_gid


@dataclass(frozen=True, slots=True)
class System:
    """The calls that give up root, which a test replaces."""

    geteuid: Callable[[], int] = os.geteuid
    owner: Callable[[str], tuple[int, int]] = _owner
    access: Callable[[str, int], bool] = os.access
    getgroups: Callable[[], list[int]] = os.getgroups
    getresgid: Callable[[], tuple[int, int, int]] = os.getresgid
    setgroups: Callable[[Sequence[int]], None] = os.setgroups
    setresgid: Callable[[int, int, int], None] = os.setresgid
    setresuid: Callable[[int, int, int], None] = os.setresuid


@dataclass(frozen=True, slots=True)
class Need:
    """A path that the server has to be able to use."""

    path: str
    mode: int
    """As ``os.access`` takes it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went, in one sentence for the log."""

    sentence: str
    as_wished: bool = True


def needs(config: Config) -> list[Need]:
    """What has to be usable by whoever serves: folders, users, page, logs."""
    found = [Need(root, _ENTER) for root in config.roots]
    state = Path(config.state_dir or Path(config.roots[0], ".twisted-pypi"))
    if state.is_dir():
        found.append(Need(str(state), _ENTER))
        found.extend(Need(str(each), os.W_OK) for each in sorted(state.iterdir()) if each.is_file())
    if config.password_file is not None:
        found.append(_file(config.password_file, os.R_OK, os.X_OK))
    if config.welcome is not None:
        found.append(Need(config.welcome, os.R_OK))
    if config.webhook_secret_file is not None:
        found.append(_file(config.webhook_secret_file, os.R_OK, os.X_OK))
    logs = (config.log_file, config.access_log, config.audit_log)
    found.extend(_file(each, os.W_OK, os.W_OK | os.X_OK) for each in logs if each and each not in {"-", "off"})
    return found


def _file(path: str, mode: int, folder_mode: int) -> Need:
    """A file, or the folder that it will appear in."""
    return Need(path, mode) if Path(path).exists() else Need(str(Path(path).parent), folder_mode)


def give_up_root(config: Config, system: System | None = None) -> Outcome | None:
    """Become the owner of the first root, by number: no account of that number is needed.

    ``None`` when the process is not root.  It stays root when root owns the
    folder, and when the owner could not use what root can.
    """
    system = system or System()
    root = config.roots[0]
    if system.geteuid() != 0:
        return None
    uid, gid = system.owner(root)
    if uid == 0:
        return Outcome(f"Serving as root, because root owns {root}; after `chown -R UID:GID {root}` that user serves.")
    wanted = [need for need in needs(config) if system.access(need.path, need.mode)]
    try:
        with _for_a_moment(uid, gid, system):
            lacking = [need for need in wanted if not system.access(need.path, need.mode)]
            closed = [each for need in lacking[:1] for each in _above(need.path) if not system.access(each, os.X_OK)]
        if lacking:
            return _kept(f"{uid}:{gid}", root, lacking, closed)
        system.setgroups([gid])
        system.setresgid(gid, gid, gid)
        system.setresuid(uid, uid, uid)
    except OSError as error:
        return Outcome(
            f"Staying root: becoming {uid}:{gid}, who owns {root}, is not permitted ({error}).", as_wished=False
        )
    return Outcome(f"Gave up root: serving as {uid}:{gid}, who owns {root}.")


@contextmanager
def _for_a_moment(uid: int, gid: int, system: System) -> Iterator[None]:
    """Be somebody else, with the way back to root kept open.

    ``access`` asks for the real user, and the kernel answers: access lists,
    read-only mounts and network file systems count as they will later.
    """
    groups, before = system.getgroups(), system.getresgid()
    try:
        system.setgroups([gid])
        system.setresgid(gid, gid, before[2])
        system.setresuid(uid, uid, 0)
        yield
    finally:
        system.setresuid(0, 0, 0)
        system.setresgid(*before)
        system.setgroups(groups)


def _above(path: str) -> list[str]:
    """The folders that lead to a path, the outermost first."""
    return [str(each) for each in reversed(Path(path).parents)]


def _kept(owner: str, root: str, lacking: Sequence[Need], closed: Sequence[str]) -> Outcome:
    first = lacking[0]
    more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
    if closed:
        problem = f"cannot enter {closed[0]}, which leads to {first.path}{more}: `chmod o+x {closed[0]}`, or a path"
        return Outcome(
            f"Staying root: {owner}, who owns {root}, {problem} elsewhere, lets the server give it up.", as_wished=False
        )
    verb = _VERBS.get(first.mode, "write")
    recursive = "-R " if first.mode == _ENTER else ""
    advice = f"`chown {recursive}{owner} {first.path}` lets the server give it up"
    return Outcome(
        f"Staying root: {owner}, who owns {root}, cannot {verb} {first.path}{more}; {advice}.", as_wished=False
    )
