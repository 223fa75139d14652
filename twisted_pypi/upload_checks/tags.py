"""Whether the name of a wheel is a good one: its parts, and the platforms that it is for."""

from __future__ import annotations

import re

from twisted_pypi.distributions import Distribution, wheel_tags
from twisted_pypi.errors import BadFilename

_TAG = re.compile(r"[a-z0-9_]+\Z")
_ARCH = r"[a-z0-9_]+"
_PLATFORM = re.compile(
    "(?:"
    + "|".join(
        (
            "any",
            "win32",
            rf"win_{_ARCH}",
            rf"linux_{_ARCH}",
            rf"manylinux(?:1|2010|2014|_\d+_\d+)_{_ARCH}",
            rf"musllinux_\d+_\d+_{_ARCH}",
            rf"macosx_\d+_\d+_{_ARCH}",
            rf"ios_\d+_\d+_{_ARCH}_(?:iphoneos|iphonesimulator)",
            rf"android_\d+_{_ARCH}",
            rf"(?:pyodide|pyemscripten)_\d+_\d+_{_ARCH}",
            rf"emscripten_\d+_\d+_\d+_{_ARCH}",
            rf"wasi_{_ARCH}",
            # What sysconfig.get_platform() says elsewhere.
            rf"(?:freebsd|openbsd|netbsd|dragonfly|solaris|sunos|aix|cygwin|mingw|msys|haiku|hpux|irix)_{_ARCH}",
        )
    )
    + r")\Z"
)
"""Platforms by family: a new architecture or version of a known one is none that this list has to learn."""


def check_wheel_name(distribution: Distribution) -> None:
    """See that the parts of a wheel's name are well formed (binary distribution format, "File name convention").

    Python and ABI tags are checked for their form alone, for there are new
    ones every year; a platform has to be of a known family.  Raises
    ``BadFilename``.
    """
    filename, tags = distribution.filename, wheel_tags(distribution.filename)
    found, expected = filename.partition("-")[0], distribution.project.replace("-", "_")
    if found != expected:
        raise BadFilename(
            f"the wheel {filename} starts with {found!r}; expected the normalised name {expected!r}, "
            "as newer build tools write it, or a server with --upload-checks names"
        )
    for tag in sorted(tags.pythons | tags.abis):
        if not _TAG.match(tag):
            raise BadFilename(f"the tag {tag!r} of {filename} is not valid; expected letters, digits and '_'")
    for platform in sorted(tags.platforms):
        if not _PLATFORM.match(platform):
            raise BadFilename(
                f"the platform tag {platform!r} of {filename} is of no known platform; "
                "expected any, linux, manylinux, musllinux, macosx, win, ios, android or such"
            )
