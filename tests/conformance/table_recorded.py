"""Old clients, replayed byte for byte as they were recorded (2.1, 2.3, 2.4).

Each file in ``recorded/`` is one request; a command's are numbered.  They were
sent to a server with the folder of ``corpus``, by the user ``ada``.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance import corpus
from tests.conformance.rows import (
    JSON_ACCEPT,
    Check,
    Request,
    Row,
    body,
    get,
    header,
    matches,
    reason,
    rule,
    says,
    status,
    that,
    without,
)

RECORDED = Path(__file__).with_name("recorded")


def replayed(command: str) -> list[Request]:
    """Return the requests of one command."""
    paths = sorted(RECORDED.glob(f"{command}-?.http"))
    assert paths, command
    return [_request(path.read_bytes()) for path in paths]


def _request(data: bytes) -> Request:
    first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    return Request(target, tuple(lines), method, recorded=data)


def downloads(section: str, command: str, *statuses: int) -> Row:
    """A row of a command that ends with the file."""
    kind = header("Content-Type", "application/octet-stream")
    return rule(
        section,
        f"{command} gets the file",
        replayed(command),
        status(*statuses),
        body(corpus.OLD_SDIST),
        kind,
        without("Content-Encoding"),
        that("its pages are HTML", lambda answers: answers[-2].headers["content-type"] == "text/html; charset=utf-8"),
        that("with a hash", lambda answers: f"{corpus.OLD_SDIST_NAME}#sha256=" in answers[-2].text),
    )


def uploads(section: str, command: str, filename: str, project: str) -> Row:
    """A row of a command that uploads a file, and does so again."""
    page = get(f"/simple/{project}/", JSON_ACCEPT)
    listed: Check = that(
        "listed", lambda answers: [each["filename"] for each in answers[-1].json["files"]] == [filename]
    )
    return rule(
        section, f"{command}, and once more", [*replayed(command), *replayed(command), page], status(200), listed
    )


ROWS = (
    *(downloads("2.1", f"{pip}-{way}", 200) for pip in ("pip-9", "pip-21") for way in ("download", "find-links")),
    *(downloads("2.1", f"easy_install-{python}", 301, 200, 200) for python in ("2.7", "3.6")),
    *(
        rule(
            "2.4",
            f"{pip} search",
            replayed(f"{pip}-search"),
            status(200),
            matches("Content-Type", "text/xml.*"),
            says("<string>acme_core</string>", "<string>1.1+linux.1</string>"),
        )
        for pip in ("pip-9", "pip-21")
    ),
    *(
        uploads(
            "2.4",
            f"distutils-{python}-upload",
            f"old-upload-{python}-1.0.tar.gz",
            f"old-upload-{python.replace('.', '-')}",
        )
        for python in ("2.7", "3.6", "3.9")
    ),
    *(
        rule(
            "2.4",
            f"distutils-{python}-register, asked for its login",
            replayed(f"distutils-{python}-register"),
            status(401, 200),
            reason("OK"),
            that("asked so", lambda answers: answers[0].headers["www-authenticate"] == 'Basic realm="pypi"'),
        )
        for python in ("2.7", "3.6", "3.9")
    ),
    uploads("2.3", "twine-6.1-upload", "twined-1.0-py3-none-any.whl", "twined"),
    rule("2.3", "twine-6.1-register", replayed("twine-6.1-register"), status(200), reason("OK")),
)
