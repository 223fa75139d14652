"""What an upstream said of a file goes into a sidecar and comes back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.boundaries import Recall
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, parse_sidecar
from twisted_pypi.simple.model import File
from twisted_pypi.upstream_facts import from_upstream, recall_in, upstream_sidecar, with_recall

INDEX = "https://index.example.com/simple"
NAME = "x-1.0-py3-none-any.whl"
TEXT = st.text(max_size=8)

FILES = st.builds(
    File,
    filename=st.just(NAME),
    url=TEXT,
    hashes=st.dictionaries(TEXT, st.text("0123456789abcdef", max_size=8), max_size=2),
    size=st.none() | st.integers(0, 2**60),
    upload_time_ns=st.none() | st.integers(0, 10**15).map(lambda each: each * 1000),
    requires_python=st.none() | TEXT,
    core_metadata=st.none() | st.booleans() | st.dictionaries(TEXT, st.just("5" * 64), max_size=2),
    gpg_sig=st.none() | st.booleans(),
    yanked=st.booleans() | st.text(min_size=1, max_size=8),
    provenance=st.none() | TEXT,
)
RECALLS = st.builds(
    Recall,
    how=TEXT,
    since_ns=st.integers(0, 10**15).map(lambda each: each * 1000),
    confirmed=st.booleans(),
    hidden=st.booleans(),
    reason=st.none() | TEXT,
)


@given(file=FILES, fetched=st.integers(0, 10**15), recall=st.none() | RECALLS)
def test_all_that_was_said_comes_back(file: File, fetched: int, recall: Recall | None) -> None:
    written = with_recall(upstream_sidecar(file, INDEX, fetched * 1000, "A" * 64), recall)
    sidecar = parse_sidecar(format_sidecar(written))
    assert sidecar is not None
    assert (sidecar.sha256, sidecar.source) == ("a" * 64, Source.UPSTREAM)
    found = from_upstream(sidecar, NAME)
    assert found is not None
    assert (found.file, found.index, found.fetched_ns) == (file, INDEX, fetched * 1000)
    assert recall_in(sidecar) == recall


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["index", "url", "fetched", "hashes", "size", "requires-python", "core-metadata", "gpg-sig", "provenance"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON)) | JSON, JSON)
def test_anything_is_read_without_an_error(said: object, recall: object) -> None:
    data = {"sha256": "0" * 64, "source": "upstream", "upstream": said, "recall": recall}
    sidecar = parse_sidecar(json.dumps(data).encode())
    assert sidecar is not None
    found = from_upstream(sidecar, NAME)
    if found is not None:
        (found.index + found.file.url + (found.file.requires_python or "")).encode()
    assert (recall_in(sidecar) is None) == (recall is None)


@pytest.mark.parametrize(
    "recall", [5, {}, {"how": 5}, {"how": "removed", "hidden": "no"}, {"how": "removed"}, [], "quarantined"]
)
def test_a_recall_that_cannot_be_understood_hides(recall: object) -> None:
    found = recall_in(Sidecar("0" * 64, more={"recall": recall}))
    assert found is not None
    assert found.hidden


def test_a_file_of_no_index_comes_from_none() -> None:
    said = {"index": INDEX, "url": "https://files.example.com/x"}
    assert from_upstream(Sidecar("0" * 64, more={"upstream": said}), NAME) is None
    assert from_upstream(Sidecar("0" * 64, source=Source.UPSTREAM), NAME) is None
    assert from_upstream(Sidecar("0" * 64, source=Source.UPSTREAM, more={"upstream": said}), NAME) is not None


def test_a_recall_is_taken_back() -> None:
    recalled = with_recall(Sidecar("0" * 64, more={"a": 1}), Recall("removed", 0, confirmed=True, hidden=False))
    assert with_recall(recalled, None) == Sidecar("0" * 64, more={"a": 1})
