"""Reading a project page of another index, written as HTML (PEP 503, 592, 629, 658, 714, 740, 792).

It has neither sizes nor times of upload.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from twisted_pypi.distributions import is_package_name
from twisted_pypi.errors import UpstreamFailed
from twisted_pypi.simple import foreign
from twisted_pypi.simple.foreign import BadField, Gathered
from twisted_pypi.simple.model import File, ProjectPage


def read(body: bytes, charset: str, url: str, gathered: Gathered) -> ProjectPage:
    """Return the page of the project of ``gathered``, got from ``url``.

    Raises ``UpstreamFailed``.  Takes a while the first time: call it in a thread.
    """
    from pypi_simple import RepositoryPage  # noqa: PLC0415  # it brings 30 MB that only HTML needs

    try:
        page = RepositoryPage.from_html(body.decode(charset, "replace"), url)
    except Exception as error:  # a parser of HTML may raise anything at what strangers send
        raise UpstreamFailed(f"what {url} says is no HTML page of an index ({_words(error)})") from error
    for link in page.links:
        try:
            gathered.add(_file(link.text, link.url, link.attrs, url))
        except BadField as why:
            gathered.leave_out(link.text, why)
    status = foreign.status(_first(page.pypi_meta, "project-status"))
    reason = _first(page.pypi_meta, "project-status-reason") if status is not None else None
    found = gathered.page(
        ProjectPage(gathered.project, (), (), status, None if reason is None else foreign.text(reason))
    )
    if not found.files and page.repository_version is None:
        # A page that asks for a login, say.  It must not look as if every file were gone.
        raise UpstreamFailed(f"what {url} says is no page of an index: it has no files and no version of the API")
    return found


def _words(error: Exception) -> str:
    return foreign.text(f"{type(error).__name__}: {error}")[:100]


def _first(meta: Mapping[str, list[str]], key: str) -> str | None:
    return meta[key][0] if meta.get(key) else None


def _file(words: str, target: str, attributes: Mapping[str, str | list[str]], base: str) -> File:
    def said(key: str) -> str | None:
        found = attributes.get(key)
        return found if isinstance(found, str) else None

    address = foreign.address(target, base)
    last = unquote(urlsplit(address).path.rpartition("/")[2])
    yanked, requires_python, provenance = said("data-yanked"), said("data-requires-python"), said("data-provenance")
    metadata = said("data-core-metadata")
    metadata = said("data-dist-info-metadata") if metadata is None else metadata
    return File(
        # Where they differ the address is right, as it is for clients.
        last if is_package_name(last) else words,
        address,
        _digests(target.partition("#")[2]),
        requires_python=None if requires_python is None else foreign.text(requires_python),
        core_metadata=None if metadata is None else _core_metadata(metadata),
        gpg_sig={"true": True, "false": False}.get((said("data-gpg-sig") or "").lower()),
        yanked=False if yanked is None else foreign.text(yanked) or True,
        provenance=None if provenance is None else foreign.provenance(provenance),
    )


def _digests(fragment: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in fragment.split("&"))
    return foreign.digests({name: digest for name, _, digest in pairs})


def _core_metadata(found: str) -> dict[str, str] | bool:
    if found.lower() in {"true", "false"}:
        return found.lower() == "true"
    return _digests(found) or True
