"""Webhooks over real connections: signed, through proxies, by TLS, and without a word of their secrets."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher

from tests.upstream.loopback import Certificate, running, turns, until
from tests.webhooks.receiver import Receiver, a_receiver
from twisted_pypi.boundaries.happenings import Happening, HappeningKind
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.tap.hooks import make_hooks, shown
from twisted_pypi.testing.scripted_proxy import ScriptedProxy
from twisted_pypi.webhooks import Webhooks

SECRET = b64encode(b"a secret of twenty-four bytes").decode()


@pytest.fixture
def lines() -> Any:
    found: list[str] = []

    def note(event: dict[str, Any]) -> None:
        if event.get("log_namespace", "").startswith("twisted_pypi."):
            found.append(formatEvent(event))

    observer = cast("ILogObserver", note)
    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


@asynccontextmanager
async def hooked(urls: Sequence[str], environ: dict[str, str] | None = None, **more: Any) -> AsyncIterator[Webhooks]:
    hooks = make_hooks(Config(roots=("/",), webhooks=tuple(urls), **more), environ or {}, reactor)
    numbers = iter(range(100))
    webhooks = Webhooks(hooks, lambda: str(next(numbers)), lambda: 0.5)
    webhooks.startService()
    try:
        yield webhooks
    finally:
        await webhooks.stopService()
        await turns(3)


def tell(webhooks: Webhooks, *users: str) -> None:
    for user in users:
        webhooks.tell(Happening(kind=HappeningKind.UPLOAD, moment=0.0, user=user))


def users(receiver: Receiver) -> list[str]:
    return [each.json["data"]["user"] for each in receiver.received]


@pytest_twisted.ensureDeferred
async def test_signed_messages_arrive_in_order_each_on_a_connection_that_is_closed(
    tmp_path: Path, lines: list[str]
) -> None:
    (tmp_path / "secret").write_text(f"whsec_{SECRET}\n")
    async with a_receiver() as receiver:
        receiver.answers, receiver.body, receiver.endless = [200, 201, 204], b"x" * 100_000, True
        url = f"{receiver.url}/in/x?token=hidden".replace("//", "//me:hid%20den@")
        async with hooked([url], webhook_secret_file=str(tmp_path / "secret")) as webhooks:
            tell(webhooks, "a", "b", "c")
            await until(lambda: len(receiver.received) == 3)
            await until(lambda: receiver.connections.open == 0)
        assert users(receiver) == ["a", "b", "c"]
        first = receiver.received[0]
        assert first.path == "/in/x?token=hidden"
        assert first.headers["content-type"] == "application/json"
        assert first.headers["authorization"] == f"Basic {b64encode(b'me:hid den').decode()}"
        assert first.headers["user-agent"].startswith("twisted_pypi/")
        assert first.headers["webhook-id"] == "msg_0"
        assert all(each.signed_by(SECRET) for each in receiver.received)
        assert receiver.connections.made == 3
    assert lines == [], "nothing is said where nothing is wrong"


@pytest_twisted.ensureDeferred
async def test_redirects_are_not_followed_and_a_gone_receiver_is_left_alone(lines: list[str]) -> None:
    async with a_receiver() as elsewhere, a_receiver() as moved, a_receiver() as gone:
        moved.answers, moved.headers = [307], {"Location": elsewhere.url}
        gone.answers = [410]
        async with hooked([moved.url, gone.url]) as webhooks:
            tell(webhooks, "a")
            await until(lambda: moved.received and gone.received)
            await until(lambda: len(lines) == 2)
            tell(webhooks, "b")
            await until(lambda: len(moved.received) == 2)
        assert elsewhere.received == []
        assert users(gone) == ["a"]
        assert any("it answered 307" in line for line in lines)
        assert any("is gone (410)" in line for line in lines)


@pytest_twisted.ensureDeferred
async def test_who_does_not_answer_delays_neither_the_others_nor_the_end(lines: list[str]) -> None:
    async with a_receiver() as silent, a_receiver() as well:
        silent.answers, url = [None] * 10, silent.url
        async with hooked([silent.url, well.url, "http://127.0.0.1:1/?hidden"]) as webhooks:
            tell(webhooks, "a", "b")
            await until(lambda: len(well.received) == 2 and silent.received)
        assert users(well) == ["a", "b"]
        assert users(silent) == ["a"]
    said = "\n".join(lines)
    assert f"2 messages to webhook {url} are lost, since the server ends" in said
    assert "webhook http://127.0.0.1:1 does not take messages: it cannot be reached (Connection" in said
    assert "hidden" not in said
    assert "Cancelled" not in said, "what the end cut short is no failure of the receiver's"


@pytest_twisted.ensureDeferred
async def test_by_tls_with_an_authority_of_the_variables_and_through_a_proxy(tmp_path: Path) -> None:
    certificate = Certificate("127.0.0.1")
    (tmp_path / "ca.pem").write_bytes(certificate.pem)
    trusted = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    async with a_receiver(certificate.server()) as receiver, running(ScriptedProxy(cast("Any", reactor))) as proxy:
        async with hooked([receiver.url], {**trusted, "HTTPS_PROXY": proxy.netloc}) as webhooks:
            tell(webhooks, "a")
            await until(lambda: users(receiver) == ["a"])
            assert proxy.asked == [f"CONNECT 127.0.0.1:{receiver.port}"]
            await until(lambda: receiver.connections.open == 0)
        async with hooked([receiver.url], {}) as webhooks:
            tell(webhooks, "nobody is told whose certificate is not trusted")
            await turns(30)
        assert users(receiver) == ["a"]
    async with (
        a_receiver() as receiver,
        running(ScriptedProxy(cast("Any", reactor))) as proxy,
        hooked([receiver.url], {"HTTP_PROXY": proxy.netloc}) as webhooks,
    ):
        tell(webhooks, "b")
        await until(lambda: users(receiver) == ["b"])
        await until(lambda: receiver.connections.open == 0)
        assert proxy.asked == [f"POST {receiver.url}/"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(None, "cannot be read"), ("", "there is no secret"), (b"\xff" * 40, "cannot be read")],
)
def test_a_secret_that_cannot_be_used(tmp_path: Path, text: str | bytes | None, sentence: str) -> None:
    path = tmp_path / "secret"
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    config = Config(roots=("/",), webhooks=("http://127.0.0.1:1",), webhook_secret_file=str(path))
    with pytest.raises(BadSetting, match=sentence):
        make_hooks(config, {}, reactor)


def test_of_an_address_only_the_server_is_shown() -> None:
    assert shown("https://me:secret@hooks.example.com:8443/services/secret?secret") == "https://hooks.example.com:8443"
    with pytest.raises(BadSetting) as caught:
        make_hooks(Config(roots=("/",), webhooks=("http://me:secret@:80/",)), {}, reactor)
    assert "secret" not in str(caught.value)
