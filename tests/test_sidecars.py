import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.errors import BadFilename
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar, parse_sidecar, sidecar_name, sidecar_of

SHA256 = "ab" * 32


def test_is_hidden_beside_its_file() -> None:
    assert sidecar_name("x-1.0.tar.gz") == ".x-1.0.tar.gz.json"


@pytest.mark.parametrize("filename", ["x" * 250, "\N{SNOWMAN}" * 84])
def test_a_file_name_that_leaves_no_room_for_it(filename: str) -> None:
    with pytest.raises(BadFilename, match="too long"):
        sidecar_name(filename)
    assert len(sidecar_name(filename[:83]).encode()) <= 255


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        (".x-1.0.tar.gz.json", "x-1.0.tar.gz"),
        ("x-1.0.tar.gz.json", None),
        (".x-1.0.tar.gz", None),
        (".project.json", None),
        ("..x-1.0.zip.json", None),
        (".json", None),
        (".", None),
        ("", None),
    ],
)
def test_whose_it_is(name: str, filename: str | None) -> None:
    assert sidecar_of(name) == filename


def test_is_written_in_one_way() -> None:
    sidecar = Sidecar(SHA256, 1_700_000_000_123_456_789, "anna", {"note": [1]})
    assert format_sidecar(sidecar) == (
        b'{"note": [1], "sha256": "' + SHA256.encode() + b'", "uploaded": "2023-11-14T22:13:20.123456Z", "uploader": "anna"}\n'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "sidecar"),
    [
        ({"sha256": SHA256.upper()}, Sidecar(SHA256)),
        ({"sha256": SHA256, "uploaded": "2023-11-14T22:13:20Z"}, Sidecar(SHA256, 1_700_000_000_000_000_000)),
        ({"sha256": SHA256, "uploaded": "2023-11-14T23:13:20+01:00"}, Sidecar(SHA256, 1_700_000_000_000_000_000)),
        ({"sha256": SHA256, "uploaded": "2023-11-14T22:13:20"}, Sidecar(SHA256, 1_700_000_000_000_000_000)),
        ({"sha256": SHA256, "uploaded": "yesterday", "uploader": 7}, Sidecar(SHA256)),
        ({"sha256": SHA256, "attestations": [{"version": 1}]}, Sidecar(SHA256, attestations=({"version": 1},))),
        ({"sha256": SHA256, "attestations": [{"version": 1}, 7]}, Sidecar(SHA256)),
        ({"sha256": SHA256, "attestations": {}, "publisher": []}, Sidecar(SHA256)),
        ({"sha256": SHA256, "publisher": {"kind": "GitHub"}}, Sidecar(SHA256, publisher={"kind": "GitHub"})),
        ({"sha256": SHA256, "yanked": "broken"}, Sidecar(SHA256, yanked="broken")),
        ({"sha256": SHA256, "yanked": True}, Sidecar(SHA256, yanked="")),
        ({"sha256": SHA256, "yanked": ""}, Sidecar(SHA256, yanked="")),
        ({"sha256": SHA256, "yanked": False}, Sidecar(SHA256)),
        ({"sha256": SHA256, "yanked": "\ud800"}, Sidecar(SHA256, yanked="?")),
        ({"sha256": SHA256, "yanked": 1}, Sidecar(SHA256)),
        ({"sha256": SHA256, "uploader": "anna"}, Sidecar(SHA256, uploader="anna", source=Source.UPLOAD)),
        (
            {"sha256": SHA256, "uploaded": "2023-11-14T22:13:20Z", "yanked": True, "yanked-by": "anna"},
            Sidecar(SHA256, 1_700_000_000_000_000_000, more={"yanked-by": "anna"}, yanked=""),
        ),
        ({"sha256": SHA256, "source": "upstream"}, Sidecar(SHA256, source=Source.UPSTREAM)),
        (
            {"sha256": SHA256, "uploader": "anna", "source": "a b"},
            Sidecar(SHA256, uploader="anna", source=Source.UPLOAD),
        ),
        ({"sha256": SHA256, "source": ["upload"]}, Sidecar(SHA256)),
        ({"sha256": SHA256, "uploaded": 1, "x": {"y": None}}, Sidecar(SHA256, more={"x": {"y": None}})),
    ],
)
def test_what_it_says_is_understood(said: dict[str, object], sidecar: Sidecar) -> None:
    assert parse_sidecar(json.dumps(said).encode()) == sidecar


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"sha256": 1}', b"\xff", b"[" * 100_000, b" " * 2**25])
def test_garbage_is_no_sidecar(data: bytes) -> None:
    assert parse_sidecar(data) is None


@given(st.binary())
def test_any_bytes_are_understood_or_not(data: bytes) -> None:
    parse_sidecar(data)


@given(
    st.integers(0, 250_000_000_000_000_000),
    st.none() | st.text(),
    st.dictionaries(st.text(min_size=13), st.text()),
    st.none() | st.text(),
    st.sampled_from(Source),
)
def test_what_was_written_is_read(
    microseconds: int, uploader: str | None, more: dict[str, object], yanked: str | None, source: Source
) -> None:
    attestations = ({"version": 1, "more": more},)
    sidecar = Sidecar(
        SHA256,
        microseconds * 1000,
        uploader,
        more,
        attestations=attestations,
        publisher=more,
        yanked=yanked,
        source=source,
    )
    assert parse_sidecar(format_sidecar(sidecar)) == sidecar
