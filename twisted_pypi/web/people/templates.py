"""Templates, and the headers that go with what they make."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_PIECE = 16_384
"""Characters after which a piece of a long page is sent: about a millisecond of work."""


class Templates:
    """The templates of the pages for people; loaded and compiled once, when made."""

    def __init__(self) -> None:
        loader = PackageLoader("twisted_pypi.web.people", "templates")
        self._environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        style = loader.get_source(self._environment, "style.css")[0]
        # The page carries its style, so that it looks right behind any prefix and login; the policy names it by its hash.
        digest = b64encode(sha256(style.encode()).digest()).decode()
        policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        self._environment.globals |= {"style": Markup(style), "policy": policy}  # noqa: S704  # our own file
        self._templates = {
            name: self._environment.get_template(f"{name}.html")
            for name in ("welcome", "packages", "error", "why", "status")
        }
        self.headers: tuple[tuple[bytes, bytes], ...] = (
            (b"Content-Security-Policy", f"{policy}; frame-ancestors 'none'".encode()),
            *PAGE_HEADERS,
        )
        """What is sent with every page made here, besides its type."""

    def page(self, template: str, **values: object) -> bytes:
        """Return a page as a whole."""
        return self._templates[template].render(values).encode("utf-8", "replace")

    def pieces(self, template: str, **values: object) -> Iterator[bytes]:
        """Return a page piece by piece; an iterable among the values is read as the page grows."""
        return _joined(self._templates[template].generate(values))


PAGE_HEADERS = (
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"no-referrer"),
    # What depends on who asks, and how, is kept by nobody.
    (b"Cache-Control", b"private, no-cache"),
)
"""What is sent with every page for people, an operator's own one too."""

HTML = (b"Content-Type", b"text/html; charset=utf-8")


def _joined(parts: Iterable[str]) -> Iterator[bytes]:
    waiting: list[str] = []
    length = 0
    for part in parts:
        waiting.append(part)
        length += len(part)
        if length >= _PIECE:
            yield "".join(waiting).encode("utf-8", "replace")
            waiting, length = [], 0
    if length:
        yield "".join(waiting).encode("utf-8", "replace")
