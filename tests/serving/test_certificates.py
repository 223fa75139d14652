"""Which certificate is in force, while its files are renewed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448
from OpenSSL import SSL
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOProtocol

from tests.serving.certificates import Authority
from twisted_pypi.errors import BadSetting
from twisted_pypi.serving.certificates import YOUNG_NS, CertificateInForce, Pem

LATER = 10 * YOUNG_NS


class Wall:
    """A wall clock that is far ahead of the files, unless it is set back."""

    def __init__(self) -> None:
        self.ahead = LATER

    def __call__(self) -> int:
        return int(datetime.now(UTC).timestamp() * 1e9) + self.ahead


@contextmanager
def logged() -> Iterator[list[tuple[LogLevel, str]]]:
    events: list[tuple[LogLevel, str]] = []

    def note(event: dict[str, Any]) -> None:
        events.append((event["log_level"], formatEvent(cast("Any", event))))

    observer = cast("ILogObserver", note)
    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


def shown(certificate: CertificateInForce, *, newest: int = SSL.TLS1_3_VERSION) -> tuple[int, str]:
    """The serial number and the version of TLS that a new client gets.  Raises ``SSL.Error``."""
    server = certificate.serverConnectionForTLS(cast("TLSMemoryBIOProtocol", None))
    server.set_accept_state()
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(newest)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    client = SSL.Connection(context, None)
    client.set_connect_state()
    for _ in range(4):
        for one, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                one.do_handshake()
            with suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(1 << 16))
    found = client.get_peer_certificate(as_cryptography=True)
    assert found is not None
    return found.serial_number, client.get_protocol_version_name()


@pytest.fixture
def authority() -> Authority:
    return Authority()


def test_a_renewed_one_counts_for_the_next_connection(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "cert.pem"
    first = authority.issue(path)
    certificate = CertificateInForce(str(path), None, now_ns=Wall())
    certificate.start()
    assert shown(certificate) == (first, "TLSv1.3")
    second = authority.issue(path)
    assert shown(certificate) == (second, "TLSv1.3")


def test_nothing_older_than_tls_1_2(tmp_path: Path, authority: Authority) -> None:
    authority.issue(tmp_path / "cert.pem")
    certificate = CertificateInForce(str(tmp_path / "cert.pem"), None)
    certificate.start()
    assert shown(certificate, newest=SSL.TLS1_2_VERSION)[1] == "TLSv1.2"
    with pytest.raises(SSL.Error):
        shown(certificate, newest=SSL.TLS1_1_VERSION)


def test_a_broken_one_is_reported_once_and_the_old_one_stays(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "cert.pem"
    first = authority.issue(path)
    certificate = CertificateInForce(str(path), None, now_ns=Wall())
    certificate.start()
    path.write_text("half of it")
    with logged() as said:
        assert [shown(certificate)[0] for _ in range(3)] == [first] * 3
        path.unlink()
        assert [shown(certificate)[0] for _ in range(3)] == [first] * 3
    assert [level for level, _ in said] == [LogLevel.error] * 2
    assert said[0][1] == (
        f"{path} has no certificate that can be used: expected PEM (-----BEGIN CERTIFICATE)."
        " The last good certificate stays in force."
    )
    assert "cannot be read (No such file or directory)" in said[1][1]
    assert shown(certificate)[0] == first
    second = authority.issue(path)
    assert shown(certificate)[0] == second


def test_two_files_that_are_replaced_one_after_the_other_are_no_trouble(tmp_path: Path, authority: Authority) -> None:
    both, cert, key = tmp_path / "both.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.issue(both)
    cert.write_bytes(both.read_bytes())
    key.write_bytes(both.read_bytes())
    wall = Wall()
    certificate = CertificateInForce(str(cert), str(key), now_ns=wall)
    certificate.start()
    before = shown(certificate)[0]
    after = authority.issue(both)
    cert.write_bytes(both.read_bytes())
    wall.ahead = 0
    with logged() as said:
        assert shown(certificate)[0] == before
    assert said == []
    wall.ahead = LATER
    with logged() as said:
        assert shown(certificate)[0] == before
    assert [level for level, _ in said] == [LogLevel.error], "it is not on its way for ever"
    assert "is not that of the first certificate" in said[0][1]
    key.write_bytes(both.read_bytes())
    assert shown(certificate)[0] == after


def test_a_reload_says_what_came_of_it(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "cert.pem"
    authority.issue(path)
    certificate = CertificateInForce(str(path), None)
    certificate.start()
    with logged() as said:
        certificate.reload()
        authority.issue(path)
        certificate.reload()
        path.write_text("")
        certificate.reload()
        certificate.reload()
    assert [level for level, _ in said] == [LogLevel.info, LogLevel.info, LogLevel.error, LogLevel.error]
    assert "is the one that is in force" in said[0][1]
    assert "is in force, until" in said[1][1]


def test_what_another_process_has_read_is_enough(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "cert.pem"
    serial = authority.issue(path)
    keeper = CertificateInForce(str(path), None)
    keeper.start()
    assert keeper.pem is not None
    assert "PRIVATE KEY" not in repr(keeper.pem)
    path.unlink()
    worker = CertificateInForce(str(path), None, keeper.pem)
    with logged() as said:
        worker.start()
        worker.say_if_closed()
    assert said == [], "the other process has said it"
    assert shown(worker)[0] == serial


def test_what_another_process_has_read_may_be_old_by_now(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "cert.pem"
    authority.issue(path)
    keeper = CertificateInForce(str(path), None)
    keeper.start()
    renewed = authority.issue(path)
    worker = CertificateInForce(str(path), None, keeper.pem)
    worker.start()
    assert shown(worker)[0] == renewed


@pytest.mark.parametrize("days", [-1, 1])
def test_one_that_is_not_valid_now_is_said(tmp_path: Path, authority: Authority, days: int) -> None:
    authority.issue(tmp_path / "cert.pem", until=datetime.now(UTC) + timedelta(days=days))
    with logged() as said:
        CertificateInForce(str(tmp_path / "cert.pem"), None).start()
    assert [level for level, _ in said] == [LogLevel.info, *([LogLevel.warn] if days < 0 else [])]


def test_a_key_that_only_root_could_read_is_said(tmp_path: Path) -> None:
    certificate = CertificateInForce(str(tmp_path / "gone.pem"), None)
    with logged() as said:
        certificate.say_if_closed()
    assert [level for level, _ in said] == [LogLevel.warn]
    assert "cannot be read again now" in said[0][1]


def _locked(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def _strange() -> bytes:
    return ed448.Ed448PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"cert": b""}, "cert has no certificate that can be used: expected PEM"),
        ({"cert": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "cert has no certificate"),
        ({"key": b"nothing"}, "key has no private key that can be used: expected one in PEM."),
        ({"key": None}, "key cannot be read (No such file or directory)"),
        ({"key": "locked"}, "key has a passphrase, which nobody types at a restart"),
        ({"key": "other"}, "key is not that of the first certificate in"),
        ({"key": "strange"}, "key is not that of the first certificate in"),
    ],
)
def test_what_cannot_be_used_at_the_start_is_one_sentence(
    tmp_path: Path, authority: Authority, files: dict[str, Any], sentence: str
) -> None:
    cert, key, other = tmp_path / "cert", tmp_path / "key", tmp_path / "other"
    authority.issue(cert)
    authority.issue(other)
    key.write_bytes(cert.read_bytes())
    for name, content in files.items():
        if content is None:
            (tmp_path / name).unlink()
            continue
        made = {"locked": lambda: _locked(cert.read_bytes()), "other": other.read_bytes, "strange": _strange}
        (tmp_path / name).write_bytes(made[content]() if isinstance(content, str) else content)
    with pytest.raises(BadSetting) as refused:
        CertificateInForce(str(cert), str(key)).start()
    said = str(refused.value)
    assert sentence in said
    assert said.endswith(".")
    assert "\n" not in said


def test_a_certificate_without_its_key_says_where_that_may_be(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(authority.ca.issue_cert("localhost").cert_chain_pems[0].bytes())
    with pytest.raises(BadSetting, match="expected one in it, or another file with --tls-key"):
        CertificateInForce(str(path), None).start()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadSetting, match="has no certificate"):
        CertificateInForce(str(tmp_path / "pipe"), None).start()


def test_it_is_http_1_1_that_is_spoken_behind_it(tmp_path: Path, authority: Authority) -> None:
    authority.issue(tmp_path / "cert.pem")
    certificate = CertificateInForce(str(tmp_path / "cert.pem"), None)
    certificate.start()
    assert certificate.pem == Pem((tmp_path / "cert.pem").read_bytes(), (tmp_path / "cert.pem").read_bytes())
    assert certificate.around(None, MemoryReactorClock()).noisy is False
