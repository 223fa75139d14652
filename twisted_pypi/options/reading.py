"""The command line, ``PYPI_EXTRA`` and the variables, one above the other: a ``Config``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from twisted_pypi.config import Config, Fallback
from twisted_pypi.distributions import ProjectName
from twisted_pypi.errors import BadSetting
from twisted_pypi.options.layers import EXTRA, Layer
from twisted_pypi.options.setting import Contradiction, Given, Setting
from twisted_pypi.options.values import NO_LOGIN, path
from twisted_pypi.policy.names import NamePatterns

RULES_IN_ROOT = ".rules.toml"
"""The rules file that is used without being named."""


def config_of(
    settings: Sequence[Setting],
    layers: Sequence[Layer],
    *,
    default_root: str | None,
    environ: Mapping[str, str],
    serving: bool = True,
) -> Config:
    """The settings in force; ``serving``: for a server, not for a command that only looks at its folders.

    ``layers`` are sorted by what wins; operands are further roots.  Without any
    root, ``default_root`` is served.  Raises ``BadSetting`` when there is none
    either, and ``Contradiction``.
    """
    in_force: dict[str, Given] = {}
    for layer in reversed(layers):
        in_force.update(_with_operands(layer))
    _open_only_on_purpose(in_force)
    if "roots" not in in_force:
        if default_root is None:
            raise BadSetting("--root is missing: expected the folder to serve, here or in PYPI_ROOT.")
        in_force["roots"] = Given("", default_root, (path(default_root),))
    notes = [each.note(in_force[each.name]) for each in settings if each.note and each.name in in_force]
    fields: dict[str, Any] = {each.name: in_force[each.name].value for each in settings if _fills(each, in_force)}
    fields["roots"] = tuple(dict.fromkeys(fields["roots"]))
    if fields.get("password_file") == NO_LOGIN:
        fields["password_file"] = None
    fields["rules"] = _rules(
        fields["roots"][0], fields.get("rules"), fields.get("fallback", Fallback.REDIRECT), serving=serving
    )
    _merged_only_if_public(fields.get("private", ()), fields.get("merge", ()))
    _tls_is_whole(in_force)
    return Config(**fields, notes=(*filter(None, notes), *_misspelt(settings, environ)))


def _fills(setting: Setting, in_force: Mapping[str, Given]) -> bool:
    return setting.field and setting.name in in_force


def _with_operands(layer: Layer) -> dict[str, Given]:
    if not layer.operands:
        return layer.given
    before = layer.given.get("roots", Given("", "", ()))
    given = Given(before.where or "DIR", before.text, before.value + tuple(_folder(each) for each in layer.operands))
    return {**layer.given, "roots": given}


def _folder(operand: str) -> str:
    try:
        return path(operand)
    except ValueError:
        raise BadSetting(f"{operand!r} cannot be served: expected the path of a folder.") from None


def _open_only_on_purpose(in_force: Mapping[str, Given]) -> None:
    """See that a server without any login was asked for twice."""
    actions = in_force.get("authenticate")
    passwords = in_force.get("password_file")
    no_actions = actions is not None and not actions.value
    no_passwords = passwords is not None and passwords.value == NO_LOGIN
    if no_actions == no_passwords:
        return
    said = actions if no_actions else passwords
    missing = "-P . (PYPI_PASSWD_FILE=.)" if no_actions else "-a . (PYPI_AUTHENTICATE=.)"
    raise Contradiction(
        f"{said.where if said else ''} {said.text if said else ''!r} asks for a server without any login, "
        f"and that needs {missing} too: give both, or neither."
    )


def rules_in(root: str) -> str:
    """Return where the rules file of a root is, if it has one."""
    return os.path.join(root, RULES_IN_ROOT)  # noqa: PTH118  # a text, no path yet


def _is_there(rules: str, *, in_doubt: bool) -> bool:
    """Is there a rules file?  Where that cannot be seen, whoever uses one finds out at the start."""
    try:
        os.lstat(rules)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return in_doubt
    return True


def _rules(root: str, named: str | None, fallback: Fallback, *, serving: bool) -> str | None:
    """The rules file in force: the one that was named, else that of the first root, if it is there."""
    found = named or rules_in(root)
    if named is None and not _is_there(found, in_doubt=fallback is not Fallback.REDIRECT):
        return None
    if fallback is Fallback.REDIRECT and serving:
        raise BadSetting(
            f"the rules in {found} cannot bite on files that clients fetch elsewhere: expected --fallback proxy "
            "(or off) with them, and --fallback redirect is in force."
        )
    return found


def _merged_only_if_public(private: Sequence[str], merged: Sequence[ProjectName]) -> None:
    """See that no project is asked to be kept in and to be mixed with a stranger's."""
    patterns = NamePatterns(private)
    for name in merged:
        pattern = patterns.match(name)
        if pattern is not None:
            raise BadSetting(
                f"--merge {name} and --private {pattern} contradict each other: expected a project that is merged "
                "with upstream's to be in no private pattern."
            )


def _tls_is_whole(in_force: Mapping[str, Given]) -> None:
    """See that there is a certificate for what is only there with one."""
    if "tls_cert" in in_force:
        return
    key, redirect = in_force.get("tls_key"), in_force.get("redirect_http")
    if key is not None:
        raise Contradiction(f"{key.where} is the key of a certificate: expected its file too, with --tls-cert.")
    public = in_force.get("public_url")
    listen: Sequence[str] = in_force["listen"].value if "listen" in in_force else ()
    by_tls = any(each.startswith("ssl:") for each in listen)
    if redirect is not None and not by_tls and (public is None or not public.value.startswith("https:")):
        raise Contradiction(
            f"{redirect.where} sends clients on to an https address, and there is none: expected a certificate, with"
            " --tls-cert, or an https URL, with --public-url."
        )


def _misspelt(settings: Sequence[Setting], environ: Mapping[str, str]) -> list[str]:
    """A note for each ``PYPI_*`` variable that is nearly one of ours."""
    known = {EXTRA, *(variable for setting in settings for variable in setting.variables)}
    notes = []
    for variable in sorted(environ):
        near = get_close_matches(variable, known, 1, 0.85) if variable.startswith("PYPI_") else []
        if near and variable not in known:
            notes.append(f"The variable {variable} is not known and has no effect: perhaps {near[0]} was meant.")
    return notes
