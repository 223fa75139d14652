"""The simple index written as HTML (PEP 503, 592, 629, 658, 714, 740, 792; frozen at 1.4 by PEP 833)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from twisted_pypi.simple.model import API_VERSION, File, ProjectList, ProjectPage

_HASHES = ("sha256", "sha512", "sha384", "sha224", "sha1", "md5")
"""Hash algorithms that clients take in a fragment, best first; an anchor has room for one."""


def write_list(projects: ProjectList) -> bytes:
    """Return the list of all projects; its links are relative to the list."""
    lines = [*_head("Simple index"), "<body>"]
    for name in projects.names:
        safe = escape(name)
        lines.append(f'<a href="{safe}/">{safe}</a><br>')
    return _whole(lines)


def write_page(page: ProjectPage) -> bytes:
    """Return the page of one project."""
    title = escape(f"Links for {page.name}")
    lines = [*_head(title, page), "<body>", f"<h1>{title}</h1>"]
    lines.extend(_anchor(file) for file in page.files)
    return _whole(lines)


def _head(title: str, page: ProjectPage | None = None) -> Iterator[str]:
    # Clients of 2022 insist on this very doctype.
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta name="pypi:repository-version" content="{API_VERSION}">'
    if page is not None and page.status is not None:
        yield f'<meta name="pypi:project-status" content="{escape(page.status)}">'
        if page.status_reason is not None:
            yield f'<meta name="pypi:project-status-reason" content="{escape(page.status_reason)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>"
    yield "</head>"


def _whole(lines: list[str]) -> bytes:
    lines += ["</body>", "</html>", ""]
    # Text that is not Unicode (half a surrogate pair) cannot be sent; one bad character must not take the page away.
    return "\n".join(lines).encode("utf-8", "replace")


def _anchor(file: File) -> str:
    parts = [f'<a href="{escape(file.url + fragment(file.hashes))}"']
    if file.requires_python is not None:
        parts.append(f'data-requires-python="{escape(file.requires_python)}"')
    if file.core_metadata is not None and file.core_metadata is not False:
        digest = "true" if file.core_metadata is True else escape(fragment(file.core_metadata)[1:]) or "true"
        # The second is the name of PEP 658, which clients before PEP 714 read; both must agree.
        parts.append(f'data-core-metadata="{digest}" data-dist-info-metadata="{digest}"')
    if file.gpg_sig is not None:
        parts.append(f'data-gpg-sig="{"true" if file.gpg_sig else "false"}"')
    if file.yanked is not False:
        parts.append(f'data-yanked="{"" if file.yanked is True else escape(file.yanked)}"')
    if file.provenance is not None:
        parts.append(f'data-provenance="{escape(file.provenance)}"')
    return f"{' '.join(parts)}>{escape(file.filename)}</a><br>"


def fragment(hashes: Mapping[str, str]) -> str:
    """Return ``#algorithm=digest`` of the best hash that clients know; empty when there is none (PEP 503)."""
    for name in _HASHES:
        if name in hashes:
            return f"#{name}={hashes[name]}"
    return ""
