"""No history of files and pages lets a stranger's file into a project of ours."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.policy.ownership import Decision, HeldFile, decide_by_comparing, decide_without_asking
from twisted_pypi.project_records import Origin, Whose
from twisted_pypi.sidecars import Source

INDEX = "https://index.example.com/simple"
A, B, C = "a" * 64, "b" * 64, "c" * 64
HAND, UPLOADED, FETCHED = None, Source.UPLOAD, Source.UPSTREAM


def held(name: str, sha256: str, source: Source | None = HAND) -> HeldFile:
    return HeldFile(f"acme-{name}.tar.gz", sha256, source)


def origin(whose: Whose, matched: Mapping[str, str] | None = None) -> Origin:
    return Origin(whose, "it was said so", 1, matched or {})


def published(**files: str) -> dict[str, frozenset[str]]:
    return {f"acme-{name}.tar.gz": frozenset({sha256}) for name, sha256 in files.items()}


@pytest.mark.parametrize(
    ("private", "known", "files", "whose", "because"),
    [
        (None, None, [], Whose.UPSTREAM, "no file of it is here"),
        (None, None, [held("1", A, FETCHED)], Whose.UPSTREAM, "acme-1.tar.gz was fetched from an upstream index"),
        ("acme*", None, [], Whose.OURS, "its name matches --private acme*"),
        ("acme*", origin(Whose.UPSTREAM), [held("1", A, FETCHED)], Whose.OURS, "its name matches --private acme*"),
        (None, origin(Whose.OURS), [held("1", A, FETCHED)], Whose.OURS, "it was said so"),
        (None, origin(Whose.UPSTREAM), [], Whose.UPSTREAM, "it was said so"),
        (None, None, [held("1", A, FETCHED), held("2", B, UPLOADED)], Whose.OURS, "acme-2.tar.gz was uploaded here"),
        (None, origin(Whose.UPSTREAM), [held("2", B, UPLOADED)], Whose.OURS, "acme-2.tar.gz was uploaded here"),
        (None, None, [held("1", A)], None, "acme-1.tar.gz was put here by hand, and not compared"),
        (None, None, [held("2", A), held("1", A)], None, "acme-1.tar.gz and 1 other were put here by hand"),
        (None, origin(Whose.UPSTREAM), [held("1", A)], None, "acme-1.tar.gz was put here by hand, and not compared"),
        (None, origin(Whose.UPSTREAM, {"acme-1.tar.gz": A}), [held("1", A)], Whose.UPSTREAM, "it was said so"),
        (None, origin(Whose.UPSTREAM, {"acme-1.tar.gz": A}), [held("1", B)], None, "acme-1.tar.gz was put here by"),
        (None, origin(Whose.UPSTREAM, {"acme-1.tar.gz": ""}), [held("1", "")], None, "acme-1.tar.gz was put here by"),
    ],
)
def test_what_is_decided_by_what_is_known_here(
    private: str | None, known: Origin | None, files: list[HeldFile], whose: Whose | None, because: str
) -> None:
    decision = decide_without_asking(private, known, files)
    assert decision.whose is whose
    assert decision.because.startswith(because)
    assert decision.may_go_outside is (whose is Whose.UPSTREAM)


def test_a_decision_that_was_kept_keeps_its_files() -> None:
    matched = {"acme-1.tar.gz": A}
    for whose in Whose:
        assert decide_without_asking(None, origin(whose, matched), []) == Decision(whose, "it was said so", matched)


@pytest.mark.parametrize(
    ("files", "pages", "whose", "because"),
    [
        ([held("1", A)], published(**{"1": A}), Whose.UPSTREAM, "1 file here is byte for byte those of https://index"),
        ([held("1", A.upper())], published(**{"1": A}), Whose.UPSTREAM, "1 file here"),
        ([held("1", A), held("2", B)], published(**{"1": A, "2": B, "3": C}), Whose.UPSTREAM, "2 files here are"),
        ([held("1", A), held("2", B)], published(**{"1": A, "2": C}), Whose.OURS, "acme-2.tar.gz is another file here"),
        ([held("1", A), held("2", B)], published(**{"1": A}), Whose.OURS, "acme-2.tar.gz was put here by hand and is"),
        ([held("1", A)], {}, Whose.OURS, "acme-1.tar.gz was put here by hand and is not published by"),
        ([held("1", A)], {"acme-1.tar.gz": frozenset()}, Whose.OURS, "acme-1.tar.gz is another file"),
        ([held("1", A)], {"acme-1.zip": frozenset({A})}, Whose.OURS, "acme-1.tar.gz was put here by hand"),
        ([held("1", "")], {"acme-1.tar.gz": frozenset({""})}, Whose.OURS, "acme-1.tar.gz is another file"),
        ([held("1", A), held("2", B, UPLOADED)], published(**{"1": A, "2": B}), Whose.OURS, "acme-2.tar.gz was upl"),
        ([held("1", A), held("2", B, FETCHED)], published(**{"1": A}), Whose.UPSTREAM, "1 file here"),
        ([held("1", A), held("2", B, FETCHED)], published(**{"1": A, "2": C}), Whose.OURS, "acme-2.tar.gz is another"),
        ([], published(**{"1": A}), None, "no file that is here could be compared"),
        ([held("2", B, FETCHED)], published(**{"1": A}), None, "no file that is here could be compared"),
    ],
)
def test_what_is_decided_by_a_comparison(
    files: list[HeldFile], pages: Mapping[str, frozenset[str]], whose: Whose | None, because: str
) -> None:
    decision = decide_by_comparing(files, pages, INDEX)
    assert decision.whose is whose
    assert decision.because.startswith(because)
    if whose is Whose.UPSTREAM:
        assert decision.matched
        assert all(digest in pages[name] for name, digest in decision.matched.items())


def test_a_file_that_matched_once_may_be_dropped_upstream() -> None:
    known = origin(Whose.UPSTREAM, {"acme-1.tar.gz": A})
    decision = decide_by_comparing([held("1", A), held("2", B)], published(**{"2": B}), INDEX, origin=known)
    assert (decision.whose, decision.matched) == (Whose.UPSTREAM, {"acme-1.tar.gz": A, "acme-2.tar.gz": B})
    changed = decide_by_comparing([held("1", A), held("2", B)], published(**{"1": C, "2": B}), INDEX, origin=known)
    assert changed.whose is Whose.OURS


def test_what_is_recorded_as_ours_is_not_compared() -> None:
    decision = decide_by_comparing([held("1", A)], published(**{"1": A}), INDEX, origin=origin(Whose.OURS))
    assert decision.whose is Whose.OURS


FILENAMES = st.sampled_from([f"acme-{each}.tar.gz" for each in range(4)])
DIGESTS = st.sampled_from([A, B, C])
PAGES = st.dictionaries(FILENAMES, st.frozensets(DIGESTS, min_size=1, max_size=2))
FILES = st.dictionaries(FILENAMES, st.tuples(DIGESTS, st.sampled_from([HAND, UPLOADED, FETCHED]))).map(
    lambda found: [HeldFile(name, *each) for name, each in found.items()]
)
STEPS = st.lists(st.tuples(FILES, st.none() | PAGES), max_size=6)


@given(STEPS, st.none() | st.just("acme*"))
def test_no_history_lets_a_stranger_in(
    steps: list[tuple[list[HeldFile], dict[str, frozenset[str]] | None]], private: str | None
) -> None:
    """Files come and go, pages say what they like, and what is decided is written down."""
    recorded: Origin | None = None
    compared: set[tuple[str, str]] = set()
    for files, page in steps:
        was_ours = recorded is not None and recorded.whose is Whose.OURS
        decision = decide_without_asking(private, recorded, files)
        if decision.whose is None and page is not None:
            compared |= {(name, digest) for name, digests in page.items() for digest in digests}
            decision = decide_by_comparing(files, page, INDEX, origin=recorded)
        if decision.whose is not None and (decision.matched or files):
            recorded = Origin(decision.whose, decision.because, 1, decision.matched)
        if private is not None or was_ours or any(each.source is UPLOADED for each in files):
            assert decision.whose is Whose.OURS
        if any(each.source is HAND and (each.filename, each.sha256) not in compared for each in files):
            assert not decision.may_go_outside


@given(FILES, PAGES)
def test_one_file_that_differs_is_enough(files: list[HeldFile], page: dict[str, frozenset[str]]) -> None:
    decision = decide_by_comparing(files, page, INDEX)
    for each in files:
        if each.source is HAND and each.sha256 not in page.get(each.filename, frozenset()):
            assert decision.whose is Whose.OURS
