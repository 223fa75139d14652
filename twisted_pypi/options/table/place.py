"""Settings: what is served, and where."""

from __future__ import annotations

import os

from twisted_pypi.config import Watch
from twisted_pypi.options import values
from twisted_pypi.options.setting import Group, Kind, Setting

PLACE: tuple[Setting, ...] = (
    Setting(
        name="roots",
        flags=("-r", "--root"),
        kind=Kind.MANY,
        split=lambda text: tuple(part for part in text.split(os.pathsep) if part),
        parse=values.paths,
        expected="the path of a folder",
        metavar="DIR",
        default="~/packages for pypi-server; must be given to twistd pypi",
        help="a folder of packages, with all folders in it; the first one takes the uploads; may be repeated",
        group=Group.FILES,
    ),
    Setting(
        name="state_dir",
        flags=("--state-dir",),
        parse=values.path,
        expected="the path of a folder",
        metavar="DIR",
        default=".twisted-pypi in the first root",
        help="where what was learnt of the files is remembered; it may be deleted at any time",
        group=Group.FILES,
    ),
    Setting(
        name="follow_links",
        flags=("--follow-links",),
        off_flags=("--no-follow-links",),
        kind=Kind.SWITCH,
        parse=values.boolean,
        expected="true or false",
        default="off",
        help="serve symbolic links that lead outside the roots",
        group=Group.FILES,
    ),
    Setting(
        name="watch",
        flags=("--watch",),
        parse=values.member_of(Watch),
        expected="auto, poll or off",
        metavar="HOW",
        default="auto",
        help="how changes by hand are noticed: by watching the folders and scanning (auto), by scanning alone (poll), "
        "or only at the start (off)",
        group=Group.FILES,
    ),
    Setting(
        name="rescan",
        flags=("--rescan",),
        parse=values.duration,
        expected='a time such as "60", "90s" or "5m", more than 0',
        metavar="TIME",
        default="60 seconds",
        help="time between two full scans; they find what no watcher reports, on NFS for instance",
        group=Group.FILES,
    ),
    Setting(
        name="port",
        flags=("-p", "--port"),
        parse=values.port,
        expected="a number from 0 to 65535",
        metavar="PORT",
        default="8080; 80 in the image",
        help="the port; 0 lets the system choose one",
        group=Group.ADDRESS,
    ),
    Setting(
        name="interface",
        flags=("-i", "-H", "--interface", "--host"),
        parse=values.interface,
        expected="an address or a host name of this machine",
        metavar="ADDRESS",
        default="all IPv4 addresses",
        help='the address to listen on; "::" is all IPv6 addresses',
        group=Group.ADDRESS,
    ),
    Setting(
        name="listen",
        flags=("--listen",),
        kind=Kind.MANY,
        split=lambda text: tuple(text.split()),
        parse=values.endpoint,
        expected="a Twisted endpoint",
        metavar="ENDPOINT",
        help='a Twisted endpoint such as "tcp:8080", "unix:/run/pypi.sock", "systemd:domain=INET:index=0" or '
        '"ssl:8443:privateKey=key.pem:certKey=cert.pem", instead of port and interface; may be repeated',
        group=Group.ADDRESS,
    ),
    Setting(
        name="server_base_url",
        flags=("--server-base-url",),
        parse=values.base_path,
        expected='a path such as "/prefix" (--public-url takes the whole URL)',
        metavar="PATH",
        default="/",
        help="serve everything below this path",
        group=Group.ADDRESS,
    ),
    Setting(
        name="public_url",
        flags=("--public-url",),
        parse=values.url,
        expected='a URL such as "https://index.example.com"',
        metavar="URL",
        help="the server's own URL as its clients see it, for what needs an absolute one",
        group=Group.ADDRESS,
    ),
    Setting(
        name="trusted_proxies",
        flags=("--trusted-proxy",),
        kind=Kind.MANY,
        split=lambda text: (text,),
        parse=values.networks,
        expected='an address, a network such as "10.0.0.0/8", a host name, or "none"',
        metavar="ADDRESS",
        default="127.0.0.0/8 and ::1",
        help="whose Forwarded and X-Forwarded-* headers are believed: addresses, networks, host names; "
        "may be repeated; takes the place of the default",
        group=Group.ADDRESS,
    ),
)
