"""Is a file that cannot be found gone, or only out of sight?

An unmounted volume leaves an empty folder behind, and it is another folder:
only where the folder is the one in which files were seen last does a missing
file mean that somebody removed it.
"""

from __future__ import annotations

import os

from twisted_pypi.catalog import Place, Writer
from twisted_pypi.storage.tree import Tree


def removed_by_hand(writer: Writer, tree: Tree, root: int, path: str) -> bool:
    """Was what is missing at ``path`` removed, together with folders above it perhaps?"""
    while path:
        path = path.rpartition("/")[0]
        now = tree.identity(root, path)
        if now is not None:
            return now == writer.read.identity(root, path)
    return False


def forget_file(writer: Writer, tree: Tree, place: Place) -> None:
    """Remove a file from the catalog, if it is still missing."""
    try:
        found = tree.status(place.root, place.path)
    except OSError:
        return
    if found is None:
        writer.remove(place)


def forget_folder(writer: Writer, tree: Tree, root: int, folder: str) -> None:
    """Remove a folder from the catalog with everything below it, if it is still missing."""
    location = tree.location(root, folder)
    if os.path.islink(location) or not os.path.isdir(location):
        writer.remove_below(root, folder)


def remember_folders(writer: Writer, tree: Tree, root: int, folder: str) -> None:
    """Files were just seen in a folder: remember which one it is, and those above it."""
    while True:
        identity = tree.identity(root, folder)
        if identity is not None and identity != writer.read.identity(root, folder):
            writer.remember_folder(root, folder, identity)
        if not folder:
            return
        folder = folder.rpartition("/")[0]
