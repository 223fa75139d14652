"""Settings: who may do what, and uploads."""

from __future__ import annotations

from importlib.util import find_spec

from twisted_pypi.config import Attestations, UploadChecks
from twisted_pypi.options import values
from twisted_pypi.options.setting import Given, Group, Kind, Reason, Setting


def _attestations(text: str) -> Attestations:
    found = values.member_of(Attestations)(text)
    if found in {Attestations.VERIFY, Attestations.REQUIRE} and find_spec("pypi_attestations") is None:
        raise Reason(
            "that needs a package which is not installed here, and which "
            "`pip install 'twisted-pypi[attestations]'` installs; off or keep need none"
        )
    return found


def _overwrite_note(given: Given) -> str | None:
    if given.value or not given.where.startswith("PYPI_"):
        return None
    return f"{given.where}={given.text} is read as off; the old image took any text at all as on."


RIGHTS: tuple[Setting, ...] = (
    Setting(
        name="authenticate",
        flags=("-a", "--authenticate"),
        parse=values.actions,
        expected='any of update, download and list, split by commas or blanks, or "." for none',
        metavar="ACTIONS",
        default="update",
        empty_counts=True,
        help='actions that need a login: any of update, download and list; "." means none, '
        "and needs a password file of . too",
        group=Group.LOGINS,
    ),
    Setting(
        name="password_file",
        flags=("-P", "--password-file", "--passwords"),
        more_variables=("PYPI_PASSWD_FILE",),
        parse=values.password_file,
        expected='the path of an htpasswd file, or "." for no login at all',
        metavar="FILE",
        default="none: nobody can log in; /pypi/.htpasswd in the image",
        help="htpasswd file with the users; it is read again whenever it changes, and may appear later; "
        '"." means no login at all, and needs --authenticate . too',
        group=Group.LOGINS,
    ),
    Setting(
        name="admins",
        flags=("--admins",),
        parse=values.names,
        expected="user names, split by commas or blanks",
        metavar="USERS",
        default="nobody",
        help="users who may see who took what",
        group=Group.LOGINS,
    ),
    Setting(
        name="overwrite",
        flags=("-o", "--overwrite"),
        off_flags=("--no-overwrite",),
        kind=Kind.SWITCH,
        parse=values.boolean,
        expected="true or false",
        default="off",
        help="an upload may replace a file that has other bytes",
        group=Group.UPLOADS,
        note=_overwrite_note,
    ),
    Setting(
        name="max_upload_size",
        flags=("--max-upload-size",),
        parse=values.size,
        expected='a size such as "500M" or "2GB", or "off"',
        metavar="SIZE",
        default="off",
        help="the largest upload; K, M, G and T are powers of 1024",
        group=Group.UPLOADS,
    ),
    Setting(
        name="max_uploads",
        flags=("--max-uploads",),
        parse=values.whole(1),
        expected="a number from 1",
        metavar="N",
        default="32",
        help="uploads under way at once",
        group=Group.UPLOADS,
    ),
    Setting(
        name="upload_checks",
        flags=("--upload-checks",),
        parse=values.member_of(UploadChecks),
        expected="strict or names",
        metavar="HOW",
        default="strict",
        help="look into every uploaded archive, as the public index does (strict), or check names and digests alone, "
        "for old archives: .egg, .exe and .msi, empty and broken files (names)",
        group=Group.UPLOADS,
    ),
    Setting(
        name="attestations",
        flags=("--attestations",),
        parse=_attestations,
        expected="off, keep, verify or require",
        metavar="HOW",
        default="keep",
        help="attestations that come with an upload (PEP 740): ignore them (off), check that they are of this file and "
        "serve them (keep), verify their signatures too (verify), or take no upload without them (require)",
        group=Group.UPLOADS,
    ),
)
