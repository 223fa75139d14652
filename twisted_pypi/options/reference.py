"""The page about the options, made from the table."""

from __future__ import annotations

from collections.abc import Sequence

from twisted_pypi.options.setting import Kind, Setting
from twisted_pypi.options.table import SETTINGS, UPDATE

_START = """# Options

This page is made by `python -m twisted_pypi.options > docs/options.md`, from the table that the program itself reads.

The command line wins over `PYPI_EXTRA`, which wins over the other variables, which win over the defaults. `PYPI_EXTRA`
holds more of the command line, split as a shell splits it. An empty variable is as if it were not set, except for
`PYPI_AUTHENTICATE`, where it means `.`. Where an option has several variables, the first that is set counts.

- `twistd pypi --root DIR`, in the foreground `twistd -n pypi --root DIR`, or `twist pypi --root DIR`.
- `pypi-server [run] [DIR ...]`: the old server's command line, which takes the same options.
- In the image the variables `PYPI_ROOT=/pypi`, `PYPI_PORT=80` and `PYPI_PASSWD_FILE=/pypi/.htpasswd` are set.

A value that cannot be used ends the program with exit code 2, and two that contradict each other with 1; one sentence
on standard error says which, and what was expected.

Signals: `SIGTERM` and `SIGINT` finish what is being sent and end the program within 8 seconds with exit code 0, a second
one ends it at once; `SIGHUP` opens the log files again, and reads users, rules and certificate again ([service.md](service.md)).
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_START]
    for settings in (SETTINGS, UPDATE):
        for group in dict.fromkeys(setting.group for setting in settings):
            rows = [_row(setting) for setting in settings if setting.group is group]
            parts.append(f"\n## {group.value}\n\n| option | variable | default | meaning |\n|---|---|---|---|\n")
            parts.extend(rows)
    return "".join(parts)


def _row(setting: Setting) -> str:
    value = f" {setting.metavar}" if setting.kind in {Kind.ONE, Kind.MANY} else ""
    flags = _code((*setting.flags[:-1], setting.flags[-1] + value, *setting.off_flags))
    cells = (flags, _code(setting.variables), setting.default, f"{setting.help} ({setting.expected})")
    if setting.kind in {Kind.SWITCH, Kind.COUNT}:
        cells = (*cells[:3], setting.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _code(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
