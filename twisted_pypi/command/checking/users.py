"""The password file: who can log in by it, and which of its lines let nobody in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twisted_pypi.command.checking.finding import Finding, Level, Matter
from twisted_pypi.config import Action, Config
from twisted_pypi.htpasswd import Scheme, decode, parse, scheme_of


def users(config: Config) -> Iterator[Finding]:
    """What there is to say of the users."""
    path = config.password_file
    if path is None:
        nobody = "No password file: nobody can log in" if config.authenticate else "Nobody needs a login"
        uploads = ", and nobody can upload." if Action.UPDATE in config.authenticate else "."
        yield Finding(nobody + uploads, matter=Matter.USERS)
        return
    try:
        table = parse(decode(Path(path).read_bytes()))
    except FileNotFoundError:
        yield Finding(
            f"{path} is not there yet: nobody can log in until it is.",
            Level.NOTE,
            Matter.USERS,
            f"`twisted-pypi passwd {path} NAME` makes it with a first user.",
            path,
        )
        return
    except OSError as error:
        advice = "Give the server's user the right to read it, or name another file with --passwords."
        yield Finding(f"{path} cannot be read ({error.strerror}).", Level.BAD, Matter.USERS, advice, path)
        return
    yield Finding(f"{path} has {len(table.entries)} users.", matter=Matter.USERS, path=path)
    for number, problem in table.problems:
        yield Finding(
            f"{path}, line {number}: {problem}.",
            Level.BAD,
            Matter.USERS,
            f"Nobody can log in by this line: remove it, or set the password with `twisted-pypi passwd {path} NAME`.",
            path,
        )
    plain = [name for name, hashed in table.entries.items() if scheme_of(hashed) is Scheme.PLAIN]
    if plain:
        yield Finding(
            f"{path} has the passwords of {', '.join(plain)} in plain text.",
            Level.NOTE,
            Matter.USERS,
            f"They work; `twisted-pypi passwd {path} NAME` keeps them as bcrypt hashes.",
            path,
        )
