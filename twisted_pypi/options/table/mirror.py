"""Settings: projects that are not here, and the mirror of those that are an upstream index's."""

from __future__ import annotations

import re

from twisted_pypi.config import Fallback
from twisted_pypi.distributions import ProjectName, is_project_name, normalize
from twisted_pypi.options import values
from twisted_pypi.options.setting import Group, Kind, Setting

_PATTERN = re.compile(r"[a-z0-9._*?\[\]!-]+", re.IGNORECASE | re.ASCII)


def _patterns(text: str) -> tuple[str, ...]:
    found = values.words(text)
    if not found or not all(_PATTERN.fullmatch(each) for each in found):
        raise ValueError
    return found


def _projects(text: str) -> tuple[ProjectName, ...]:
    found = values.words(text)
    if not found or not all(is_project_name(each) for each in found):
        raise ValueError
    return tuple(normalize(each) for each in found)


def _update_files(text: str) -> bool:
    return values.one_of("same", "all")(text) == "all"


MIRROR: tuple[Setting, ...] = (
    Setting(
        name="fallback",
        flags=("--fallback",),
        parse=values.member_of(Fallback),
        expected="redirect, proxy or off",
        metavar="HOW",
        default="redirect",
        help="a project that is not here: send the client to the fallback URL (redirect), fetch it from the upstream "
        "index and keep it (proxy), or answer 404 (off)",
        group=Group.ELSEWHERE,
    ),
    Setting(
        name="disable_fallback",
        flags=("--disable-fallback",),
        kind=Kind.SWITCH,
        parse=values.boolean,
        expected="true or false",
        default="off",
        field=False,
        help="the same as --fallback off",
        group=Group.ELSEWHERE,
    ),
    Setting(
        name="fallback_url",
        flags=("--fallback-url",),
        parse=values.url,
        expected='a URL such as "https://index.example.com/simple"',
        metavar="URL",
        default="the public index",
        help="the simple index that clients are sent to",
        group=Group.ELSEWHERE,
    ),
    Setting(
        name="private",
        flags=("--private",),
        kind=Kind.MANY,
        split=lambda text: (text,),
        parse=_patterns,
        expected='names of projects, or patterns such as "acme-*"',
        metavar="PATTERN",
        default="what was uploaded here",
        help="projects that are ours, whether they are here or not: never asked for upstream, never redirected; "
        "may be repeated",
        group=Group.ELSEWHERE,
    ),
    Setting(
        name="upstreams",
        flags=("--upstream",),
        kind=Kind.MANY,
        split=lambda text: tuple(text.split()),
        parse=lambda text: (values.url(text),),
        expected='the URL of a simple index, such as "https://index.example.com/simple"',
        metavar="URL",
        default="the public index",
        help="the index that mirrored projects come from; may be repeated: the first that has a project has all of it",
        group=Group.MIRROR,
    ),
    Setting(
        name="upstream_netrc",
        flags=("--upstream-netrc",),
        parse=values.readable_file,
        expected="the path of a file that is there",
        metavar="FILE",
        default="none",
        help="a file in the form of .netrc with the logins for upstream indexes",
        group=Group.MIRROR,
    ),
    Setting(
        name="upstream_ca",
        flags=("--upstream-ca",),
        parse=values.readable_file,
        expected="the path of a file that is there",
        metavar="FILE",
        default="those of the system, and SSL_CERT_FILE",
        help="certificates (PEM) of authorities that upstream indexes are trusted by, besides the system's",
        group=Group.MIRROR,
    ),
    Setting(
        name="offline",
        flags=("--offline",),
        off_flags=("--no-offline",),
        kind=Kind.SWITCH,
        parse=values.boolean,
        expected="true or false",
        default="off",
        help="give out what is kept of upstream indexes, and never connect to one",
        group=Group.MIRROR,
    ),
    Setting(
        name="cache_size",
        flags=("--cache-size",),
        parse=values.size,
        expected='a size such as "50GB", or "off"',
        metavar="SIZE",
        default="off",
        help="bytes of upstream's files that are kept; those that nobody asked for longest go first",
        group=Group.MIRROR,
    ),
    Setting(
        name="merge",
        flags=("--merge",),
        kind=Kind.MANY,
        split=lambda text: (text,),
        parse=_projects,
        expected="names of projects",
        metavar="NAME",
        default="none",
        help="projects whose own files are listed together with upstream's, which is what lets a stranger's release "
        "in; may be repeated",
        group=Group.MIRROR,
    ),
    Setting(
        name="rules",
        flags=("--rules",),
        parse=values.path,
        expected="the path of a file",
        metavar="FILE",
        default=".rules.toml in the first root, if it is there",
        help="what is let in from upstream indexes: how old, which names and versions; read again when it changes; "
        "needs --fallback proxy or off",
        group=Group.MIRROR,
    ),
    Setting(
        name="update_every",
        flags=("--update-every",),
        parse=values.duration,
        expected='a time such as "12h" or "1d", more than 0',
        metavar="TIME",
        default="never",
        help="bring mirrored projects in the folders up to date this often",
        group=Group.MIRROR,
    ),
    Setting(
        name="update_all_files",
        flags=("--update-files",),
        parse=_update_files,
        expected="same or all",
        metavar="WHICH",
        default="same",
        help="of a new release, fetch the kinds of file that are held of the last (same), or all of them (all)",
        group=Group.MIRROR,
    ),
    Setting(
        name="update_keep",
        flags=("--update-keep",),
        parse=values.whole(1),
        expected="a number from 1",
        metavar="N",
        default="1",
        help="how many of the newest releases are fetched",
        group=Group.MIRROR,
    ),
    Setting(
        name="update_unstable",
        flags=("--update-unstable",),
        off_flags=("--no-update-unstable",),
        kind=Kind.SWITCH,
        parse=values.boolean,
        expected="true or false",
        default="off",
        help="fetch pre-releases and development releases too",
        group=Group.MIRROR,
    ),
)
