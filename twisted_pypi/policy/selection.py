"""Which files of a new release stand for those that are held of an older one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags

from twisted_pypi.policy.kinds import SOURCE, Family, Needs, Package, package, python_version

_MOST_INSTALLERS = 400
"""More than any release has wheels for."""


def successors(held: Iterable[str], offered: Iterable[str]) -> Mapping[str, str]:
    """Return the files of one release that are of the kinds held, each with the held file that it stands for.

    For each family of a held file it is one of the same family that asks for
    no more than the held one, if there is one.  Where none is of that family
    it is what installers that used the held file would take (platform
    compatibility tags specification): a pure wheel for one of a platform, and
    the wheels of all platforms for a pure one.
    """
    candidates = _packages(offered)
    chosen: dict[str, str] = {}
    seen: set[tuple[Family, Needs]] = set()
    for file in _packages(held):
        for family, needs in file.families.items():
            if (family, needs) not in seen:
                seen.add((family, needs))
                for each in _of_family(file, family, needs, candidates) or _for_installers(family, needs, candidates):
                    chosen.setdefault(each.filename, file.filename)
    return chosen


def source_of(offered: Iterable[str]) -> str | None:
    """Return the source distribution of a release, a gzipped tar archive if there are several."""
    sources = [each for each in _packages(offered) if any(on.platform == SOURCE for on in each.families)]
    best = min(sources, key=lambda each: (not each.filename.endswith(".tar.gz"), each.filename), default=None)
    return best.filename if best is not None else None


def _packages(filenames: Iterable[str]) -> list[Package]:
    return [found for each in filenames if (found := package(each)) is not None]


def _of_family(file: Package, family: Family, needs: Needs, candidates: Sequence[Package]) -> list[Package]:
    alike = [each for each in candidates if family in each.families]
    if not alike:
        return []
    if family.platform == SOURCE:
        same = [each for each in alike if each.filename[-4:] == file.filename[-4:]]
        best = source_of(each.filename for each in same or alike)
        return [each for each in alike if each.filename == best]
    return [_closest(needs, {each.filename: (each, each.families[family]) for each in alike})]


def _closest(held: Needs, candidates: Mapping[str, tuple[Package, Needs]]) -> Package:
    """The one that asks for most of those that ask for no more than the held one, else the one that asks for least."""
    suited = [
        (needs, each.build, each.filename, each)
        for each, needs in candidates.values()
        if needs.python <= held.python and needs.platform <= held.platform
    ]
    if suited:
        return max(suited, key=lambda each: each[:3])[3]
    least = min(needs for _, needs in candidates.values())
    return max(
        (each for each, needs in candidates.values() if needs == least), key=lambda each: (each.build, each.filename)
    )


def _for_installers(family: Family, needs: Needs, candidates: Sequence[Package]) -> list[Package]:
    """What those take who could install a wheel of a family."""
    wheels = [each for each in candidates if each.tags]
    if not family.python or family.label or not wheels:
        return []
    chosen: dict[str, Package] = {}
    installers = (
        (python, abi, platforms)
        for python, abi in _pythons(family, needs, wheels)
        for platforms in _platforms(family, wheels)
    )
    for python, abi, platforms in islice(installers, _MOST_INSTALLERS):
        for tag in map(str, _supported(python, abi, platforms)):
            fitting = {each.filename: (each, each.tags[tag]) for each in wheels if tag in each.tags}
            if fitting:
                best = _closest(needs, fitting)
                chosen[best.filename] = best
                break
    return list(chosen.values())


def _pythons(family: Family, needs: Needs, wheels: Sequence[Package]) -> list[tuple[str, str]]:
    """Tags and ABIs of the Pythons that can have used a wheel of a family."""
    name, _ = python_version(family.python)
    stable = family.abi.startswith("abi3")
    if name != "py" and not stable:
        return [(family.python, family.abi)]
    lowest = f"{name}{''.join(map(str, needs.python))}"
    found = {(lowest, _specific(lowest, family.abi) if stable else "none")}
    for tag in {tag for each in wheels for tag in each.tags}:
        python, abi, _ = tag.split("-")
        implementation, version = python_version(python)
        could = implementation != "py" and version[:1] == needs.python[:1] and version >= needs.python
        if could and (not stable or (implementation == name and abi.endswith("t") == family.abi.endswith("t"))):
            found.add((python, _specific(python, abi)))
    return sorted(found)


def _specific(python: str, abi: str) -> str:
    """The ABI of its own of a Python that can use an ABI."""
    return {"none": python, "abi3": python, "abi3t": f"{python}t"}.get(abi, abi)


def _platforms(family: Family, wheels: Sequence[Package]) -> list[list[str]]:
    """Families of platforms that installers have, best first."""
    if family.platform == "any":
        offered = {tag.split("-")[2] for each in wheels for tag in each.tags}
        return [[each] for each in sorted(offered | {"any"})]
    system, _, machine = family.platform.partition("_")
    match system, machine:
        case "macosx", "universal2":
            return [["macosx_arm64", family.platform], ["macosx_x86_64", family.platform, "macosx_intel"]]
        case "macosx", "arm64":
            others = ["macosx_universal2"]
        case "macosx", "x86_64" | "intel":
            others = ["macosx_x86_64", "macosx_universal2", "macosx_intel"]
        case "manylinux" | "musllinux", _:
            others = [f"linux_{machine}"]
        case "linux", _:
            others = [f"manylinux_{machine}"]
        case _:
            others = []
    return [[family.platform, *others]]


def _supported(python: str, abi: str, platforms: Sequence[str]) -> Iterator[Tag]:
    """The tags that an installer takes, best first."""
    name, version = python_version(python)
    if name == "cp" and len(version) == 2:
        yield from cpython_tags(version, [abi], platforms)
    elif name != "py":
        yield from generic_tags(python, [abi], platforms)
    if version:
        yield from compatible_tags(version, python, platforms)
