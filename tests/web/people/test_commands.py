import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.web.people.commands import insecure_host, install_commands, upload_commands


def test_the_lines_hold_the_address_as_the_client_sees_it() -> None:
    base = "https://pypi.example.com/team"
    assert {each.tool: each.lines for each in install_commands(base)} == {
        "pip": ("pip install --index-url https://pypi.example.com/team/simple/ PACKAGE",),
        "uv": ("uv pip install --default-index https://pypi.example.com/team/simple/ PACKAGE",),
        "poetry": (
            "poetry source add internal https://pypi.example.com/team/simple/",
            "poetry add --source internal PACKAGE",
        ),
    }
    assert {each.tool: each.lines for each in upload_commands(base)} == {
        "twine": ("twine upload --repository-url https://pypi.example.com/team/ dist/*",),
        "uv": ("uv publish --publish-url https://pypi.example.com/team/ dist/*",),
        "poetry": (
            "poetry config repositories.internal https://pypi.example.com/team/",
            "poetry publish --repository internal",
        ),
    }


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("http://pypi.example.com", "pypi.example.com"),
        ("http://pypi.example.com:8080/x", "pypi.example.com"),
        ("http://192.0.2.7:8080", "192.0.2.7"),
        ("http://[2001:db8::1]:8080", "2001:db8::1"),
        ("https://pypi.example.com", None),
        ("http://localhost:8080", None),
        ("http://127.0.0.1:8080", None),
        ("http://127.1.2.3", None),
        ("http://[::1]:8080", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_pip_is_told_to_trust_a_host_without_tls(base_url: str, host: str | None) -> None:
    assert insecure_host(base_url) == host
    words = shlex.split(install_commands(base_url)[0].lines[0])
    trusted = words[words.index("--trusted-host") + 1] if "--trusted-host" in words else None
    assert trusted == host


@given(st.text() | st.text().map("http://{}".format) | st.text("[]:@/0123.%").map("http://{}".format))
def test_no_address_is_an_error(base_url: str) -> None:
    assert len(install_commands(base_url)) == 3
