import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.web.people.errors import ErrorPages
from twisted_pypi.web.people.templates import Templates
from twisted_pypi.web.replies import STATUS

PAGES = ErrorPages(Templates())


def test_an_error_says_what_was_wrong_and_what_to_do() -> None:
    page = PAGES.page(404, "there is no project <b>", "/team/").decode()
    assert "<title>404 Not Found</title>" in page
    assert '<p class="sentence">there is no project &lt;b&gt;</p>' in page
    assert "Check the spelling." in page
    assert '<a href="/team/">' in page
    assert "<a " not in PAGES.page(404, "there is no project").decode()


@pytest.mark.parametrize("status", sorted({int(status) for _, status in STATUS} | {405, 406, 418, 500, 502, 599}))
def test_every_error_has_a_next_step(status: int) -> None:
    page = PAGES.page(status, "it went wrong").decode()
    (following,) = re.findall(r'<p class="sentence">it went wrong</p>\n<p>(.+)</p>', page)
    assert following.endswith(".")
    assert f'<p class="status">{status}</p>' in page


@given(st.integers(), st.text(st.characters()))
def test_no_text_is_an_error(status: int, sentence: str) -> None:
    assert PAGES.page(status, sentence).startswith(b"<!DOCTYPE html>")
