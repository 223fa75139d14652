"""Finished pages: kept, dropped, bounded."""

from twisted_pypi.distributions import ProjectName
from twisted_pypi.web.pages import LARGE, OVERHEAD, FinishedPages, Page, finish_page

A, B = ProjectName("a"), ProjectName("b")
HTML = "HTML identity"


def page(body: bytes = b"body") -> Page:
    return finish_page(body, ((b"Content-Type", b"text/html"),), HTML)


def kept(pages: FinishedPages, subject: ProjectName | None, made: Page) -> None:
    begun = pages.begin(subject)
    pages.keep(subject, HTML, made, begun)
    pages.end(subject)


def test_an_answer_has_few_pieces_and_has_the_date_of_the_moment() -> None:
    made = page()
    start = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: twisted_pypi\r\n"
        b"ETag: %b\r\nContent-Length: %d\r\nDate: now\r\n\r\n"
    )
    assert made.answer(b"now") == (start % (made.etag.encode(), 4) + b"body", b"")
    large = page(b"body" * LARGE)
    assert large.answer(b"now") == (start % (large.etag.encode(), 4 * LARGE), large.body)
    assert large.answer(b"now")[1] is large.body, "it is not copied"
    assert made.not_modified(b"now") == (
        b"HTTP/1.1 304 Not Modified\r\nContent-Type: text/html\r\nServer: twisted_pypi\r\n"
        b"ETag: " + made.etag.encode() + b"\r\nDate: now\r\n\r\n"
    )


def test_a_page_that_knows_when_it_was_changed_says_so_in_every_form() -> None:
    changed = (b"Last-Modified", b"Tue, 14 Nov 2023 22:13:20 GMT")
    made = Page(((b"Accept-Ranges", b"bytes"),), b"body", '"tag"', modified=1_700_000_000.5)
    assert made.etag == '"tag"'
    assert made.headers == ((b"Accept-Ranges", b"bytes"), (b"ETag", b'"tag"'), changed)
    for answer in (made.answer(b"now")[0], made.not_modified(b"now")):
        assert b'\r\nETag: "tag"\r\n%b: %b\r\n' % changed in answer


def test_headers_that_many_pages_have_are_kept_once() -> None:
    first, second = page(b"1"), page(b"2")
    assert first.headers[0] is second.headers[0]


def test_each_representation_has_an_etag_of_its_own() -> None:
    assert finish_page(b"x", (), "JSON gzip").etag != finish_page(b"x", (), "JSON identity").etag
    assert finish_page(b"x", (), "JSON gzip").etag == finish_page(b"x", (), "JSON gzip").etag


def test_a_change_drops_the_pages_of_that_project_and_the_list() -> None:
    pages = FinishedPages()
    of_a, of_b, listing = page(b"a"), page(b"b"), page(b"list")
    for subject, made in ((A, of_a), (B, of_b), (None, listing)):
        kept(pages, subject, made)
    pages.drop(frozenset({A}))
    assert pages.get(A, HTML) is None
    assert pages.get(None, HTML) is None
    assert pages.get(B, HTML) is of_b
    assert (of_a.live, of_b.live, listing.live) == (False, True, False)


def test_a_page_whose_time_is_over_takes_nothing_else_along() -> None:
    pages = FinishedPages()
    of_a, of_b, listing = page(b"a"), page(b"b"), page(b"list")
    for subject, made in ((A, of_a), (B, of_b), (None, listing)):
        kept(pages, subject, made)
    before = pages.generation
    pages.expire(frozenset({A}))
    assert (of_a.live, of_b.live, listing.live) == (False, True, True)
    assert pages.generation > before


def test_everything_is_dropped_with_what_is_being_built() -> None:
    pages = FinishedPages()
    of_a, listing = page(b"a"), page(b"list")
    kept(pages, A, of_a)
    kept(pages, None, listing)
    begun = pages.begin(B)
    pages.drop_all()
    of_b = page(b"b")
    pages.keep(B, HTML, of_b, begun)
    pages.end(B)
    assert [made.live for made in (of_a, of_b, listing)] == [False, False, False]
    assert pages.size == 0


def test_a_page_that_was_built_during_a_change_is_not_kept() -> None:
    pages = FinishedPages()
    begun = pages.begin(A)
    pages.drop(frozenset({A}))
    made = page()
    pages.keep(A, HTML, made, begun)
    pages.end(A)
    assert pages.get(A, HTML) is None
    assert not made.live


def test_a_page_that_was_built_during_a_change_of_another_is_kept() -> None:
    pages = FinishedPages()
    begun = pages.begin(A)
    pages.drop(frozenset({B}))
    made = page()
    pages.keep(A, HTML, made, begun)
    pages.end(A)
    assert pages.get(A, HTML) is made


def test_two_builders_of_one_page_end_apart() -> None:
    pages = FinishedPages()
    first, second = pages.begin(A), pages.begin(A)
    pages.end(A)
    pages.drop(frozenset({A}))
    pages.keep(A, HTML, page(), second)
    pages.end(A)
    assert first == second
    assert pages.get(A, HTML) is None
    kept(pages, A, page())
    assert pages.get(A, HTML) is not None


def test_room_is_made_by_forgetting_what_was_not_asked_for() -> None:
    size = 1000
    pages = FinishedPages(limit=5 * (size + OVERHEAD))
    made = {name: page(name.encode() * size) for name in "abcde"}
    for name, each in made.items():
        kept(pages, ProjectName(name), each)
    assert pages.get(A, HTML) is made["a"]
    kept(pages, ProjectName("f"), page(b"f" * size))
    assert [name for name in "abcdef" if pages.get(ProjectName(name), HTML)] == ["a", "c", "d", "e", "f"]
    assert not made["b"].live


def test_a_page_that_would_fill_it_all_is_not_kept() -> None:
    pages = FinishedPages(limit=4000)
    kept(pages, A, page(b"x" * 1001))
    assert pages.get(A, HTML) is None


def test_every_form_of_a_page_is_dropped() -> None:
    pages = FinishedPages()
    made = {variant: page(variant.encode()) for variant in ("HTML gzip", "JSON gzip", "JSON identity")}
    begun = pages.begin(A)
    for variant, each in (*made.items(), *made.items()):
        pages.keep(A, variant, each, begun)
    pages.end(A)
    assert pages.size == sum(len(each.body) + OVERHEAD for each in made.values())
    pages.drop(frozenset({A}))
    assert [pages.get(A, variant) for variant in made] == [None, None, None]
    assert pages.size == 0


def test_everything_forgotten_leaves_nothing_behind() -> None:
    pages = FinishedPages()
    for number in range(100):
        kept(pages, ProjectName(f"p{number}"), page())
    pages.drop(frozenset(ProjectName(f"p{number}") for number in range(100)))
    assert pages.size == 0
    assert not vars(pages)["_variants"]
    assert not vars(pages)["_changes"]
