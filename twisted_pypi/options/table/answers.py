"""Settings: pages, answers and logs, and what the old server knew."""

from __future__ import annotations

from importlib.util import find_spec

from twisted_pypi.config import LogFormat
from twisted_pypi.options import values
from twisted_pypi.options.setting import Given, Group, Kind, Reason, Setting


def _hash_note(given: Given) -> str | None:
    if given.value is not None:
        return None
    return f"{given.where} {given.text}: sha256 stays in the index, because clients check downloads by it."


def _nothing_to_choose(given: Given) -> str:
    return f"{given.where} {given.text}: there is nothing to choose here, and it has no effect."


def _log_format(given: Given) -> str:
    return (
        f"{given.where}: format strings have no effect; the access log has the combined format, "
        "or is written as JSON (--log-format json), and --access-log names its file."
    )


def _ignored(name: str, metavar: str, what: str) -> Setting:
    """A log format of the old server."""
    return Setting(
        name=name,
        flags=(f"--{name.replace('_', '-')}",),
        parse=values.as_text,
        expected="a text",
        metavar=metavar,
        help=what,
        group=Group.ACCEPTED,
        field=False,
        note=_log_format,
    )


def _bytes(text: str) -> int:
    return values.size(text) or 0


def _metrics(text: str) -> bool:
    wanted = values.boolean(text)
    if wanted:
        _needs_metrics()
    return wanted


def _metrics_place(text: str) -> str | None:
    if text.strip().lower() in {"off", "none"}:
        return None
    _needs_metrics()
    return values.place(text)


def _needs_metrics() -> None:
    if find_spec("prometheus_client") is None:
        raise Reason(
            "that needs a package which is not installed here, and which `pip install 'twisted-pypi[metrics]'` installs"
        )


ANSWERS: tuple[Setting, ...] = (
    Setting(
        name="health_endpoint",
        flags=("--health-endpoint",),
        parse=values.absolute_url_path,
        expected='a path such as "/health"',
        metavar="PATH",
        default="/health",
        help="where a monitor asks whether the server is well; never needs a login",
        group=Group.ANSWERS,
    ),
    Setting(
        name="welcome",
        flags=("--welcome",),
        parse=values.readable_file,
        expected="the path of a file that is there",
        metavar="FILE",
        default="the built-in page",
        help="a page for /, in which {{URL}}, {{VERSION}}, {{NUMPKGS}}, {{PACKAGES}} and {{SIMPLE}} are filled in",
        group=Group.ANSWERS,
    ),
    Setting(
        name="cache_control",
        flags=("--cache-control",),
        parse=values.age,
        expected='a time such as "3600" or "1h"',
        metavar="AGE",
        default="not sent",
        help="how long downloads may be kept by caches (Cache-Control: max-age)",
        group=Group.ANSWERS,
    ),
    Setting(
        name="page_cache",
        flags=("--page-cache",),
        parse=_bytes,
        expected='a size such as "32M" or "1G", or "off"',
        metavar="SIZE",
        default="64M",
        help="memory for finished pages and small files; those that nobody asks for go first",
        group=Group.ANSWERS,
    ),
    Setting(
        name="hash_algo",
        flags=("--hash-algo",),
        parse=values.hash_algorithm,
        expected='a hash algorithm such as "sha256" or "md5", or "off"',
        metavar="ALGORITHM",
        default="sha256",
        help="a further hash in the index; sha256 is always there",
        group=Group.ANSWERS,
        note=_hash_note,
    ),
    Setting(
        name="metrics",
        flags=("--metrics",),
        off_flags=("--no-metrics",),
        kind=Kind.SWITCH,
        parse=_metrics,
        expected="true or false",
        default="off",
        help="count requests, and show the figures at /-/metrics as Prometheus reads them",
        group=Group.LOGS,
    ),
    Setting(
        name="metrics_listen",
        flags=("--metrics-listen",),
        parse=_metrics_place,
        expected='a port, an address with a port, a Twisted endpoint, or "off"',
        metavar="PLACE",
        default="off",
        help="count requests, and show the figures without a login at /metrics of another port: a port such as "
        '"9464", an address with one such as "127.0.0.1:9464", or a Twisted endpoint',
        group=Group.LOGS,
    ),
    Setting(
        name="log_format",
        flags=("--log-format",),
        parse=values.member_of(LogFormat),
        expected="text or json",
        metavar="FORMAT",
        default="text",
        help="how the log and the access log are written: as text, or as one JSON object a line "
        "(with twist, twist --log-format is for the log)",
        group=Group.LOGS,
    ),
    Setting(
        name="verbosity",
        flags=("-v", "--verbose"),
        kind=Kind.COUNT,
        parse=values.whole(0, 9),
        expected="a number from 0 to 9",
        default="0",
        help="log more (pypi-server; with twistd everything is logged, and twist has --log-level)",
        group=Group.LOGS,
    ),
    Setting(
        name="log_file",
        flags=("--log-file",),
        parse=values.path,
        expected="the path of a file",
        metavar="FILE",
        default="none",
        help="write the log to this file; SIGHUP opens it again (with twist: twist --log-file)",
        group=Group.LOGS,
    ),
    Setting(
        name="log_stream",
        flags=("--log-stream",),
        parse=values.one_of("stderr", "stdout", "none"),
        expected="stderr, stdout or none",
        metavar="STREAM",
        default="stderr",
        help="where the log of pypi-server goes when there is no log file",
        group=Group.LOGS,
    ),
    Setting(
        name="access_log",
        flags=("--access-log",),
        parse=values.log_target,
        expected='the path of a file, "-" or "off"',
        metavar="FILE",
        default="-",
        help='one line a request in the combined format: a file, "-" for standard output, or "off"',
        group=Group.LOGS,
    ),
    Setting(
        name="backend",
        flags=("--backend",),
        parse=values.as_text,
        expected="a name",
        metavar="NAME",
        help="how the old server read its folders",
        group=Group.ACCEPTED,
        field=False,
        note=_nothing_to_choose,
    ),
    Setting(
        name="server",
        flags=("--server",),
        parse=values.as_text,
        expected="a name",
        metavar="NAME",
        help="which web server the old server ran in",
        group=Group.ACCEPTED,
        field=False,
        note=_nothing_to_choose,
    ),
    _ignored("log_frmt", "FORMAT", "format of a log line"),
    _ignored("log_req_frmt", "FORMAT", "format of a request in the log"),
    _ignored("log_res_frmt", "FORMAT", "format of an answer in the log"),
    _ignored("log_err_frmt", "FORMAT", "format of an error in the log"),
)
