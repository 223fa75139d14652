"""A server endpoint: text -> value, or the reason why it is none."""

from __future__ import annotations

from twisted.internet.endpoints import serverFromString

from twisted_pypi.options.setting import Reason


def endpoint(text: str) -> tuple[str, ...]:
    """A Twisted server endpoint string that can be understood here and now."""
    try:
        serverFromString(None, text)
    except OSError as error:
        raise Reason(
            f"{error.filename} cannot be read ({error.strerror}): expected a file that this user may read"
        ) from None
    except Exception as error:  # noqa: BLE001  # each endpoint plugin, and OpenSSL, raises what it likes
        if type(error).__module__.startswith("OpenSSL"):
            raise Reason(
                "its privateKey and certKey are no key and certificate that belong together: expected files in PEM"
                " (-----BEGIN CERTIFICATE)"
            ) from None
        if text.startswith("systemd:") and isinstance(error, IndexError | KeyError):
            raise Reason(
                "systemd has handed over no such socket: expected to be started for a unit with the extension .socket"
            ) from None
        reason = str(error).rstrip(".") or type(error).__name__
        raise Reason(f'expected a Twisted endpoint such as "tcp:8080" or "unix:/run/pypi.sock", but {reason}') from None
    return (text,)
