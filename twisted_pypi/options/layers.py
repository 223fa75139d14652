"""What was given in one place: on a command line, or in the environment."""

from __future__ import annotations

import shlex
from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from twisted_pypi.config import Fallback
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.setting import Contradiction, Given, Kind, Setting

EXTRA = "PYPI_EXTRA"
"""The variable that holds more of the command line."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings of one place, by name, and what was not an option."""

    given: dict[str, Given] = field(default_factory=dict)
    operands: tuple[str, ...] = ()


class _Collect(Action):
    """Keeps what was written; ``of_command_line`` makes values of it."""

    def __call__(
        self,
        parser: ArgumentParser,  # noqa: ARG002  # argparse's signature
        namespace: Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        namespace.written.append((self.dest, option_string, values if isinstance(values, str) else ""))


class _Parser(ArgumentParser):
    """An argparse parser that raises ``BadSetting`` instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        raise BadSetting(message)


def parser_of(settings: Sequence[Setting], prog: str, usage: str, description: str, version: str) -> ArgumentParser:
    """The argparse parser for some settings, with their groups as headings."""
    parser = _Parser(
        prog=prog,
        usage=usage,
        description=description,
        allow_abbrev=False,
        add_help=False,
        exit_on_error=False,
        epilog="Every option has an environment variable, which is named in brackets, and PYPI_EXTRA holds more of "
        "the command line. The command line wins over PYPI_EXTRA, and that over the other variables.",
    )
    general = parser.add_argument_group("General")
    general.add_argument("-h", "--help", action="help", help="show this and end")
    general.add_argument("--version", action="version", version=version, help="show the version and end")
    headings = {group: parser.add_argument_group(group.value) for group in dict.fromkeys(s.group for s in settings)}
    for setting in settings:
        takes_value = setting.kind in {Kind.ONE, Kind.MANY}
        variables = ", ".join(setting.variables)
        where = f" [{variables}]" if variables else ""
        default = f" (default: {setting.default})" if setting.default else ""
        headings[setting.group].add_argument(
            *setting.flags,
            *setting.off_flags,
            action=_Collect,
            dest=setting.name,
            nargs=None if takes_value else 0,
            metavar=setting.metavar,
            help=setting.help + default + where,
        )
    return parser


def of_command_line(parser: ArgumentParser, settings: Sequence[Setting], argv: Sequence[str], place: str = "") -> Layer:
    """What a command line says.

    Options may stand before, between and behind the operands; ``--`` ends them.
    ``place`` follows the name of a flag in the sentence of a ``BadSetting``.
    """
    by_name = {setting.name: setting for setting in settings}
    end = argv.index("--") if "--" in argv else len(argv)
    try:
        namespace, others = parser.parse_known_args(list(argv[:end]), Namespace(written=[]))
    except ArgumentError as error:
        raise BadSetting(_sentence(error, by_name, place)) from None
    for other in others:
        if other.startswith("-") and other != "-":
            raise BadSetting(_unknown(other, settings, place))
    layer = Layer(operands=(*others, *argv[end + 1 :]))
    for name, flag, text in namespace.written:
        setting = by_name[name]
        before = layer.given.get(name)
        layer.given[name] = _value(setting, flag, text, before, place)
    return _without_contradiction(layer)


def _value(setting: Setting, flag: str, text: str, before: Given | None, place: str) -> Given:
    where = flag + place
    match setting.kind:
        case Kind.SWITCH:
            return Given(where, "", flag not in setting.off_flags)
        case Kind.COUNT:
            return Given(where, "", (before.value if before else 0) + 1)
        case Kind.MANY:
            now = setting.read(where, text)
            return Given(where, text, (before.value if before else ()) + now.value)
        case Kind.ONE:
            return setting.read(where, text)


def _sentence(error: ArgumentError, by_name: Mapping[str, Setting], place: str) -> str:
    flags = (error.argument_name or "").split("/")
    for setting in by_name.values():
        if flags[-1] in (*setting.flags, *setting.off_flags):
            shown = setting.flags[-1] if setting.flags[-1].startswith("--") else setting.flags[0]
            if setting.kind in {Kind.ONE, Kind.MANY}:
                return f"{shown}{place} needs a value: expected {setting.expected}."
            return f"{shown}{place} takes no value."
    return f"{error.message}."


def _unknown(word: str, settings: Sequence[Setting], place: str) -> str:
    flag = word.partition("=")[0]
    known = ["--help", "--version", *(each for setting in settings for each in (*setting.flags, *setting.off_flags))]
    near = get_close_matches(flag, known, 2)
    hint = f"perhaps {' or '.join(near)} was meant" if near else "--help shows those there are"
    return f"{flag}{place} is not an option that is known here: {hint}."


def of_variables(settings: Sequence[Setting], environ: Mapping[str, str]) -> Layer:
    """What the ``PYPI_*`` variables say, but for ``PYPI_EXTRA``."""
    layer = Layer()
    for setting in settings:
        for variable in setting.variables:
            text = environ.get(variable)
            if text is None or (not text.strip() and not setting.empty_counts):
                continue
            layer.given[setting.name] = _from_variable(setting, variable, text)
            break
    return _without_contradiction(layer)


def _from_variable(setting: Setting, variable: str, text: str) -> Given:
    if setting.split is None:
        return setting.read(variable, text)
    parts = [setting.read(variable, part).value for part in setting.split(text)]
    return Given(variable, text, tuple(value for part in parts for value in part))


def of_extra(parse: Callable[[Sequence[str]], Layer], environ: Mapping[str, str]) -> Layer:
    """What ``PYPI_EXTRA`` says, split as a shell splits; ``parse`` reads the words."""
    text = environ.get(EXTRA, "")
    try:
        argv = shlex.split(text)
    except ValueError:
        raise BadSetting(f"{EXTRA} {text!r} cannot be used: expected options with matching quotes.") from None
    return parse(argv)


def _without_contradiction(layer: Layer) -> Layer:
    """The layer with ``--disable-fallback`` said as ``--fallback off``."""
    disabled = layer.given.pop("disable_fallback", None)
    if disabled is None or not disabled.value:
        return layer
    fallback = layer.given.get("fallback")
    if fallback is not None and fallback.value != Fallback.OFF:
        raise Contradiction(
            f"{disabled.where} and {fallback.where} {fallback.text} contradict each other: expected one of them."
        )
    layer.given["fallback"] = Given(disabled.where, "off", Fallback.OFF)
    return layer
