"""What systemd is told."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from twisted_pypi.serving.notifying import Notifier, notifier_of


@pytest.mark.parametrize("place", ["file", "abstract"])
def test_each_word_is_one_datagram(place: str, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    name = path if place == "file" else f"@twisted-pypi-test-{os.getpid()}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(path if place == "file" else "\0" + name[1:])
        listening.settimeout(10)
        notifier = Notifier(name, monotonic_ns=lambda: 7_000_999)
        notifier.ready()
        notifier.reloading()
        notifier.stopping()
        told = [listening.recv(1000) for _ in range(3)]
    assert told == [b"READY=1", b"RELOADING=1\nMONOTONIC_USEC=7000", b"STOPPING=1"]


def test_nobody_who_listens_is_no_trouble(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nobody")).ready()


@pytest.mark.parametrize("address", ["", "vsock:2:1", "relative"])
def test_what_cannot_be_told_is_not(address: str) -> None:
    assert notifier_of({"NOTIFY_SOCKET": address}) is None
    assert notifier_of({}) is None
    assert notifier_of({"NOTIFY_SOCKET": "/run/x"}) is not None
