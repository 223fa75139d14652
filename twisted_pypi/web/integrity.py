"""Provenance over HTTP: who attests what of a file (PEP 740, "Provenance objects")."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from twisted_pypi.attestations import provenance
from twisted_pypi.boundaries import Index, LocatedFile, RunInThread
from twisted_pypi.distributions import normalize, same_version
from twisted_pypi.errors import NoSuchFile, Unreadable
from twisted_pypi.sidecars import LARGEST, parse_sidecar, sidecar_name
from twisted_pypi.simple.negotiate import accepts
from twisted_pypi.web.bodies import IndexRequest
from twisted_pypi.web.conditions import is_none_match
from twisted_pypi.web.replies import Reply, text_reply

CONTENT_TYPE = "application/vnd.pypi.integrity.v1+json"

VARY = (b"Vary", b"Accept")


class Integrity:
    """Answers ``/integrity/<project>/<version>/<file>/provenance``."""

    def __init__(self, index: Index, run_in_thread: RunInThread, *, private: bool) -> None:
        """Tell of the files of ``index``; ``private`` when downloading them needs a login."""
        self._index = index
        self._run_in_thread = run_in_thread
        self._cache_control = (b"Cache-Control", b"private, no-cache" if private else b"no-cache")

    async def get(self, request: IndexRequest) -> Reply:
        """Send the provenance of the file that the path names."""
        accepted = request.headers_named(b"accept")
        if not accepts(b",".join(accepted).decode("latin-1") if accepted else None, CONTENT_TYPE):
            return text_reply(406, f"none of the accepted types can be sent; expected {CONTENT_TYPE}", VARY)
        try:
            project, version, filename, _ = (each.decode() for each in request.postpath or [])
        except UnicodeDecodeError:
            raise NoSuchFile("no file has a name that is not UTF-8") from None
        located = await self._index.file(normalize(project), filename)
        known = located.known
        if not same_version(known.distribution.version, version):
            raise NoSuchFile(f"the file {filename} is not of version {version}")
        found = await self._run_in_thread(_provenance, located)
        if found is None:
            raise NoSuchFile(f"nothing is attested of {filename}")
        etag = f'"{sha256(found).hexdigest()[:32]}"'
        headers = ((b"ETag", etag.encode()), VARY, self._cache_control)
        tags = request.getHeader(b"if-none-match")
        if tags is not None and is_none_match(tags.decode("latin-1"), etag):
            return Reply(304, headers)
        return Reply(200, (*headers, (b"Content-Type", CONTENT_TYPE.encode())), found)


def _provenance(located: LocatedFile) -> bytes | None:
    """The provenance that the sidecar of a file holds; ``None`` when there is none.  Blocking."""
    path = Path(located.location)
    try:
        with path.with_name(sidecar_name(path.name)).open("rb") as file:
            sidecar = parse_sidecar(file.read(LARGEST + 1))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(f"what is attested of {path.name} cannot be read at the moment: {error.strerror}") from error
    if sidecar is None or sidecar.sha256 != located.known.sha256 or not sidecar.attestations:
        return None
    return provenance(sidecar.attestations, sidecar.publisher)
