import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.recalls import CONFIRMED_AFTER_NS, Recall, is_glitch, recalls_of
from twisted_pypi.simple.model import File, ProjectPage

ACME = ProjectName("acme")
A, B = "a" * 64, "b" * 64
NAME = "acme-1.tar.gz"
FIRST = 10**18
LATER = FIRST + CONFIRMED_AFTER_NS


def page(*files: File, status: str | None = None, reason: str | None = None) -> ProjectPage:
    return ProjectPage(ACME, files, status=status, status_reason=reason)


def published(sha256: str | None = A, *, yanked: str | bool = False) -> File:
    return File(NAME, "https://x.example.com/", {"sha256": sha256} if sha256 else {}, yanked=yanked)


def recalled(how: str, *, confirmed: bool = False, hidden: bool = False, reason: str | None = None) -> Recall:
    return Recall(how, FIRST, confirmed, hidden, reason)


HIDDEN = recalled("quarantined", hidden=True, reason="malware")
QUARANTINE = page(published(), status="quarantined", reason="malware")


@pytest.mark.parametrize(
    ("known", "found", "now", "hide", "change"),
    [
        (None, page(published()), FIRST, True, "nothing"),
        (None, page(published(A.upper())), FIRST, True, "nothing"),
        (None, page(published(None)), FIRST, True, "nothing"),
        (None, page(published(B), published()), FIRST, True, "nothing"),
        # Removed: hidden only when it is seen again an hour later, and only if that is wanted.
        (None, page(), FIRST, True, recalled("removed")),
        (recalled("removed"), page(), LATER - 1, True, "nothing"),
        (recalled("removed"), page(), LATER, True, recalled("removed", confirmed=True, hidden=True)),
        (recalled("removed"), page(), LATER, False, recalled("removed", confirmed=True)),
        (recalled("removed", confirmed=True), page(), LATER, True, recalled("removed", confirmed=True, hidden=True)),
        (
            recalled("removed", confirmed=True, hidden=True),
            page(),
            LATER,
            False,
            recalled("removed", confirmed=True),
        ),
        (recalled("removed", confirmed=True, hidden=True), page(published()), LATER, True, None),
        (recalled("removed", confirmed=True), page(), FIRST, False, "nothing"),
        (None, page(published(B)), FIRST, True, recalled("removed", reason="another file of that name is published")),
        # Quarantined: hidden at once, whatever comes then.
        (None, QUARANTINE, FIRST, False, HIDDEN),
        (None, page(status="quarantined", reason="malware"), FIRST, False, HIDDEN),
        (HIDDEN, QUARANTINE, FIRST, False, "nothing"),
        (HIDDEN, page(), FIRST, False, "nothing"),
        (HIDDEN, page(published()), LATER, False, None),
        (
            HIDDEN,
            page(published(B)),
            LATER,
            False,
            recalled("quarantined", confirmed=True, hidden=True, reason="malware"),
        ),
        (recalled("removed", confirmed=True), QUARANTINE, FIRST, False, HIDDEN),
        # Yanked: passed on, and hides nothing.
        (None, page(published(yanked="broken")), FIRST, True, recalled("yanked", reason="broken")),
        (None, page(published(yanked=True)), FIRST, True, recalled("yanked")),
        (recalled("yanked"), page(published(yanked=True)), LATER, True, recalled("yanked", confirmed=True)),
        (recalled("yanked"), page(published(yanked="why")), FIRST, True, recalled("yanked", reason="why")),
        (recalled("yanked"), page(published()), FIRST, True, None),
        (None, page(status="archived"), FIRST, False, recalled("removed")),
    ],
)
def test_what_a_page_recalls(
    known: Recall | None, found: ProjectPage, now: int, change: Recall | str | None, *, hide: bool
) -> None:
    expected = {} if change == "nothing" else {NAME: change}
    assert recalls_of([(NAME, A, known)], found, now, hide_removed=hide) == expected


def test_another_recall_begins_anew() -> None:
    known = recalled("yanked", confirmed=True)
    assert recalls_of([(NAME, A, known)], page(), LATER, hide_removed=True) == {
        NAME: Recall("removed", LATER, confirmed=False, hidden=False)
    }


@pytest.mark.parametrize(
    ("gone", "held", "glitch"),
    [(0, 0, False), (0, 5, False), (1, 3, False), (2, 3, True), (1, 20, False), (2, 20, True), (5, 100, False),
     (6, 100, True), (6, 101, False), (7, 101, True), (100, 2000, False), (101, 2000, True)],
)  # fmt: skip
def test_a_glitch(gone: int, held: int, *, glitch: bool) -> None:
    assert is_glitch(gone, held) is glitch


PAGES = st.sampled_from([page(), page(published()), page(published(B)), page(published(yanked="x")), QUARANTINE])


@given(st.lists(st.tuples(PAGES, st.integers(0, 2 * CONFIRMED_AFTER_NS)), max_size=8), st.booleans())
def test_nothing_is_hidden_by_one_page_but_by_a_quarantine(history: list[tuple[ProjectPage, int]], hide: bool) -> None:
    known: Recall | None = None
    now = FIRST
    gone_since: int | None = None
    for found, passed in history:
        now += passed
        here = any(each.hashes["sha256"] == A for each in found.files)
        gone_since = None if here or found.status else now if gone_since is None else gone_since
        known = recalls_of([(NAME, A, known)], found, now, hide_removed=hide).get(NAME, known)
        if found.status:
            assert known is not None
            assert known.hidden
        if known is not None and known.hidden and known.how == "removed":
            assert hide
            assert gone_since is not None
            assert now - gone_since >= CONFIRMED_AFTER_NS
