"""Errors, told to somebody in front of a browser."""

from __future__ import annotations

from http import HTTPStatus

from twisted_pypi.web.people.templates import Templates

_NEXT = {
    400: "Compare what was sent with what the sentence says was expected, and send it again.",
    401: "Log in with the name and the password that you were given for this index.",
    403: "If you should be allowed to, ask whoever runs this index.",
    404: "Check the spelling. All projects are listed at /simple/, all files at /packages/.",
    405: "This address takes other kinds of requests; the welcome page shows how clients use it.",
    406: "Ask for HTML or for the JSON of the simple repository API.",
    409: "A published file does not change: give the new one a new version and upload that.",
    413: "Make it smaller, or ask whoever runs this index to raise the limit.",
    429: "Wait a minute, then try again.",
    500: "Try again. If it happens again, tell whoever runs this index, and when it was.",
    503: "Try again in a moment.",
    507: "Tell whoever runs this index; nothing of what was sent is kept.",
}


class ErrorPages:
    """Pages that say what went wrong and what to do next."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self.headers = templates.headers
        """What is to be sent with each, besides its type and what the error itself needs."""

    def page(self, status: int, sentence: str, home: str | None = None) -> bytes:
        """Return the page of one error; ``home`` is the address of the welcome page, where it is known."""
        try:
            title = HTTPStatus(status).phrase
        except ValueError:
            title = "Error"
        following = _NEXT.get(status) or _NEXT[400 if status < 500 else 500]
        return self._templates.page("error", status=status, title=title, sentence=sentence, next=following, home=home)
