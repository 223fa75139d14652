import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twisted_pypi.errors import BadForm, TooLarge
from twisted_pypi.upload_form import FileEnd, FileStart, FormEvent, FormField, UploadFormReader

BOUNDARY = "-" * 14 + "GHSKFJDLGDS7543FJKLFHRE75642756743254"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def field(name: str, value: bytes) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


def file(name: str, filename: str, data: bytes, more: str = "Content-Type: application/octet-stream\r\n") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n{more}\r\n'
    return head.encode() + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def read(body: bytes, size: int = 65536, content_type: str = CONTENT_TYPE) -> list[FormEvent]:
    """All events, with the pieces of each file put together."""
    reader = UploadFormReader(content_type)
    found: list[FormEvent] = []
    for event in [*(event for piece in pieces(body, size) for event in reader.feed(piece)), *reader.close()]:
        if isinstance(event, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += event
        else:
            found.append(event)
    return found


WHOLE = (
    field(":action", b"file_upload")
    + field("classifiers", b"A")
    + field("classifiers", "Straße".encode())
    + field("empty", b"")
    + file("content", "x-1.0.tar.gz", b"\r\n--\x00" * 50)
    + file("gpg_signature", "x-1.0.tar.gz.asc", b"sig", more="")
    + END
)
EVENTS = [
    FormField(":action", "file_upload"),
    FormField("classifiers", "A"),
    FormField("classifiers", "Straße"),
    FormField("empty", ""),
    FileStart("content", "x-1.0.tar.gz"),
    b"\r\n--\x00" * 50,
    FileEnd("content"),
    FileStart("gpg_signature", "x-1.0.tar.gz.asc"),
    b"sig",
    FileEnd("gpg_signature"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 61, 64, 100, 65536])
@pytest.mark.parametrize("front", [b"", b"\r\n", b"A preamble.\r\n\r\n"])
@pytest.mark.parametrize("back", [b"", b"An epilogue.\r\n", END])
def test_the_same_form_in_chunks_of_any_size(size: int, front: bytes, back: bytes) -> None:
    assert read(front + WHOLE + back, size) == EVENTS


def test_every_beginning_of_a_form_is_refused() -> None:
    for length in range(len(WHOLE) - 2):
        with pytest.raises(BadForm):
            read(WHOLE[:length])


def test_thousands_of_fields_and_values_of_megabytes() -> None:
    many = b"".join(field("requires_dist", str(number).encode()) for number in range(2500))
    assert len(read(many + END)) == 2500
    assert read(field("description", b"x" * 5_000_000) + END) == [FormField("description", "x" * 5_000_000)]


def test_all_fields_together_have_a_limit_and_files_have_none() -> None:
    with pytest.raises(TooLarge, match="16777216 bytes"):
        read(b"".join(field("description", b"x" * 1_000_000) for _ in range(17)) + END)
    assert len(read(file("content", "x", bytes(30_000_000)) + END)) == 3


def test_parts_have_a_limit() -> None:
    reader = UploadFormReader(CONTENT_TYPE, most_parts=3)
    with pytest.raises(BadForm, match="count"):
        reader.feed(field("a", b"") * 4)


LINES = (
    f"\n--{BOUNDARY}\n"
    'Content-Disposition: form-data; name=":action"\n\nsubmit\n'
    f"--{BOUNDARY}\n"
    'Content-Disposition: form-data; name="description"\n\none\n\ntwo\r\nthree\n'
    f"--{BOUNDARY}--\n"
)


@pytest.mark.parametrize("size", [1, 5, 65536])
@pytest.mark.parametrize("front", ["", "\n"])
def test_a_form_with_bare_line_feeds(size: int, front: str) -> None:
    assert read((front + LINES).encode(), size, CONTENT_TYPE + "; charset=utf-8") == [
        FormField(":action", "submit"),
        FormField("description", "one\n\ntwo\nthree"),
    ]


def test_a_form_with_bare_line_feeds_has_an_end_and_no_files() -> None:
    with pytest.raises(BadForm, match="ends too early"):
        read(LINES.removesuffix(f"--{BOUNDARY}--\n").encode())
    with pytest.raises(BadForm, match="bare line feeds"):
        read(LINES.replace('name="description"', 'name="content"; filename="x"').encode())
    with pytest.raises(TooLarge):
        read(LINES.replace("one", "1" * 17_000_000).encode())


@pytest.mark.parametrize(
    "filename", ["x.whl", "../x.whl", "a b.whl", "C:\\x.whl", "\\\\server\\x.whl", "..\\x", "é.whl", ""]
)
def test_the_name_of_a_file_is_handed_on_as_it_came(filename: str) -> None:
    assert read(file("content", filename, b"x") + END)[0] == FileStart("content", filename)


def test_a_value_that_is_not_utf_8_is_latin_1() -> None:
    assert read(field("author", b"Stra\xdfe") + END) == [FormField("author", "Straße")]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        "multipart/mixed; boundary=x",
        'multipart/form-data; boundary="' + "x" * 2000 + '"',
        'multipart/form-data; boundary="a\nb"',
    ],
)
def test_another_type_of_body_is_refused(content_type: str) -> None:
    with pytest.raises(BadForm):
        UploadFormReader(content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"name=x&version=1",
        b"x" * 200_000,
        b"x" * 200_000 + b"\r\n" + WHOLE,
        END[:-4],
        WHOLE.replace(b"form-data; name", b"attachment; name"),
        WHOLE.replace(b'Content-Disposition: form-data; name="empty"', b"X"),
        WHOLE.replace(b'name="empty"', b'name="' + b"x" * 9000 + b'"'),
        WHOLE.replace(b'name="empty"', b'name="\xff"'),
        WHOLE.replace(b'name="empty"', b'name="em\npty"'),
        WHOLE.replace(b'name="empty"', b'name="em\rpty"'),
    ],
)
@pytest.mark.parametrize("size", [100, 65536])
def test_a_body_that_is_no_such_form_is_refused(body: bytes, size: int) -> None:
    with pytest.raises(BadForm):
        read(body, size)


@given(
    st.lists(st.sampled_from([END[:-2], b"\r\n", b"\n", b"--", BOUNDARY.encode(), b"\r", WHOLE[:90], b"x", b"\xff"])),
    st.integers(1, 50),
)
def test_any_bytes_are_read_or_refused(parts: list[bytes], size: int) -> None:
    try:
        read(b"".join(parts), size)
    except (BadForm, TooLarge) as error:
        assert str(error)  # noqa: PT017 - that none is raised is fine as well


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("front", [b"", b"\r\n", b"\n", b"x\n", b"x", b"x\r\n"])
@pytest.mark.parametrize("end", [b"", b"\r\n", b"\n", b"x"])
def test_a_form_without_parts_is_the_same_in_any_pieces(front: bytes, end: bytes, size: int) -> None:
    body = front + END[:-2] + end
    outcomes: list[list[FormEvent] | str] = []
    for length in (len(body), size):
        try:
            outcomes.append(read(body, length))
        except BadForm as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


def test_pieces_of_a_file_are_not_copied() -> None:
    reader = UploadFormReader(CONTENT_TYPE)
    reader.feed(file("content", "x.whl", b"begin")[:-2])
    piece = bytes(1024 * 1024)
    assert reader.feed(piece)[0] is piece
    start = time.process_time()
    for _ in range(200):
        reader.feed(piece)
    # 200 MB: some 0.02 s; a generous bound, since machines are shared.
    assert time.process_time() - start < 1
