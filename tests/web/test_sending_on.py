"""Plain HTTP beside HTTPS."""

from __future__ import annotations

import pytest

from twisted_pypi.testing.wire import ClockWithDate, Wire, body, head, status
from twisted_pypi.web.sending_on import SendingOn
from twisted_pypi.web.site import IndexSite

UPLOAD = b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n"


class Plain:
    headers: tuple[tuple[bytes, bytes], ...] = ()
    prefix = ""

    def page(self, status: int, sentence: str) -> bytes:
        return f"{status} {sentence}".encode()

    def base_url(self, _request: object) -> str:
        return ""

    def is_trusted(self, _host: str) -> bool:
        return False


def ask(head: bytes, *, port: int = 443, public_url: str | None = None) -> bytes:
    """The answer to a request's head."""
    sending_on = SendingOn(port, public_url, ("/health", "/pypi/health"))
    site = IndexSite(
        sending_on, sending_on, access_log=None, error_pages=Plain(), addresses=Plain(), reactor=ClockWithDate()
    )
    wire = Wire(site)
    answer = wire.send(head)
    wire.hang_up()
    return answer


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize(
    ("host", "port", "public_url", "place"),
    [
        (b"pypi.example.com", 443, None, b"https://pypi.example.com"),
        (b"pypi.example.com:80", 443, None, b"https://pypi.example.com"),
        (b"pypi.example.com:8080", 8443, None, b"https://pypi.example.com:8443"),
        (b"[::1]:8080", 8443, None, b"https://[::1]:8443"),
        (b"10.0.0.1", 8443, "https://pypi.example.com/base", b"https://pypi.example.com"),
        (b"10.0.0.1", 8443, "http://pypi.example.com", b"https://10.0.0.1:8443"),
    ],
)
def test_readers_are_sent_to_the_same_address(
    method: bytes, host: bytes, port: int, public_url: str | None, place: bytes
) -> None:
    request = method + b" /simple/a%2Fb/?x=1&y HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    answer = ask(request, port=port, public_url=public_url)
    assert (status(answer), head(answer)[b"location"]) == (301, place + b"/simple/a%2Fb/?x=1&y")


@pytest.mark.parametrize("host", [b"", b"a b", b"a@evil.example.com", b"-", b"a/b", b"[::1"])
def test_a_host_that_is_none_is_refused(host: bytes) -> None:
    assert status(ask(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")) == 400


@pytest.mark.parametrize("path", [b"/health", b"/pypi/health"])
def test_a_monitor_is_answered(path: bytes) -> None:
    answer = ask(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status(answer), body(answer)) == (200, b"Ok")


@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
def test_an_upload_is_refused_before_it_comes(more: bytes) -> None:
    answer = ask(b"POST /legacy/ HTTP/1.1\r\nHost: pypi.example.com\r\n" + more + UPLOAD + b"\r\n")
    assert status(answer) == 403
    assert body(answer) == (
        b"nothing is taken over plain HTTP, where others could read the password; use https://pypi.example.com/legacy/\n"
    )


def test_whoever_sent_a_password_is_told_what_that_means() -> None:
    answer = ask(b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\n" + UPLOAD + b"\r\n")
    assert b", and change the password that was just sent" in answer.split(b"\r\n")[0]


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE"])
def test_nothing_but_reading_is_sent_on(method: bytes) -> None:
    assert status(ask(method + b" / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")) == 403
