import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.distributions import ProjectName
from twisted_pypi.upstream.page_facts import PageFacts, page_digest
from twisted_pypi.upstream.pages import KeptPages, folder_of

INDEX = "https://index.example.com/simple"
X = ProjectName("x")
BODY = b"a page " * 100


def facts_of(body: bytes = BODY, index: str = INDEX) -> PageFacts:
    digest = page_digest(f"{index}/x/", "text/html", body)
    return PageFacts(index, f"{index}/x/", "text/html", digest, 1, 2, '"e"', "yesterday", 3, 4, 5)


def kept_in(folder: Path | None, memory: int = 10_000) -> KeptPages:
    return KeptPages(lambda: None if folder is None else str(folder), memory=memory)


@pytest.mark.parametrize("on_disk", [True, False])
def test_what_is_stored_is_loaded(tmp_path: Path, *, on_disk: bool) -> None:
    pages = kept_in(tmp_path if on_disk else None)
    assert pages.load(INDEX, X) is None
    pages.store(X, facts_of(), BODY)
    assert pages.load(INDEX, X) == (facts_of(), BODY)
    assert pages.load("https://other.example.com", X) is None
    later = replace(facts_of(), confirmed_ns=9, gone_ns=None)
    pages.renew(X, later)
    assert pages.load(INDEX, X) == (later, BODY)
    pages.renew(ProjectName("y"), later)
    assert pages.load(INDEX, ProjectName("y")) is None


def test_pages_outlive_a_restart_and_leave_nothing_else(tmp_path: Path) -> None:
    kept_in(tmp_path).store(X, facts_of(), BODY)
    assert kept_in(tmp_path).load(INDEX, X) == (facts_of(), BODY)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / "upstream" / folder_of(INDEX) / "x"]
    assert files[0].stat().st_size < len(BODY)


def test_the_folder_may_be_known_late(tmp_path: Path) -> None:
    folders: list[str] = []
    pages = KeptPages(lambda: folders[-1] if folders else None)
    pages.store(X, facts_of(), BODY)
    folders.append(str(tmp_path))
    assert pages.load(INDEX, X) == (facts_of(), BODY)
    pages.store(X, facts_of(b"new"), b"new")
    assert kept_in(tmp_path).load(INDEX, X) == (facts_of(b"new"), b"new")
    assert pages.load(INDEX, X) == (facts_of(b"new"), b"new")


def damaged(data: bytes) -> list[bytes]:
    head, _, packed = data.partition(b"\n")
    found = json.loads(head)
    changed = [
        {**found, "format": 2},
        {**found, "more": 1},
        {**found, "serial": "3"},
        {**found, "confirmed_ns": True},
        {**found, "url": None},
        {**found, "url": "https://other.example.com/"},
        {key: value for key, value in found.items() if key != "etag"},
    ]
    heads = [json.dumps(each).encode() for each in changed] + [b"[]", b"{", b"[" * 100_000, b""]
    return [each + b"\n" + packed for each in heads] + [
        data[:-3],
        head,
        head + b"\n",
        data.replace(packed, packed[::-1]),
    ]


def test_what_is_damaged_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    pages = kept_in(tmp_path)
    pages.store(X, facts_of(), BODY)
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    whole = path.read_bytes()
    for data in damaged(whole):
        path.write_bytes(data)
        assert pages.load(INDEX, X) is None
    path.write_bytes(whole)
    assert pages.load(INDEX, X) is not None


def test_a_page_is_only_that_of_its_index(tmp_path: Path) -> None:
    pages = kept_in(tmp_path)
    pages.store(X, facts_of(), BODY)
    mine = tmp_path / "upstream" / folder_of(INDEX)
    mine.rename(mine.with_name(folder_of("https://other.example.com")))
    assert pages.load("https://other.example.com", X) is None


@given(st.binary(), st.integers(0, 400))
def test_no_bytes_in_a_file_raise_anything(data: bytes, cut: int) -> None:
    pages = KeptPages(lambda: None)
    pages.store(X, facts_of(), BODY)
    whole = pages._memory[INDEX, X]  # noqa: SLF001  # where a file's bytes are when there is no disk
    pages._memory[INDEX, X] = whole[:cut] + data  # noqa: SLF001  # as above
    found = pages.load(INDEX, X)
    assert found is None or found[1] == BODY


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", "X", "a_b", "x" * 201, "x\n", "é"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="normalised name"):
        kept_in(tmp_path).store(ProjectName(name), facts_of(), BODY)
    with pytest.raises(ValueError, match="normalised name"):
        kept_in(tmp_path).load(INDEX, ProjectName(name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "index", ["https://../../x", "https://a/", "https://[::1]:8/x", "", "https://.hidden", "https:///x"]
)
def test_an_index_has_one_plain_folder(index: str) -> None:
    name = folder_of(index)
    assert not set(name) & set("/\\:\0")
    assert not name.startswith(".")
    assert name != folder_of(f"{index}/other")


def test_memory_has_an_end() -> None:
    pages = kept_in(None, memory=3000)
    for number in range(100):
        pages.store(ProjectName(f"p{number}"), facts_of(), BODY)
    kept = [number for number in range(100) if pages.load(INDEX, ProjectName(f"p{number}"))]
    assert kept == list(range(100 - len(kept), 100))
    assert 1 < len(kept) < 20


def test_a_folder_that_cannot_be_written_to_is_no_reason_to_forget(tmp_path: Path) -> None:
    tmp_path.joinpath("upstream").write_text("in the way")
    pages = kept_in(tmp_path)
    pages.store(X, facts_of(), BODY)
    assert pages.load(INDEX, X) == (facts_of(), BODY)
    tmp_path.joinpath("upstream").unlink()
    pages.renew(X, facts_of())
    assert kept_in(tmp_path).load(INDEX, X) == (facts_of(), BODY)


def test_threads_may_store_at_once(tmp_path: Path) -> None:
    pages = kept_in(tmp_path)
    names = [ProjectName(f"p{number}") for number in range(50)]
    threads = [threading.Thread(target=pages.store, args=(name, facts_of(), BODY)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(pages.load(INDEX, name) is not None for name in names)
