"""Settings: who is told of what happens here, besides the log."""

from __future__ import annotations

from urllib.parse import urlsplit

from twisted_pypi.options import values
from twisted_pypi.options.setting import Group, Kind, Setting


def _hook(text: str) -> tuple[str, ...]:
    """An absolute URL, perhaps with a login and a query; nothing of it is said to be wrong but that it is."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or parts.port == 0:
        raise ValueError
    if not text.isprintable() or any(each.isspace() or each in '\\"<>' for each in text):
        raise ValueError
    return (text,)


OUTWARD: tuple[Setting, ...] = (
    Setting(
        name="audit_log",
        flags=("--audit-log",),
        parse=values.path,
        expected="the path of a file",
        metavar="FILE",
        default="none",
        help="append a line of JSON to this file for each thing that somebody did: uploads, removals, yanks, logins and "
        "those that failed, updates, recalls; SIGHUP opens it again",
        group=Group.LOGS,
    ),
    Setting(
        name="webhooks",
        flags=("--webhook",),
        kind=Kind.MANY,
        split=values.words,
        parse=_hook,
        expected="an absolute http or https URL",
        metavar="URL",
        default="none",
        help="POST a JSON message to this URL for each upload, removal, yank, change of status, update and recall; may "
        "be repeated",
        group=Group.HOOKS,
        secret=True,
    ),
    Setting(
        name="webhook_secret_file",
        flags=("--webhook-secret-file",),
        parse=values.readable_file,
        expected="the path of a file that is there",
        metavar="FILE",
        default="none: messages are not signed",
        help="a file with the secret that messages to webhooks are signed with (HMAC-SHA256, Standard Webhooks); with "
        "several lines, by each of them",
        group=Group.HOOKS,
    ),
)
