"""What an update fetches, as tables: files by short names, of the project acme."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from twisted_pypi.distributions import ProjectName
from twisted_pypi.policy.ownership import HeldFile
from twisted_pypi.policy.plan import Left, Plan, plan_update
from twisted_pypi.policy.rules import Measure, Rules
from twisted_pypi.policy.rules_file import parse_rules
from twisted_pypi.sidecars import Source
from twisted_pypi.simple.model import File, ProjectPage

ACME = ProjectName("acme")
DAY = 86_400 * 10**9
NOW = 1_000 * DAY


def filename(short: str) -> str:
    """``1.0`` is a source distribution, ``1.0-py3-none-any`` a wheel, and anything with an ending itself."""
    if short.endswith((".zip", ".egg", ".exe")):
        return f"acme-{short}"
    return f"acme-{short}.whl" if "-" in short else f"acme-{short}.tar.gz"


def digest(name: str) -> str:
    return f"{sum(name.encode()) + 7919 * len(name):064x}"


def page_of(*shorts: str, **more: File) -> ProjectPage:
    """A page; ``!`` at the end of a name: yanked, ``~``: uploaded today, ``*``: without a digest."""
    files = []
    for short in shorts:
        name = filename(short.rstrip("!~*"))
        hashes = {} if short.endswith("*") else {"sha256": digest(name)}
        uploaded = NOW if short.endswith("~") else NOW - 100 * DAY
        files.append(
            File(name, f"https://files.example.com/{name}", hashes, upload_time_ns=uploaded, yanked=short.endswith("!"))
        )
    return ProjectPage(ACME, (*files, *more.values()))


def held(*shorts: str) -> list[HeldFile]:
    """Files by hand; ``^`` at the end of a name: it was fetched."""
    found = []
    for short in shorts:
        name = filename(short.rstrip("^"))
        found.append(HeldFile(name, digest(name), Source.UPSTREAM if short.endswith("^") else None))
    return found


def plan(
    here: Sequence[HeldFile],
    page: ProjectPage,
    rules: Rules | None = None,
    *,
    take_all: bool = False,
    keep: int = 1,
    unstable: bool = False,
) -> Plan:
    return plan_update(ACME, here, page, rules or Rules(), NOW, take_all=take_all, keep=keep, unstable=unstable)


def fetched(found: Plan) -> set[str]:
    return {each.file.filename for each in found.fetch}


MANY = ".".join(["py3", *map(str, range(20))])
LINUX, LINUX_NEW = "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_28_x86_64"


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        # The same kinds as of the last release.
        (["1.0"], ["1.0", "2.0", "2.0-py3-none-any"], ["2.0"]),
        (["1.0-py3-none-any"], ["2.0", "2.0-py3-none-any"], ["2.0-py3-none-any"]),
        (["1.0", "1.0-py3-none-any"], ["2.0", "2.0-py3-none-any"], ["2.0", "2.0-py3-none-any"]),
        (["0.9", "1.0-py3-none-any"], ["2.0", "2.0-py3-none-any"], ["2.0-py3-none-any"]),
        (["1.0-py2.py3-none-any"], ["2.0-py3-none-any", "2.0"], ["2.0-py3-none-any"]),
        (["1.0-py3-none-any"], ["2.0-py2.py3-none-any"], ["2.0-py2.py3-none-any"]),
        (["1.0-py3-none-any"], ["2.0-py38-none-any"], ["2.0-py38-none-any"]),
        # Nothing newer.
        (["2.0"], ["1.0", "2.0", "2.0-py3-none-any"], []),
        (["1.0.0"], ["1.0"], []),
        (["2.0"], ["1.9"], []),
        # Tags family by family.
        (
            [f"1.0-cp311-cp311-{LINUX}"],
            [f"2.0-cp311-cp311-{LINUX_NEW}", "2.0-cp311-cp311-win_amd64", f"2.0-cp312-cp312-{LINUX_NEW}", "2.0"],
            [f"2.0-cp311-cp311-{LINUX_NEW}"],
        ),
        (
            [f"1.0-cp311-cp311-{LINUX}"],
            [f"2.0-cp311-cp311-{LINUX}", f"2.0-cp311-cp311-{LINUX_NEW}", "2.0-cp311-cp311-manylinux1_x86_64"],
            [f"2.0-cp311-cp311-{LINUX}"],
        ),
        (
            [f"1.0-cp311-cp311-{LINUX}", f"1.0-cp311-cp311-{LINUX_NEW}"],
            [f"2.0-cp311-cp311-{LINUX}", f"2.0-cp311-cp311-{LINUX_NEW}"],
            [f"2.0-cp311-cp311-{LINUX}", f"2.0-cp311-cp311-{LINUX_NEW}"],
        ),
        (
            ["1.0-cp311-cp311-musllinux_1_1_x86_64"],
            ["2.0-cp311-cp311-musllinux_1_2_x86_64", f"2.0-cp311-cp311-{LINUX}"],
            ["2.0-cp311-cp311-musllinux_1_2_x86_64"],
        ),
        (
            ["1.0-cp313-cp313t-win_amd64"],
            ["2.0-cp313-cp313-win_amd64", "2.0-cp313-cp313t-win_amd64"],
            ["2.0-cp313-cp313t-win_amd64"],
        ),
        (
            ["1.0-pp310-pypy310_pp73-win_amd64"],
            ["2.0-pp310-pypy310_pp74-win_amd64", "2.0-cp310-cp310-win_amd64"],
            ["2.0-pp310-pypy310_pp74-win_amd64"],
        ),
        (["1.0-py3-none-any"], ["2.0-py3-none-any", "2.0-1-py3-none-any"], ["2.0-1-py3-none-any"]),
        # The stable ABI is one family, whatever Python it begins with.
        (
            [f"1.0-cp38-abi3-{LINUX}"],
            [f"2.0-cp39-abi3-{LINUX_NEW}", f"2.0-cp311-abi3-{LINUX_NEW}"],
            [f"2.0-cp39-abi3-{LINUX_NEW}"],
        ),
        (
            [f"1.0-cp311-abi3-{LINUX}"],
            [f"2.0-cp38-abi3-{LINUX}", f"2.0-cp311-abi3-{LINUX}", f"2.0-cp312-abi3-{LINUX}"],
            [f"2.0-cp311-abi3-{LINUX}"],
        ),
        # What installers of the held kind take, where their own kind is not there.
        ([f"1.0-cp311-cp311-{LINUX}"], ["2.0-py3-none-any", "2.0"], ["2.0-py3-none-any"]),
        (
            [f"1.0-cp311-cp311-{LINUX}"],
            [f"2.0-cp38-abi3-{LINUX}", f"2.0-cp312-abi3-{LINUX}", "2.0-cp38-abi3-win_amd64"],
            [f"2.0-cp38-abi3-{LINUX}"],
        ),
        ([f"1.0-cp311-cp311-{LINUX}"], [f"2.0-py3-none-{LINUX}", "2.0-py3-none-win32"], [f"2.0-py3-none-{LINUX}"]),
        (
            ["1.0-cp311-cp311-macosx_11_0_universal2"],
            ["2.0-cp311-cp311-macosx_11_0_arm64", "2.0-cp311-cp311-macosx_10_9_x86_64", "2.0-cp311-cp311-win32"],
            ["2.0-cp311-cp311-macosx_11_0_arm64", "2.0-cp311-cp311-macosx_10_9_x86_64"],
        ),
        (
            ["1.0-cp311-cp311-macosx_11_0_arm64"],
            ["2.0-cp311-cp311-macosx_11_0_universal2"],
            ["2.0-cp311-cp311-macosx_11_0_universal2"],
        ),
        (["1.0-cp311-cp311-linux_x86_64"], [f"2.0-cp311-cp311-{LINUX}"], [f"2.0-cp311-cp311-{LINUX}"]),
        (
            ["1.0-py3-none-any"],
            ["2.0-cp311-cp311-win_amd64", f"2.0-cp312-cp312-{LINUX}", "2.0-cp27-cp27m-win32", "2.0"],
            ["2.0-cp311-cp311-win_amd64", f"2.0-cp312-cp312-{LINUX}"],
        ),
        (
            [f"1.0-cp310-abi3-{LINUX}"],
            [f"2.0-cp39-cp39-{LINUX}", f"2.0-cp310-cp310-{LINUX}", f"2.0-cp311-cp311-{LINUX}", "2.0-cp311-cp311-win32"],
            [f"2.0-cp310-cp310-{LINUX}", f"2.0-cp311-cp311-{LINUX}"],
        ),
        (
            ["1.0-cp311-cp311-macosx_10_9_x86_64"],
            ["2.0-cp311-cp311-macosx_11_0_arm64", "2.0-cp311-cp311-macosx_10_9_intel"],
            ["2.0-cp311-cp311-macosx_10_9_intel"],
        ),
        (["1.0-cp311-cp311-win_amd64"], ["2.0-py3-none-win_amd64", "2.0-py3-none-win32"], ["2.0-py3-none-win_amd64"]),
        (["1.0-pp310-pypy310_pp73-win32"], ["2.0-cp310-abi3-win32", "2.0-py3-none-any"], ["2.0-py3-none-any"]),
        (["1.0-cp313-abi3t-win32"], ["2.0-cp313-cp313-win32", "2.0-cp314-cp314t-win32"], ["2.0-cp314-cp314t-win32"]),
        # A variant (PEP 817) is for those who know of variants.
        (["1.0-py3-none-win32-v1"], ["2.0-py3-none-win32-v1", "2.0-py3-none-win32"], ["2.0-py3-none-win32-v1"]),
        (["1.0-py3-none-win32"], ["2.0-py3-none-win32-v1", "2.0"], ["2.0"]),
        (["1.0-py3-none-win32-v1"], ["2.0-py3-none-win32", "2.0"], ["2.0"]),
        # More tags than any wheel has say nothing.
        (["1.0-py3-none-any"], [f"2.0-{MANY}-{MANY}-any", "2.0"], ["2.0"]),
        # The source where nothing fits.
        (["1.0-cp38-cp38-win32"], ["2.0-cp312-cp312-win32", "2.0"], ["2.0"]),
        (["1.0-py2.7.egg"], ["2.0-py3-none-any", "2.0", "2.0.zip"], ["2.0"]),
        (["1.0-py2.7.egg"], ["2.0-py2.7.egg", "2.0"], ["2.0-py2.7.egg"]),
        (["1.0.zip"], ["2.0", "2.0.zip"], ["2.0.zip"]),
        (["1.0.zip"], ["2.0"], ["2.0"]),
        # What does not fit at all is passed over.
        (["1.0-cp38-cp38-win32"], ["2.0-cp38-cp38-win32", "3.0-cp312-cp312-win32"], ["2.0-cp38-cp38-win32"]),
        (["1.0"], ["2.0-py3-none-any"], []),
        # Yanked.
        (["1.0"], ["2.0!", "1.5", "1.2"], ["1.5"]),
        (["1.0"], ["2.0!"], []),
        (["1.0", "1.0-py3-none-any"], ["2.0!", "2.0-py3-none-any"], ["2.0-py3-none-any"]),
        (["1.0-py3-none-any"], ["2.0-py3-none-any", "2.0-1-py3-none-any!"], ["2.0-py3-none-any"]),
        (["1.0-py3-none-any"], ["2.0-py3-none-any!", "2.0"], []),
        # Without a digest.
        (["1.0"], ["2.0*", "1.5"], ["1.5"]),
        # Versions.
        (["1.0"], ["2.0rc1", "2.0.dev1", "1.5", "2.0a1.post1"], ["1.5"]),
        (["1.0"], ["1.0.post1"], ["1.0.post1"]),
        (["1.9"], ["1.10", "1.8"], ["1.10"]),
        (["2024.1"], ["1!1.0", "2024.2"], ["1!1.0"]),
        (["1.0"], ["1.0+local.1"], ["1.0+local.1"]),
        (["2.0rc1"], ["2.0rc2", "2.0"], ["2.0"]),
        (["2.0rc1"], ["2.0rc2"], []),
        (["unknown", "1.0"], ["1.0", "2.0"], ["2.0"]),
        (["odd"], ["0.1"], ["0.1"]),
        (["1.0"], ["odd", "2.0"], ["2.0"]),
        ([], ["1.0"], []),
        # A release that was fetched is completed, by the kinds of the one before it.
        (["1.0", "1.0-py3-none-any", "2.0^"], ["2.0", "2.0-py3-none-any"], ["2.0-py3-none-any"]),
        (["1.0", "1.0-py3-none-any", "2.0"], ["2.0", "2.0-py3-none-any"], []),
        (["1.0", "1.0-py3-none-any", "2.0^"], ["2.0", "3.0", "3.0-py3-none-any"], ["3.0", "3.0-py3-none-any"]),
        (["1.0-py3-none-any", "2.0^", "3.0^"], ["3.0", "3.0-py3-none-any"], ["3.0-py3-none-any"]),
        (["1.0-py3-none-any", "2.0^"], ["2.0", "2.0-py3-none-any!"], []),
    ],
)
def test_which_files_are_fetched(here: list[str], there: list[str], expected: list[str]) -> None:
    assert fetched(plan(held(*here), page_of(*there))) == {filename(each) for each in expected}


def test_all_files() -> None:
    found = plan(held("1.0"), page_of("1.5", "2.0", "2.0-py3-none-any", "2.0-cp311-cp311-win32!"), take_all=True)
    assert fetched(found) == {filename("2.0"), filename("2.0-py3-none-any")}
    assert [each.because for each in found.fetch] == ["2.0 is newer than 1.0, and all files are taken"] * 2
    assert found.left == (Left(filename("2.0-cp311-cp311-win32"), "it is yanked"),)


def test_some_releases_are_kept_the_oldest_is_fetched_first() -> None:
    page = page_of("1.0", "1.5", "2.0!", "3.0", "2.5", "4.0rc1")
    assert [each.version for each in plan(held("1.0"), page, keep=2).fetch] == ["2.5", "3.0"]
    assert [each.version for each in plan(held("1.0"), page, keep=9).fetch] == ["1.5", "2.5", "3.0"]
    assert [each.version for each in plan(held("1.0"), page, keep=2, unstable=True).fetch] == ["3.0", "4.0rc1"]
    assert plan(held("1.0"), page, keep=0).fetch == ()


def test_an_update_that_was_broken_off_goes_on() -> None:
    page = page_of("2.0", "2.0-py3-none-any", "3.0", "3.0-py3-none-any")
    here = held("1.0", "1.0-py3-none-any")
    for _ in range(4):
        found = plan(here, page, keep=2)
        here.append(HeldFile(found.fetch[0].file.filename, digest(found.fetch[0].file.filename), Source.UPSTREAM))
    assert plan(here, page, keep=2).fetch == ()
    assert {each.filename for each in here} >= {each.filename for each in page.files}


@pytest.mark.parametrize(
    ("here", "there", "left"),
    [
        (["1.0"], ["2.0!"], {"2.0": "it is yanked"}),
        (["1.0"], ["2.0*"], {"2.0": "the index gives no sha256 of it"}),
        (["1.0"], ["2.0~"], {"2.0": "it is held back until 1972-10-04T00:00:00Z, rule min-age = 7d"}),
        (["1.0"], ["2.0rc1", "2.0b1"], {"2.0rc1": "it is a pre-release, and only stable ones are taken"}),
        (
            ["1.0"],
            ["2.0-py3-none-any"],
            {"2.0-py3-none-any": "no file of 2.0 is of a kind that is held, and it has no source distribution"},
        ),
        (["1.0"], ["2.0", "3.0!", "2.0-py3-none-any!"], {"3.0": "it is yanked"}),
        (["1.0"], ["2.0", "1.5!"], {}),
        (["1.0"], ["1.0"], {}),
    ],
)
def test_what_is_left_has_a_reason(here: list[str], there: list[str], left: dict[str, str]) -> None:
    found = plan(held(*here), page_of(*there), Rules(min_age=Measure("7d", 7 * DAY)))
    assert {each.filename: each.because for each in found.left} == {filename(each): why for each, why in left.items()}


def test_what_is_fetched_has_a_reason() -> None:
    found = plan(held("1.0", "1.0-cp38-cp38-win32"), page_of("2.0"))
    assert [(each.version, each.because) for each in found.fetch] == [
        ("2.0", "2.0 is newer than 1.0, and it is of the kind of acme-1.0.tar.gz")
    ]
    found = plan(held("1.0-cp38-cp38-win32"), page_of("2.0"))
    assert found.fetch[0].because == (
        "2.0 is newer than 1.0, and it is the source, where no file is of a kind that is held"
    )
    found = plan(held("1.0", "1.0-py3-none-any", "2.0^"), page_of("2.0-py3-none-any"))
    assert found.fetch[0].because == "2.0 was fetched without it, and it is of the kind of acme-1.0-py3-none-any.whl"


def test_a_name_that_is_held_with_another_digest_is_reported_and_left() -> None:
    name = filename("2.0")
    here = [*held("1.0"), HeldFile(filename("1.5"), "f" * 64, None), HeldFile("acme-odd.tar.gz", "e" * 64, None)]
    odd = File("acme-odd.tar.gz", "https://files.example.com/odd", {"sha256": "d" * 64})
    found = plan(here, page_of("1.5", "2.0", odd=odd))
    assert fetched(found) == {name}
    assert {each.filename for each in found.left} == {filename("1.5"), "acme-odd.tar.gz"}
    assert "is held (sha256 ffff" in found.left[0].because


def test_the_newest_versions_are_told() -> None:
    found = plan(held("1.0.0", "0.5", "unknown"), page_of("2.0rc1", "1.5!", "0.1"))
    assert (found.newest_held, found.newest_offered) == ("1.0.0", "1.5")
    assert plan(held("1.0"), page_of("2.0rc1"), unstable=True).newest_offered == "2.0rc1"
    assert plan(held("1.0"), page_of()).newest_offered is None
    assert plan(held("odd"), page_of()).newest_held == "odd"
    assert plan([], page_of("1.0")) == Plan()


def test_a_project_in_quarantine_gives_nothing() -> None:
    page = ProjectPage(ACME, page_of("2.0").files, status="quarantined", status_reason="malware")
    found = plan(held("1.0"), page)
    assert found.fetch == ()
    assert found.left == (Left(filename("2.0"), "the project is quarantined: malware"),)


def test_rules_hold_files_back_one_by_one() -> None:
    rules = parse_rules('min-age = "7d"\nallow = ["acme==3.0"]\nwheels-only = true\ndeny = ["acme==4.*"]')
    page = page_of("2.0-py3-none-any", "3.0~", "3.0-py3-none-any~", "4.0-py3-none-any", "5.0-py3-none-any~")
    found = plan(held("1.0", "1.0-py3-none-any"), page, rules)
    assert fetched(found) == {filename("3.0-py3-none-any")}
    assert {each.filename: each.because.rpartition("rule ")[2] for each in found.left} == {
        filename("5.0-py3-none-any"): "min-age = 7d",
        filename("4.0-py3-none-any"): "deny = acme==4.*",
        filename("3.0"): "wheels-only = true, because it is not a wheel",
    }


PYTHONS = st.sampled_from(["py3", "py2.py3", "cp38", "cp311", "cp311.cp312", "pp310", "py38", "x", "cp3"])
ABIS = st.sampled_from(["none", "abi3", "cp311", "cp311t", "abi3t", "pypy310_pp73", "x.y"])
PLATFORMS = st.sampled_from(
    ["any", LINUX, LINUX_NEW, "win32", "macosx_11_0_universal2", "macosx_10_9_x86_64", "linux_x86_64", "x", "a_1_b"]
)
VERSIONS = st.sampled_from(["1.0", "1.0rc1", "2.0", "2.0.post1", "1!0.1", "3.0.dev1", "odd", "2.0+a"])
SHORTS = st.one_of(
    VERSIONS,
    VERSIONS.map(lambda each: f"{each}.zip"),
    st.tuples(VERSIONS, PYTHONS, ABIS, PLATFORMS).map("-".join),
    st.tuples(VERSIONS, PYTHONS, ABIS, PLATFORMS, st.just("v1")).map("-".join),
)


@given(
    st.lists(SHORTS, max_size=6),
    st.lists(SHORTS, max_size=12, unique=True),
    st.sampled_from(["", "!", "~", "*"]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_is_there_a_plan_keeps_the_rules(
    here: list[str], there: list[str], mark: str, unstable: bool, take_all: bool
) -> None:
    page = page_of(*(f"{each}{mark}" if place % 2 else each for place, each in enumerate(there)))
    mine = held(*here)
    found = plan(mine, page, Rules(min_age=Measure("7d", 7 * DAY)), unstable=unstable, take_all=take_all)
    names = fetched(found)
    assert len(names) == len(found.fetch)
    assert names.isdisjoint(each.filename for each in mine)
    assert names.isdisjoint(each.filename for each in found.left)
    assert len({each.version for each in found.fetch}) <= 1
    for each in found.fetch:
        assert each.file in page.files
        assert each.file.hashes.get("sha256")
        assert each.file.yanked is False
        assert each.file.upload_time_ns is not None
        assert each.file.upload_time_ns + 7 * DAY <= NOW
        assert unstable or not Version(each.version).is_prerelease
        assert found.newest_held is not None
        if found.newest_held != "odd":
            assert Version(each.version) > Version(found.newest_held)
    again = plan([*mine, *(HeldFile(each, digest(each), Source.UPSTREAM) for each in names)], page, unstable=unstable)
    assert names.isdisjoint(fetched(again))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_can_be_a_name(one: str, other: str) -> None:
    page = ProjectPage(ACME, (File(one, "https://x.example.com", {"sha256": "a" * 64}),))
    plan([HeldFile(other, "b" * 64, None)], page, take_all=True)
