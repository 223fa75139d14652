"""The reference pages say what the program does."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

import pytest

from tests.clients.archives import wheel
from tests.clients.fixtures import PASSWORD, USER, sha_line
from tests.clients.server import Process, twistd_pypi
from tests.docs.blocks import PROJECT
from twisted_pypi.command.reference import options_of, page
from twisted_pypi.command.verbs import VERBS, Verb

ADDRESSES = (PROJECT / "docs" / "addresses.md").read_text()
CORE = wheel("acme-core", "1.0")
ROW = re.compile(r"^\| `(GET|POST) ([^`]+)` \|.*\| (\d+) \| (\w+) \|$", re.MULTILINE)
NOT_HERE = {"/files/NAME/FILE", "/integrity/NAME/VERSION/FILE/provenance"}
"""What answers only for files that this test has not got."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server that asks for a login everywhere."""
    folder = tmp_path_factory.mktemp("addresses")
    root = folder / "packages"
    CORE.lay_into(root)
    (root / f"{CORE.filename}.asc").write_text("-----BEGIN PGP SIGNATURE-----\n")
    passwords = folder / "htpasswd"
    passwords.write_text(sha_line(USER, PASSWORD))
    options = ("--authenticate", "update,download,list", "--passwords", passwords, "--metrics")
    with twistd_pypi(root, *options, "--fallback", "proxy", "--offline", log=folder / "server.log") as process:
        assert process.comes_true(lambda: '"filename"' in _asked(process, "GET", "/simple/acme-core/", login=True)[1])
        yield process


def _asked(server: Process, method: str, address: str, *, login: bool) -> tuple[int, str]:
    headers = {"Accept": "application/vnd.pypi.simple.v1+json, */*;q=0.1"}
    if login:
        headers["Authorization"] = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
    answer = server.get(address, headers, method=method)
    return answer.status, answer.body.decode(errors="replace")


@pytest.mark.clients
@pytest.mark.parametrize("row", ROW.findall(ADDRESSES), ids=lambda row: f"{row[0]} {row[1]}")
def test_addresses(row: tuple[str, str, str, str], server: Process) -> None:
    method, address, status, action = row
    path = address.replace("NAME", "acme-core").replace("VERSION", "1.0").replace("FILE", CORE.filename)
    assert _asked(server, method, path, login=False)[0] == (200 if action == "nobody" else 401)
    if method == "GET":
        assert _asked(server, method, path, login=True)[0] == (404 if address in NOT_HERE else int(status))


def test_no_address_was_forgotten_by_this_test() -> None:
    assert len(ROW.findall(ADDRESSES)) == len(re.findall(r"^\| `(?:GET|POST)", ADDRESSES, re.MULTILINE)) > 20


def test_the_page_of_commands_is_in_step() -> None:
    assert (PROJECT / "docs" / "commands.md").read_text() == page(), (
        "run python -m twisted_pypi.command.reference > docs/commands.md"
    )


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_each_command_says_what_it_takes(verb: Verb) -> None:
    assert verb.help or options_of(verb) or verb.name in {"run", "update"}
    assert f"### `{verb.name}`" in page()


def test_every_url_is_of_this_project() -> None:
    for path in [*(PROJECT / "docs").rglob("*.md"), PROJECT / "README.md", PROJECT / "README.ko.md"]:
        for host in re.findall(r"https?://(?:[^/\s@`]*@)?([\w.-]+)", path.read_text()):
            public = "." in host.strip(".") and not re.fullmatch(r"[\d.]+|(.+\.)?example\.(com|org)", host)
            assert not public or host in KNOWN_HOSTS, f"{path.name} names {host}"
        assert not re.search(r"/(root|home|work)/\w", path.read_text()), f"{path.name} has a path of one machine"


KNOWN_HOSTS = {"twisted.org", "docs.astral.sh"}
"""Where the pages send readers; never a registry, which may be another one for each of them."""
