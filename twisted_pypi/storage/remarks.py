"""What the log is told of the files, once and not more."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from enum import StrEnum

from twisted.logger import Logger

_MOST_OF_A_KIND = 200

NEVER_READ = "so nobody knows what is in it, and no name is asked for or sent elsewhere unless it is known whose it is"
"""How the sentence about a folder ends whose files were never seen: what is private may be among them."""


class Remark(StrEnum):
    """What is remarked upon."""

    BAD_NAME = "file names that cannot be understood"
    DOUBLE = "file names in two places"
    LINK = "links that lead outside the roots"
    NO_METADATA = "files without metadata that can be read"
    UNREADABLE = "files that cannot be read"
    TOO_DEEP = "folders that are nested too deep"


class Remarks:
    """Says each thing once, and of one kind no more than the first two hundred.  For every thread."""

    log = Logger()

    def __init__(self) -> None:
        """Nothing was said."""
        self._lock = threading.Lock()
        self._said: dict[Remark, set[str]] = {kind: set() for kind in Remark}

    def once(self, kind: Remark, subject: str, sentence: str) -> None:
        """Log ``sentence``, unless one of this kind was logged of ``subject``."""
        with self._lock:
            said = self._said[kind]
            if subject in said or len(said) > _MOST_OF_A_KIND:
                return
            said.add(subject)
            last = len(said) > _MOST_OF_A_KIND
        if last:
            self.log.info("more {kind} are not reported one by one", kind=kind)
        else:
            self.log.info("{sentence}", sentence=sentence)


class Troubles:
    """The folders that cannot be read at the moment; each is logged when that begins and when it ends."""

    log = Logger()

    def __init__(self) -> None:
        """There is none."""
        self._lock = threading.Lock()
        self._sentences: dict[tuple[int, str], str] = {}

    def scanned(self, root: int, folder: str, found: Mapping[str, str]) -> None:
        """A folder was scanned with everything below it.  ``found`` has a sentence for each folder in trouble."""
        inside = f"{folder}/" if folder else ""
        with self._lock:
            begun = [(each, text) for each, text in found.items() if (root, each) not in self._sentences]
            ended = [
                (key, text)
                for key, text in self._sentences.items()
                if key[0] == root and key[1] not in found and (key[1] == folder or key[1].startswith(inside))
            ]
            for each, text in begun:
                self._sentences[root, each] = text
            for key, _ in ended:
                del self._sentences[key]
        for _, text in begun:
            self.log.error("{trouble}; what is known of its files is kept", trouble=text)
        for _, text in ended:
            self.log.info("this is over: {trouble}", trouble=text)

    def sentences(self) -> list[str]:
        """One sentence for each trouble that there is now."""
        with self._lock:
            return sorted(self._sentences.values())


def cannot_be_read(location: str, problem: OSError, *, known: bool) -> str:
    """Return the sentence about a folder; were files of it seen before?"""
    return f"{location} cannot be read ({problem.strerror})" + ("" if known else f", {NEVER_READ}")


def never_read(troubles: Iterable[str]) -> str | None:
    """Return the first of these sentences that is about a folder whose files were never seen."""
    return next((each for each in troubles if each.endswith(NEVER_READ)), None)
