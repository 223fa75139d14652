"""Which names a watcher gives hints of, and which folders it goes into."""

from __future__ import annotations

from twisted_pypi.distributions import is_package_name
from twisted_pypi.project_records import PROJECT, PROJECTS
from twisted_pypi.sidecars import sidecar_of
from twisted_pypi.storage.tree import SIGNATURE


def is_entered(below: str, name: str) -> bool:
    """Is the folder ``name`` in the folder ``below`` the root (``/`` at its end; empty: the root itself) watched?"""
    return not name.startswith(".") or (not below and name == PROJECTS)


def counts(below: str, name: str, *, is_folder: bool) -> bool:
    """May what happens to a name in the folder ``below`` the root change what is served?"""
    if below.startswith(f"{PROJECTS}/") or (not below and name == PROJECTS):
        return is_folder or name == PROJECT
    if not name or "/." in f"/{below}":
        return False
    if name.startswith("."):
        return sidecar_of(name) is not None
    if name.startswith("#") and name[1:].isdigit():
        # What the system calls a file without a name when it is closed: an upload.
        return False
    # A link to a folder comes as a file.
    name = name.removesuffix(SIGNATURE)
    return is_folder or is_package_name(name) or "." not in name
