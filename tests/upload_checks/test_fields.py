import pytest

from twisted_pypi.distributions import parse_filename
from twisted_pypi.errors import TwistedPyPIError
from twisted_pypi.upload_checks import check_fields, check_version

WHEEL = "x-1.0-py3-none-any.whl"
SDIST = "x-1.0.tar.gz"


@pytest.mark.parametrize(
    ("filename", "fields"),
    [
        (WHEEL, {}),
        (SDIST, {}),
        ("x-1.0.zip", {}),
        ("x-1.0.tgz", {}),
        ("x-1.0.tar.bz2", {}),
        ("x-1.0.tar.xz", {}),
        ("my-hyphened-name-1.0.tar.gz", {}),
        ("My.Name-1.0.tar.gz", {}),
        (WHEEL, {"filetype": "bdist_wheel", "pyversion": "py3", "protocol_version": "1", "metadata_version": "2.4"}),
        (WHEEL, {"pyversion": "3.11", "metadata_version": "1.0"}),
        (WHEEL, {"pyversion": "py2.py3", "metadata_version": "2.6"}),
        (SDIST, {"filetype": "sdist", "pyversion": "source", "metadata_version": "2.99"}),
        (SDIST, {"filetype": "sdist", "pyversion": "any", "metadata_version": "1.9"}),
    ],
)
def test_what_clients_send_is_taken(filename: str, fields: dict[str, str]) -> None:
    check_fields(parse_filename(filename), fields.get)


@pytest.mark.parametrize(
    ("filename", "fields", "sentence"),
    [
        ("x-1.0-py2.7.egg", {}, "neither a wheel nor a source distribution that can be opened.*--upload-checks names"),
        ("x-1.0.win32.exe", {}, "neither a wheel nor a source distribution"),
        ("x-1.0.win32.msi", {}, "neither a wheel nor a source distribution"),
        ("x-1.0.linux-x86_64.tar.gz", {}, "neither a wheel nor a source distribution"),
        ("x-1.0.tar.Z", {}, "neither a wheel nor a source distribution that can be opened"),
        (SDIST, {"protocol_version": "2"}, "protocol_version is '2'; expected 1"),
        (SDIST, {"filetype": "bdist_wheel"}, "filetype is 'bdist_wheel', but the file x-1.0.tar.gz is a sdist"),
        (WHEEL, {"filetype": "sdist"}, "filetype is 'sdist', but .* is a bdist_wheel"),
        (WHEEL, {"filetype": "bdist_egg"}, "filetype is 'bdist_egg', but .* is a bdist_wheel"),
        (SDIST, {"pyversion": "3.8"}, "pyversion is '3.8'; expected 'source'"),
        (WHEEL, {"pyversion": "source"}, "pyversion is 'source', but the file is a wheel"),
        (SDIST, {"metadata_version": "3.0"}, "metadata version '3.0' of the form is not known; expected 1.0 to 2.6"),
        (SDIST, {"metadata_version": "0.9"}, "metadata version '0.9'"),
        (SDIST, {"metadata_version": "2"}, "metadata version '2'"),
        (SDIST, {"metadata_version": "2.1\n3"}, "metadata version"),
        ("Foo-1.0-py3-none-any.whl", {}, "starts with 'Foo'; expected the normalised name 'foo'"),
        ("foo.bar-1.0-py3-none-any.whl", {}, "starts with 'foo.bar'; expected the normalised name 'foo_bar'"),
        ("foo__bar-1.0-py3-none-any.whl", {}, "starts with 'foo__bar'; expected the normalised name 'foo_bar'"),
        ("x-1.0-p!3-none-any.whl", {}, "the tag 'p!3' of .* is not valid"),
        ("x-1.0-py3-no+ne-any.whl", {}, "the tag 'no\\+ne' of .* is not valid"),
        ("x-1.0-py2..py3-none-any.whl", {}, "the tag '' of .* is not valid"),
        ("x-1.0-py3-none-amiga_68k.whl", {}, "platform tag 'amiga_68k' of .* is of no known platform"),
        ("x-1.0-py3-none-any.linux.whl", {}, "platform tag 'linux' of .* is of no known platform"),
        ("x-1.0-cp311-cp311-manylinux_2014_x86_64.whl", {}, "platform tag 'manylinux_2014_x86_64'"),
        ("x-1.0-cp311-cp311-macosx_x86_64.whl", {}, "platform tag 'macosx_x86_64'"),
        ("x-1.0-cp311-cp311-win64.whl", {}, "platform tag 'win64'"),
    ],
)
def test_says_what_is_wrong_with_a_name_or_a_field(filename: str, fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(TwistedPyPIError, match=sentence):
        check_fields(parse_filename(filename), fields.get)


@pytest.mark.parametrize(
    "tags",
    [
        "1-py3-none-any",
        "1local-py3-none-any",
        "py2.py3-none-any",
        "py3-none-any-x8664v3",
        "1-cp313-cp313t-manylinux_2_28_x86_64-x8664v3",
        "cp39-abi3-manylinux1_x86_64.manylinux2010_x86_64.manylinux2014_x86_64",
        "cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64",
        "cp312-cp312-musllinux_1_2_x86_64",
        "cp312-cp312-linux_x86_64",
        "cp37-cp37m-linux_armv7l",
        "cp312-cp312-macosx_10_13_universal2",
        "cp312-cp312-macosx_11_0_arm64.macosx_10_9_x86_64",
        "cp312-cp312-win32",
        "cp312-cp312-win_amd64",
        "cp312-cp312-win_arm64",
        "cp313-cp313-ios_13_0_arm64_iphoneos",
        "cp313-cp313-ios_13_0_x86_64_iphonesimulator",
        "cp313-cp313-android_21_arm64_v8a",
        "cp312-cp312-pyodide_2024_0_wasm32",
        "cp314-cp314-pyemscripten_2026_0_wasm32",
        "cp312-cp312-emscripten_3_1_58_wasm32",
        "pp310-pypy310_pp73-win_amd64",
        "graalpy311-graalpy242_311_native-linux_x86_64",
        "cp311-cp311-freebsd_13_2_release_amd64",
        "cp311-cp311-mingw_x86_64_ucrt",
        "cp399-abi4-manylinux_9_99_riscv128",
    ],
)
def test_wheels_of_every_platform_are_taken(tags: str) -> None:
    check_fields(parse_filename(f"x-1.0-{tags}.whl"), lambda _: None)


@pytest.mark.parametrize("version", ["1.0", "1.0.post1", "1!2.0", "1.0+local.1", "1.0-1", "v1", "1.0.0rc1"])
def test_versions_of_every_form_are_taken(version: str) -> None:
    check_version(parse_filename(f"x-{version}.tar.gz", "x"))


@pytest.mark.parametrize("filename", ["x-2004d.odd.tar.gz", "x-1.0-beta-2x.tar.gz", "x-1.0_a_b-py3-none-any.whl"])
def test_versions_that_cannot_be_compared_are_not(filename: str) -> None:
    with pytest.raises(TwistedPyPIError, match="is not valid; expected one such as"):
        check_version(parse_filename(filename, "x"))
