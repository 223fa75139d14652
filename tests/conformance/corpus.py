"""The folder that the rows ask about: packages as people leave them."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from twisted_pypi.testing.archives import core_metadata, sdist, tar_archive, wheel, zip_archive

LONG_AGO = 1_600_000_000
"""Seconds since the epoch: when the files were changed last."""
LONG_AGO_HTTP = "Sun, 13 Sep 2020 12:26:40 GMT"
LONG_AGO_JSON = "2020-09-13T12:26:40.000000Z"

PASSWORDS = "ada:{SHA}m6ryvpY4iJgtmvwvs0Ly1Ryk+1M=\n"
"""An htpasswd file with one user, ``ada``, and her password ``count-me-in``."""
LOGIN = "Authorization: Basic YWRhOmNvdW50LW1lLWlu"
"""Her login."""

CORE = wheel("acme_core", "1.0", "Requires-Python: >=3.8,<4", "Summary: Nuts & <bolts>", "Requires-Dist: attrs")
CORE_NAME = "acme_core-1.0-py3-none-any.whl"
CORE_METADATA = core_metadata(
    "acme_core", "1.0", "Requires-Python: >=3.8,<4", "Summary: Nuts & <bolts>", "Requires-Dist: attrs"
)
CORE_SHA256 = sha256(CORE).hexdigest()
CORE_METADATA_SHA256 = sha256(CORE_METADATA).hexdigest()
SDIST = sdist("acme_core", "1.0", "Requires-Python: >=3.8")
SDIST_NAME = "acme_core-1.0.tar.gz"
LOCAL = wheel("acme_core", "1.1+linux.1", "Summary: Nuts & <bolts>")
LOCAL_PATH = "a,b+c/acme_core-1.1+linux.1-py3-none-any.whl"
LOCAL_NAME = LOCAL_PATH.rpartition("/")[2]
SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n"
ODD_NAME = "odd-1.0&<b>\"'x.zip"
"""A file name that has to be escaped everywhere."""
MANY = 205
"""Files of the project ``many``: enough for its page to be written in a thread."""
BIG = bytes(range(256)) * 8192
"""Two MiB that no compression of a file name would show."""
OUTSIDE = b"what lies outside the root\n"

OLD_SDIST = zip_archive(
    [
        ("old-tool-1.0/PKG-INFO", core_metadata("old-tool", "1.0")),
        (
            "old-tool-1.0/setup.py",
            b"from distutils.core import setup\nsetup(name='old-tool', version='1.0', py_modules=['old_tool'])\n",
        ),
        ("old-tool-1.0/old_tool.py", b"answer = 42\n"),
    ]
)
OLD_SDIST_NAME = "old-tool-1.0.zip"
"""What every old client can read, build and install."""

FILES = {
    OLD_SDIST_NAME: OLD_SDIST,
    CORE_NAME: CORE,
    SDIST_NAME: SDIST,
    f"{SDIST_NAME}.asc": SIGNATURE,
    LOCAL_PATH: LOCAL,
    "acme_core-0.9-py2.7.egg": zip_archive([("EGG-INFO/PKG-INFO", core_metadata("acme-core", "0.9"))]),
    ODD_NAME: zip_archive([("odd-1.0/PKG-INFO", core_metadata("odd", "1.0"))]),
    "Zope.Interface_Ext-1.0.tar.gz": sdist("Zope.Interface_Ext", "1.0"),
    "beside-1.0-py3-none-any.whl": wheel("beside", "1.0"),
    "beside-1.0-py3-none-any.whl.metadata": b"Metadata-Version: 2.1\nName: beside\nVersion: 6.6.6\n",
    "broken-1.0-py3-none-any.whl": b"PK\3\4 this is no archive",
    "broken-1.0-py3-none-any.whl.metadata": core_metadata("broken", "1.0"),
    "bare-1.0-py3-none-any.whl": zip_archive([("bare.py", b"")]),
    "linked-1.0.tar.gz": sdist("linked", "1.0"),
    "big-1.0.tar.gz": BIG,
    "empty-1.0.tar.gz": b"",
    "notes.txt": b"not a package",
    ".hidden-1.0.tar.gz": sdist("hidden", "1.0"),
    ".folder/hidden-1.0.tar.gz": sdist("hidden", "1.0"),
    **{
        f"many-1.{n}.tar.gz": tar_archive([(f"many-1.{n}/PKG-INFO", core_metadata("many", f"1.{n}"))])
        for n in range(MANY)
    },
}
"""Path and bytes of every file."""


def lay_out(folder: Path) -> Path:
    """Write everything into a new folder below ``folder``, beside an htpasswd file, and return it."""
    root = folder / "packages"
    for path, content in FILES.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (LONG_AGO, LONG_AGO))
    (folder / "outside").write_bytes(OUTSIDE)
    (root / "outside-1.0.tar.gz").symlink_to(folder / "outside")
    (root / "linked-1.0.tar.gz.asc").symlink_to(folder / "outside")
    (folder / "htpasswd").write_text(PASSWORDS)
    return root
