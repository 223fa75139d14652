"""What only older programs ask for."""

from __future__ import annotations

import json
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.clients.archives import sdist, wheel
from tests.clients.environments import PIP_21, Client, Environment
from tests.clients.fixtures import PASSWORD, USER, Start, bcrypt_line, serving
from tests.clients.server import Process
from tests.clients.test_logins import basic

pytestmark = pytest.mark.clients

OLD = wheel("Acme.Core", "1.0")
NEW = wheel("Acme.Core", "1.10")
SOURCE = sdist("acme-core", "1.10")


@pytest.fixture
def server(root: Path, passwords: Path, start: Start) -> Process:
    """A server on a folder with two releases of one project."""
    for each in (OLD, NEW, SOURCE):
        each.lay_into(root)
    return start(root, "--passwords", passwords)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The same for tests that change nothing."""
    folder = tmp_path_factory.mktemp("unchanged")
    passwords = folder / "htpasswd"
    passwords.write_text(bcrypt_line(USER, PASSWORD))
    with serving(folder, (OLD, NEW, SOURCE), "--passwords", passwords) as server:
        yield server


def test_search_by_xml_rpc(unchanged: Process) -> None:
    with xmlrpc.client.ServerProxy(f"{unchanged.url}/RPC2") as proxy:
        found = proxy.search({"name": ["acme"], "summary": ["acme"]}, "or")
    assert isinstance(found, list)
    assert [(each["name"].lower().replace(".", "-"), each["version"]) for each in found] == [("acme-core", "1.10")]


def test_pip_search(unchanged: Process, client: Callable[[Environment], Client]) -> None:
    done = client(PIP_21).run("python", "-m", "pip", "search", "--index", f"{unchanged.url}/RPC2", "acme")
    assert "(1.10)" in done.output


@pytest.mark.parametrize("path", ["/acme-core/json", "/pypi/acme-core/json", "/Acme.Core/json"])
def test_json_of_a_project(path: str, unchanged: Process) -> None:
    answer = unchanged.get(path)
    if answer.status == 301:
        answer = unchanged.get(answer.headers["Location"])
    assert answer.status == 200
    document = json.loads(answer.body)
    assert document["info"]["version"] == "1.10"
    assert set(document["releases"]) == {"1.0", "1.10"}


def test_json_of_a_release(unchanged: Process) -> None:
    document = json.loads(unchanged.get("/pypi/acme-core/1.0/json").body)
    assert document["info"]["version"] == "1.0"
    assert document["info"]["summary"] == "What Acme.Core is for"


def _urlencoded(fields: dict[str, str]) -> tuple[dict[str, str], bytes]:
    return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode()


def _multipart(fields: dict[str, str]) -> tuple[dict[str, str], bytes]:
    parts = (f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}\r\n' for name in fields)
    return {"Content-Type": "multipart/form-data; boundary=x"}, ("".join(parts) + "--x--\r\n").encode()


FORMS = pytest.mark.parametrize("form", [_urlencoded, _multipart], ids=["urlencoded", "multipart"])


@FORMS
def test_remove_pkg(
    form: Callable[[dict[str, str]], tuple[dict[str, str], bytes]], server: Process, root: Path
) -> None:
    headers, body = form({":action": "remove_pkg", "name": "ACME_core", "version": "1.10"})
    assert server.get("/", headers, method="POST", body=body).status == 401
    answer = server.get("/", headers | basic(USER, PASSWORD), method="POST", body=body)
    assert answer.status == 200, answer
    assert {path.name for path in root.iterdir() if not path.name.startswith(".")} == {OLD.filename}
    assert "1.10" not in server.get("/simple/acme-core/").text
    again = server.get("/", headers | basic(USER, PASSWORD), method="POST", body=body)
    assert again.status == 404


@FORMS
@pytest.mark.parametrize(
    ("action", "status"), [("submit", 200), ("verify", 200), ("doc_upload", 410), ("dance", 400), ("", 400)]
)
def test_other_actions(
    form: Callable[[dict[str, str]], tuple[dict[str, str], bytes]], action: str, status: int, unchanged: Process
) -> None:
    headers, body = form({":action": action, "name": "acme-core", "version": "2.0"})
    assert unchanged.get("/", headers | basic(USER, PASSWORD), method="POST", body=body).status == status


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "/simple/"),
        ("/simple/acme-core", "/simple/acme-core/"),
        ("/simple/Acme_Core/", "/simple/acme-core/"),
        ("/packages", "/packages/"),
    ],
)
def test_permanent_redirects(path: str, location: str, unchanged: Process) -> None:
    answer = unchanged.get(path)
    assert (answer.status, answer.headers["Location"].removeprefix(unchanged.url)) == (301, location)


@pytest.mark.parametrize("path", ["/acme-core", "/acme-core/"])
def test_a_bare_name_leads_to_its_page(path: str, unchanged: Process) -> None:
    answer = unchanged.get(path)
    assert (answer.status, answer.headers["Location"].removeprefix(unchanged.url)) == (303, "/simple/acme-core/")


def test_missing_projects_go_where_they_are_sent(root: Path, start: Start) -> None:
    server = start(root, "--fallback-url", "https://index.example.com/simple")
    answer = server.get("/simple/nowhere/")
    assert (answer.status, answer.headers["Location"]) == (303, "https://index.example.com/simple/nowhere/")
