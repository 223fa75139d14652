"""What can go wrong, in the product's words.

Every error carries one sentence for the person who meets it: what was wrong and
what was expected.  ``web.replies`` gives each class its HTTP status; nothing
below the web knows about HTTP.
"""

from __future__ import annotations


class TwistedPyPIError(Exception):
    """The base of every error of ours; its text is one sentence for a person."""


class BadSetting(TwistedPyPIError):
    """An option or variable has a value that cannot be used."""


class NoSuchProject(TwistedPyPIError):
    """The index has no project of that name."""


class NoSuchFile(TwistedPyPIError):
    """The index has no file of that name, or none that may be shown."""


class Unreadable(TwistedPyPIError):
    """A file or folder that is known cannot be read at the moment."""


class BadFilename(TwistedPyPIError):
    """A file name that cannot be understood as that of a distribution."""


class BadMetadata(TwistedPyPIError):
    """An archive that does not open, or has no core metadata that can be read."""


class BadForm(TwistedPyPIError):
    """A request body that is not the form it claims to be."""


class BadUpload(TwistedPyPIError):
    """An upload whose parts do not agree with each other or with the rules."""


class AlreadyUploaded(TwistedPyPIError):
    """Another file of that name is there already, with other bytes."""

    @classmethod
    def with_digests(cls, filename: str, here: str, sent: str) -> AlreadyUploaded:
        """The error for a file of which one sha256 is here and another was sent.

        Clients look for the first three words.
        """
        return cls(
            f"File already exists: {filename} is here with sha256 {here} and was sent with sha256 {sent}; "
            "give the new one another version"
        )


class NotAllowed(TwistedPyPIError):
    """The user is known, but this is not for them; or nobody may do it here."""


class HeldBack(NotAllowed):
    """A rule keeps a file of an upstream index from clients, for a while or for good."""


class Recalled(NotAllowed):
    """An upstream index took back a file that is kept here."""


class UpstreamFailed(TwistedPyPIError):
    """An upstream index that could not be reached, or answered what cannot be used."""


class LoginRequired(TwistedPyPIError):
    """No login, or a wrong one, for an action that needs one."""


class TooManyTries(TwistedPyPIError):
    """Too many wrong logins; ``retry_after`` says in how many seconds to go on."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooLarge(TwistedPyPIError):
    """A body larger than this index takes."""


class Busy(TwistedPyPIError):
    """Too much of this is under way; ``retry_after`` (seconds) says when to ask again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoSpace(TwistedPyPIError):
    """The disk has no room for what was sent."""
