"""Segments of TCP, as the system counts them."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater

from tests.web.test_files import NAME, Client, get, site_of

CONTENT = os.urandom(100_000)
FIRST_SEGMENTS = 152
"""Where ``tcp_info`` (tcp(7)) has ``tcpi_data_segs_in``."""


@pytest.mark.skipif(sys.platform != "linux", reason="segments are counted by Linux")
@pytest.mark.parametrize("lines", [("Range: bytes=7-99",), ("Range: bytes=-93",)])
@pytest_twisted.ensureDeferred
async def test_the_head_of_a_file_and_its_first_bytes_come_in_one(tmp_path: Path, lines: tuple[str, ...]) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    running: Any = reactor
    listening = running.listenTCP(0, cast("Any", site_of(tmp_path, running)), interface="127.0.0.1")
    client = Client()
    endpoint = TCP4ClientEndpoint(running, "127.0.0.1", listening.getHost().port)
    transport: Any = (await connectProtocol(endpoint, client)).transport
    transport.write(get(NAME, *lines, close=False))
    while len(client.data.partition(b"\r\n\r\n")[2]) < 93:
        await deferLater(running, 0.001, lambda: None)
    assert client.data.startswith(b"HTTP/1.1 206")
    information = transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, FIRST_SEGMENTS + 4)
    assert struct.unpack_from("I", information, FIRST_SEGMENTS) == (1,)
    transport.abortConnection()
    await client.ended
    await maybeDeferred(listening.stopListening)
    await deferLater(running, 0.01, lambda: None)
