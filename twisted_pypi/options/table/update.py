"""Settings of ``update`` alone."""

from __future__ import annotations

from twisted_pypi.options import values
from twisted_pypi.options.setting import Group, Kind, Setting


def _switch(name: str, flags: tuple[str, ...], words: str) -> Setting:
    return Setting(
        name=name,
        flags=flags,
        kind=Kind.SWITCH,
        parse=values.boolean,
        expected="true or false",
        help=words,
        group=Group.UPDATE,
        default="off",
        field=False,
    )


UPDATE: tuple[Setting, ...] = (
    _switch("update", ("-U", "--update"), "update instead of serving, in the form without a sub-command"),
    _switch("execute", ("-x", "--execute"), "do it, instead of saying what would be done"),
    _switch(
        "compare",
        ("--compare",),
        "ask the upstream about projects that were put here by hand, too, without -x, which asks in any case",
    ),
    Setting(
        name="download_directory",
        flags=("-d", "--download-directory"),
        parse=values.path,
        expected="the path of a folder",
        metavar="DIR",
        default="beside the file that is updated",
        help="where new files are put",
        group=Group.UPDATE,
        field=False,
    ),
    _switch("allow_unstable", ("-u", "--allow-unstable"), "take pre-releases and development releases too"),
    Setting(
        name="ignorelist_file",
        flags=("--ignorelist-file", "--blacklist-file"),
        parse=values.readable_file,
        expected="the path of a file that is there",
        metavar="FILE",
        default="none",
        help="a file with the projects that are left alone, one a line",
        group=Group.UPDATE,
        field=False,
    ),
    _switch("strict", ("--strict",), "end with exit code 1 when a project could not be updated"),
    _switch("json", ("--json",), "print the outcome as one JSON document, and how it goes on standard error"),
)
