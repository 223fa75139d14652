import pytest

from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import BadUpload
from twisted_pypi.upload_checks import check_release

PRESENT = [
    parse_filename(each)
    for each in (
        "foo-bar-1.0.tar.gz",
        "Foo_Bar-1.0-py2.py3-none-any.whl",
        "foo_bar-1.0-1-cp311-cp311-win32.whl",
        "foo_bar-2.0-py3-none-any.whl",
        "foo_bar-1.0-py2.7.egg",
    )
]


@pytest.mark.parametrize(
    "filename",
    [
        "foo-bar-1.0.tar.gz",
        "foo_bar-2.0.tar.gz",
        "foo_bar-1.0.post1.tar.gz",
        "foo_bar-1.0-py3-none-any.whl",
        "foo_bar-1.0-2-cp311-cp311-win32.whl",
        "foo_bar-1.0-cp311-cp311-win32.whl",
        "foo_bar-1.0-1-cp311-cp311-win32-x8664v3.whl",
        "foo_bar-2.0.1-py3-none-any.whl",
    ],
)
def test_files_that_fit_are_taken(filename: str) -> None:
    check_release(parse_filename(filename, "foo-bar"), PRESENT)


@pytest.mark.parametrize(
    ("filename", "sentence"),
    [
        ("foo_bar-1.0.tar.gz", "has a source distribution already, foo-bar-1.0.tar.gz; expected one a release"),
        ("foo_bar-1.0.zip", "has a source distribution already, foo-bar-1.0.tar.gz"),
        ("foo_bar-1.tar.gz", "has a source distribution already, foo-bar-1.0.tar.gz"),
        ("foo_bar-1.0-py2.py3-none-any.whl", "is here already as Foo_Bar-1.0-py2.py3-none-any.whl"),
        ("foo_bar-1.0-py3.py2-none-any.whl", "is here already as Foo_Bar-1.0-py2.py3-none-any.whl"),
        ("foo_bar-1.0.0-1-cp311-cp311-win32.whl", "is here already as foo_bar-1.0-1-cp311-cp311-win32.whl"),
        ("foo_bar-2.0.0-py3-none-any.whl", "is here already as foo_bar-2.0-py3-none-any.whl"),
    ],
)
def test_another_spelling_of_a_file_and_a_second_sdist_are_not(filename: str, sentence: str) -> None:
    with pytest.raises(BadUpload, match=sentence):
        check_release(parse_filename(filename, "foo-bar"), PRESENT)
