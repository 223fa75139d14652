"""Connections: by TLS, through proxies, and not at all."""

import subprocess
import sys
from pathlib import Path

import pytest
import pytest_twisted
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.upstream.loopback import Certificate, Collector, a_fetcher, an_upstream, over, running, turns, until
from twisted_pypi.errors import BadSetting, UpstreamFailed
from twisted_pypi.testing.scripted_answers import Quirk
from twisted_pypi.testing.scripted_proxy import ScriptedProxy
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream
from twisted_pypi.upstream.assembling import make_fetcher
from twisted_pypi.upstream.fetching import Fetcher
from twisted_pypi.upstream.large_reads import AT_ONCE
from twisted_pypi.upstream.trust import read_authorities

PAGE = "/page"


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate("127.0.0.1", "index.example.com", "proxy.example.com")


def published(upstream: ScriptedUpstream) -> str:
    upstream.paths[PAGE] = b"page"
    return f"{upstream.url}{PAGE}"


async def refusal(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(UpstreamFailed) as caught:
        await fetcher.get_page(url, {})
    return str(caught.value)


@pytest_twisted.ensureDeferred
async def test_tls(certificate: Certificate) -> None:
    async with an_upstream(certificate) as upstream, a_fetcher(trusted=certificate) as fetcher:
        url = published(upstream)
        for _ in range(2):
            assert (await fetcher.get_page(url, {})).body == b"page"
        assert upstream.connections.made == 1
        upstream.quirk("/down", Quirk(status=302, headers={"Location": "http://127.0.0.1/"}))
        assert "redirected from https to http (127.0.0.1)" in await refusal(fetcher, f"{upstream.url}/down")


class Largest(Collector):
    """Stops the flow at its first bytes, and notes the largest piece."""

    def __init__(self) -> None:
        super().__init__(pause_at=1)
        self.largest = 0

    def received(self, data: bytes) -> None:
        self.largest = max(self.largest, len(data))
        super().received(data)


@pytest_twisted.ensureDeferred
async def test_much_is_read_at_once_where_much_has_come() -> None:
    async with an_upstream() as upstream, a_fetcher() as fetcher:
        upstream.paths[PAGE] = bytes(4_000_000)
        sink = Largest()
        fetching = Deferred.fromCoroutine(fetcher.fetch(f"{upstream.url}{PAGE}", sink))
        await sink.first
        await turns()
        assert sink.flow is not None
        sink.flow.resume()
        await fetching
        assert 65_536 < sink.largest <= AT_ONCE
        assert len(sink.data) == 4_000_000


@pytest_twisted.ensureDeferred
async def test_tls_that_is_given_up(certificate: Certificate) -> None:
    clock = Clock()
    async with an_upstream(certificate) as upstream, a_fetcher(clock, trusted=certificate) as fetcher:
        url = published(upstream)
        upstream.quirk(PAGE, Quirk(stall_at=2), Quirk(stall_at=2, times=None))
        sink = Collector()
        fetching = Deferred.fromCoroutine(fetcher.fetch(url, sink))
        await sink.first
        fetching.cancel()
        with pytest.raises(CancelledError):
            await fetching
        await until(lambda: upstream.connections.open == 0)
        stalled = Deferred.fromCoroutine(fetcher.get_page(url, {}, tries=1))
        await until(lambda: upstream.requests[PAGE] == 2)
        await over(clock, 31)
        with pytest.raises(UpstreamFailed, match="sent nothing more"):
            await stalled
        await until(lambda: upstream.connections.open == 0)


@pytest_twisted.ensureDeferred
async def test_flow_over_tls(certificate: Certificate) -> None:
    async with an_upstream(certificate) as upstream, a_fetcher(trusted=certificate) as fetcher:
        upstream.paths[PAGE] = bytes(5_000_000)
        sink = Collector(pause_at=100_000)
        fetching = Deferred.fromCoroutine(fetcher.fetch(f"{upstream.url}{PAGE}", sink))
        await until(lambda: len(sink.data) >= 100_000)
        await turns()
        assert len(sink.data) < 5_000_000
        assert sink.flow is not None
        sink.flow.resume()
        await fetching
        assert len(sink.data) == 5_000_000


@pytest_twisted.ensureDeferred
async def test_certificates_that_are_not_believed(certificate: Certificate) -> None:
    async with an_upstream(certificate) as upstream, a_fetcher() as fetcher:
        assert "a certificate that is not trusted; name its authority with" in await refusal(
            fetcher, published(upstream)
        )
        assert upstream.requests[PAGE] == 0
    other = Certificate("other.example.com")
    async with an_upstream(other) as upstream, a_fetcher(trusted=other) as fetcher:
        assert "has a certificate for another host; " in await refusal(fetcher, published(upstream))
        assert upstream.requests[PAGE] == 0


@pytest_twisted.ensureDeferred
async def test_old_tls(certificate: Certificate) -> None:
    old = certificate.server(SSL.TLS1_1_VERSION)
    async with running(ScriptedUpstream(reactor), old) as upstream, a_fetcher(trusted=certificate) as fetcher:
        assert "could not agree on TLS" in await refusal(fetcher, published(upstream))


@pytest_twisted.ensureDeferred
async def test_http_through_a_proxy() -> None:
    async with an_upstream() as upstream, running(ScriptedProxy(reactor)) as proxy:
        published(upstream)
        proxy.login = "me", "s:cret"
        async with a_fetcher(environment={"http_proxy": f"http://me:s%3Acret@{proxy.netloc}"}) as fetcher:
            for _ in range(2):
                url = f"http://index.example.com:{upstream.port}{PAGE}"
                assert (await fetcher.get_page(url, {})).body == b"page"
        assert proxy.asked == [f"GET {url}"] * 2
        assert (proxy.connections.made, upstream.connections.made) == (1, 1)
        assert upstream.asked[0].headers["host"] == f"index.example.com:{upstream.port}"
        assert "proxy-authorization" not in upstream.asked[0].headers
        async with a_fetcher(environment={"HTTP_PROXY": f"me:wrong@{proxy.netloc}"}) as fetcher:
            said = await refusal(fetcher, url)
            assert said == (
                f"index.example.com:{upstream.port} was not asked: the proxy wants a login; "
                "put one into HTTP_PROXY, or the right one"
            )


@pytest_twisted.ensureDeferred
async def test_https_through_a_proxy(certificate: Certificate) -> None:
    async with an_upstream(certificate) as upstream, running(ScriptedProxy(reactor)) as proxy:
        published(upstream)
        netloc = f"index.example.com:{upstream.port}"
        url = f"https://{netloc}{PAGE}"
        proxy.login = "me", "secret"
        environment = {"HTTPS_PROXY": f"http://me:secret@{proxy.netloc}"}
        async with a_fetcher(environment=environment, trusted=certificate) as fetcher:
            for _ in range(2):
                assert (await fetcher.get_page(url, {})).body == b"page"
            assert proxy.asked == [f"CONNECT {netloc}"]
            proxy.login = "me", "other"
            await fetcher.close()
            said = await refusal(fetcher, url)
            assert said.startswith(f"{netloc} could not be reached, since the proxy answered 407; put a login into")
            assert "secret" not in said
            for status, asked in ((403, 1), (502, 2)):
                proxy.login, proxy.status, proxy.asked = None, status, []
                assert f"since the proxy answered {status}; " in await refusal(fetcher, url)
                assert len(proxy.asked) == asked


@pytest_twisted.ensureDeferred
async def test_https_through_a_proxy_that_speaks_tls(certificate: Certificate) -> None:
    async with (
        an_upstream(certificate) as upstream,
        running(ScriptedProxy(reactor), certificate.server()) as proxy,
        a_fetcher(environment={"all_proxy": f"https://{proxy.netloc}"}, trusted=certificate) as fetcher,
    ):
        published(upstream)
        assert (await fetcher.get_page(f"https://index.example.com:{upstream.port}{PAGE}", {})).body == b"page"


@pytest_twisted.ensureDeferred
async def test_a_proxy_that_says_nothing(certificate: Certificate) -> None:
    clock = Clock()
    async with running(ScriptedProxy(reactor)) as proxy:
        proxy.silent = True
        environment = {"HTTPS_PROXY": proxy.netloc}
        async with a_fetcher(clock, environment=environment, trusted=certificate) as fetcher:
            waiting = Deferred.fromCoroutine(fetcher.get_page("https://index.example.com/", {}, tries=1))
            await until(lambda: proxy.connections.open == 1)
            await over(clock, 9)
            assert not waiting.called
            await over(clock, 2)
            with pytest.raises(UpstreamFailed, match="did not accept a connection within 10 seconds; "):
                await waiting
            await until(lambda: proxy.connections.open == 0)


@pytest_twisted.ensureDeferred
async def test_what_is_exempt_from_the_proxy() -> None:
    async with an_upstream() as upstream, running(ScriptedProxy(reactor)) as proxy:
        environment = {"HTTP_PROXY": proxy.netloc, "NO_PROXY": "127.0.0.0/8"}
        async with a_fetcher(environment=environment) as fetcher:
            assert (await fetcher.get_page(published(upstream), {})).status == 200
        assert proxy.asked == []


@pytest_twisted.ensureDeferred
async def test_a_fetcher_out_of_settings(certificate: Certificate, tmp_path: Path) -> None:
    authorities, netrc = tmp_path / "ca.pem", tmp_path / "netrc"
    authorities.write_bytes(b"# ours\n" + certificate.pem + certificate.pem)
    async with an_upstream(certificate) as upstream:
        url = published(upstream)
        upstream.login = "me", "secret"
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        netrc.chmod(0o640)
        by_variable, warnings = make_fetcher(
            reactor, [url], {"SSL_CERT_FILE": str(authorities)}, lambda: 0.0, netrc=str(netrc)
        )
        assert (await by_variable.get_page(url, {})).status == 200
        assert warnings == [f"the file of logins {netrc} can be read by others than its owner; run chmod 600 {netrc}"]
        await by_variable.close()
        netrc.chmod(0o600)
        by_option, none = make_fetcher(reactor, [url], {}, lambda: 0.0, netrc=str(netrc), ca_file=str(authorities))
        assert (await by_option.get_page(url, {})).status == 200
        assert none == []
        await by_option.close()
        await turns(1)


def test_authorities_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(BadSetting, match="cannot be read: No such file"):
        read_authorities(str(path))
    for text in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        path.write_text(text)
        with pytest.raises(BadSetting, match="expected certificates in PEM"):
            read_authorities(str(path))


def test_what_is_not_imported() -> None:
    code = (
        "import sys, twisted_pypi.upstream.assembling\n"
        "print({'treq', 'requests', 'pypi_simple', 'bs4', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
