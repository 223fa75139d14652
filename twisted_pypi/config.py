"""Everything that can be set, as one value.

``options`` makes a ``Config`` out of the command line and the environment; it
is handed down from ``tap`` and read nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from twisted_pypi.distributions import ProjectName


class Action(StrEnum):
    """What a login may be asked for."""

    UPDATE = "update"
    DOWNLOAD = "download"
    LIST = "list"


class Fallback(StrEnum):
    """What is done with a project that is not here."""

    REDIRECT = "redirect"
    """Clients are sent elsewhere."""
    PROXY = "proxy"
    """It is fetched from the upstream index, and kept."""
    OFF = "off"


class UploadChecks(StrEnum):
    """How much an upload is looked into: everything that the standards ask for, or names and digests alone."""

    STRICT = "strict"
    NAMES = "names"


class Attestations(StrEnum):
    """What is done with the attestations of an upload (PEP 740).

    Ignored; checked for form and kept; verified as well, if there are any;
    verified, and uploads without any refused.
    """

    OFF = "off"
    KEEP = "keep"
    VERIFY = "verify"
    REQUIRE = "require"


class Watch(StrEnum):
    """How changes by hand are noticed: by the watcher with the scan behind it, by the scan alone, or not at all."""

    AUTO = "auto"
    POLL = "poll"
    OFF = "off"


class LogFormat(StrEnum):
    """How the log and the access log are written: as lines for people, or as one JSON object a line."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one server."""

    roots: tuple[str, ...]
    """Absolute paths of the folders that are served; uploads go to the first."""
    state_dir: str | None = None
    """Where the catalog is kept; ``None``: ``.twisted-pypi`` in the first root, if that is local and writable."""

    workers: int = 1
    """Processes that serve."""
    port: int = 8080
    interface: str = ""
    """The address to listen on; empty: all."""
    listen: tuple[str, ...] = ()
    """Twisted endpoint strings; when there are any, ``port`` and ``interface`` do not count."""
    tls_cert: str | None = None
    """The certificate that TLS is spoken with, PEM; ``None``: plain HTTP, but for ``ssl:`` endpoints."""
    tls_key: str | None = None
    """Its private key; ``None``: in the same file."""
    redirect_http: int | None = None
    """A port in plain HTTP that sends clients on to the https address."""
    server_base_url: str = ""
    """The path under which everything is served: empty, or ``/prefix`` without a slash at its end."""
    public_url: str | None = None
    """The absolute URL of the server as its clients see it, without a slash at its end."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Addresses, networks and host names whose forwarding headers are believed."""

    password_file: str | None = None
    """The htpasswd file; ``None``: nobody can log in."""
    authenticate: frozenset[Action] = frozenset({Action.UPDATE})
    """The actions that need a login."""
    admins: frozenset[str] = frozenset()
    """Users who may see who took what."""

    overwrite: bool = False
    """May an upload replace a file that has other bytes?"""
    max_upload_size: int | None = None
    """Bytes that the body of an upload may have; ``None``: no limit but the disk's."""
    max_uploads: int = 32
    """Uploads under way at once."""
    upload_checks: UploadChecks = UploadChecks.STRICT
    attestations: Attestations = Attestations.KEEP

    fallback: Fallback = Fallback.REDIRECT
    fallback_url: str | None = None
    """The simple index that clients are sent to, without a slash at its end; ``None``: the public index."""
    private: tuple[str, ...] = ()
    """Names of projects and patterns of names that are ours, whether they are here or not."""

    upstreams: tuple[str, ...] = field(default=(), repr=False)
    """URLs of the simple indexes that mirrored projects come from, perhaps with logins; none: the public index."""
    upstream_netrc: str | None = None
    """A file in the form of ``.netrc`` with the logins for them."""
    upstream_ca: str | None = None
    """A file with certificates (PEM) of authorities to trust, besides the system's."""
    offline: bool = False
    """Is what is kept all that is given out, without a connection?"""
    cache_size: int | None = None
    """Bytes of upstream's files that are kept; ``None``: no limit but the disk's."""
    merge: tuple[ProjectName, ...] = ()
    """Projects whose own files are listed together with upstream's."""
    rules: str | None = None
    """The rules file, which says what is let in from upstream indexes."""
    update_every: float | None = None
    """Seconds between two updates of mirrored projects; ``None``: never."""
    update_all_files: bool = False
    """Are all files of a new release fetched, not only the kinds that are held of the last?"""
    update_keep: int = 1
    """How many of the newest releases are fetched."""
    update_unstable: bool = False
    """Are pre-releases fetched too?"""

    health_endpoint: str = "/health"
    welcome: str | None = None
    """A file with the page for ``/``; ``None``: the built-in one."""
    cache_control: int | None = None
    """Seconds for ``Cache-Control: max-age`` of package downloads; ``None``: not sent."""
    page_cache: int = 64 << 20
    """Bytes of finished pages and small files that are kept in memory; 0: none."""
    hash_algo: str | None = "sha256"
    """A further hash algorithm for the index; ``None``: the old server would have shown no hash."""

    follow_links: bool = False
    """Are symbolic links that lead outside the roots served?"""
    watch: Watch = Watch.AUTO
    rescan: float = 60.0
    """Seconds between two full scans."""

    metrics: bool = False
    """Are requests counted, and the figures shown at ``/-/metrics``?"""
    metrics_listen: str | None = None
    """A Twisted endpoint string where the figures are shown to anybody who asks; ``None``: nowhere."""

    access_log: str = "-"
    """A file, ``-`` (standard output) or ``off``."""
    audit_log: str | None = None
    """A file to which each thing that somebody did is appended; ``None``: there is none."""
    webhooks: tuple[str, ...] = field(default=(), repr=False)
    """URLs, perhaps with logins, that are told of what happens here."""
    webhook_secret_file: str | None = None
    """A file with the secrets that messages to them are signed with, one a line; ``None``: they are not signed."""
    log_file: str | None = None
    """Where the log goes; ``None``: where twistd puts it."""
    log_stream: str = "stderr"
    """``stdout``, ``stderr`` or ``none``: where the log goes when there is no log file (``pypi-server``)."""
    log_format: LogFormat = LogFormat.TEXT
    verbosity: int = 0

    notes: tuple[str, ...] = ()
    """Sentences about the settings themselves, logged once at start."""

    @property
    def download_caching(self) -> bytes | None:
        """The ``Cache-Control`` of downloads, if it is sent: only their client may keep what needed a login."""
        if self.cache_control is None:
            return None
        who = "private" if Action.DOWNLOAD in self.authenticate else "public"
        return f"{who}, max-age={self.cache_control}".encode()
