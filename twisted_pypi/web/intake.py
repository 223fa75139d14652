"""One upload while it comes: fields are kept, the file goes to a staged file in a thread, memory stays flat.

What is left when all of it has come, which is all of a small file, is written
by whoever looks into it: each turn of a thread costs more than the writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twisted_pypi.boundaries import PackageStore, RunInThread, Staged
from twisted_pypi.errors import BadForm, TooLarge
from twisted_pypi.upload_form import FileEnd, FileStart, FormEvent, FormField, UploadFormReader
from twisted_pypi.uploading import UploadForm

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest

BLOCK = 1 << 20
"""Bytes handed to a thread at once."""

MOST_WAITING = 4 << 20
"""Bytes that wait to be written; with more, nothing is read from the client."""

LARGEST_SIGNATURE = 1 << 16
"""Bytes of a detached signature."""


class UploadIntake:
    """Takes the body of one upload."""

    log = Logger()

    def __init__(
        self,
        request: IndexRequest,
        content_type: str,
        store: PackageStore,
        run_in_thread: RunInThread,
        *,
        length: int | None,
        largest: int | None,
        ended: Callable[[], None],
    ) -> None:
        """Stage the file of the form in ``store``; call ``ended`` once when all is over.

        Raises ``BadForm`` when the body cannot be a form.
        """
        self.staged: Staged | None = None
        """The file, once its first bytes were written."""
        self._request = request
        self._reader = UploadFormReader(content_type)
        self._store = store
        self._run_in_thread = run_in_thread
        self._length = length
        self._largest = largest
        self._ended: Callable[[], None] | None = ended
        self._fields: dict[str, tuple[str, ...]] = {}
        self._filename: str | None = None
        self._signature: bytes | None = None
        self._into: str | None = None  # the file field that is coming
        self._blocks: list[bytes] = []
        self._waiting = 0  # bytes in _blocks and in the thread
        self._gathered = 0  # bytes in _blocks
        self._taken = 0
        self._writing = False
        self._paused = False
        self._abandoned = False
        self._complete = False
        self._failure: Failure | None = None
        self._idle: list[Deferred[None]] = []

    def write(self, data: bytes) -> None:
        """Take a piece of the body.  Raises ``BadForm`` and ``TooLarge``."""
        self._taken += len(data)
        if self._largest is not None and self._taken > self._largest:
            raise TooLarge(
                f"the upload is longer than the {self._largest} bytes that are taken here (--max-upload-size)"
            )
        for event in self._reader.feed(data):
            self._handle(event)
        if self._gathered >= BLOCK:
            self._pump()
        if self._waiting > MOST_WAITING and not self._paused:
            self._paused = True
            self._request.pause()

    def _handle(self, event: FormEvent) -> None:
        if isinstance(event, bytes):
            self._handle_piece(event)
        elif isinstance(event, FormField):
            self._fields[event.name] = (*self._fields.get(event.name, ()), event.value)
        elif isinstance(event, FileStart):
            self._into = event.name
            if event.name == "content":
                if self._filename is not None:
                    raise BadForm("the form has two files in the field 'content'; expected one")
                self._filename = event.filename
        elif isinstance(event, FileEnd):
            self._into = None

    def _handle_piece(self, data: bytes) -> None:
        if self._into == "content":
            self._blocks.append(data)
            self._gathered += len(data)
            self._waiting += len(data)
        elif self._into == "gpg_signature":
            self._signature = (self._signature or b"") + data
            if len(self._signature) > LARGEST_SIGNATURE:
                raise TooLarge(f"the signature is longer than {LARGEST_SIGNATURE} bytes")

    def _pump(self) -> None:
        if self._writing or self._abandoned or self._complete or not self._blocks:
            return
        self._writing = True
        blocks, self._blocks = self._blocks, []
        size, self._gathered = self._gathered, 0
        Deferred.fromCoroutine(self._write(blocks, size)).addErrback(self._failed).addCallback(self._wrote)

    async def _write(self, blocks: list[bytes], size: int) -> None:
        await self._run_in_thread(self._write_blocks, blocks)
        self._waiting -= size

    def _write_blocks(self, blocks: list[bytes]) -> None:
        if self.staged is None:
            given = [name for name in self._fields if name.endswith("_digest")]
            self.staged = self._store.stage(self._length, [each.removesuffix("_digest") for each in given])
        self.staged.write(b"".join(blocks))

    def _failed(self, failure: Failure) -> None:
        self._failure = failure
        self._blocks, self._gathered, self._waiting = [], 0, 0
        # Once the whole body is here, whoever waits for it answers.
        if not self._abandoned and not self._complete:
            self._request.refuse(self._request.site.reply_to(failure, self._request))

    def _wrote(self, _: None) -> None:
        self._writing = False
        if self._abandoned:
            self._discard()
        elif self._gathered >= BLOCK:
            self._pump()
        if self._paused and self._waiting <= MOST_WAITING // 2:
            self._paused = False
            self._request.resume()
        if not self._writing:
            idle, self._idle = self._idle, []
            for each in idle:
                each.callback(None)

    async def take_over(self) -> dict[str, tuple[str, ...]]:
        """Return the fields, now that the whole body came, when nothing is being written any more.

        From here on the upload is its caller's, who has to ``end`` it: that
        its client goes away changes nothing.  Raises ``BadForm`` when the body
        ended too early, and whatever writing raised.
        """
        self._complete = True
        for event in self._reader.close():
            self._handle(event)
        while self._writing:
            waiting: Deferred[None] = Deferred()
            self._idle.append(waiting)
            await waiting
        if self._failure is not None:
            self._failure.raiseException()
        return self._fields

    @property
    def has_file(self) -> bool:
        """Did a file come with the form?"""
        return self._filename is not None

    def finish(self) -> Staged:
        """Write what is left, and return the file.  Blocking; once, after ``take_over``."""
        blocks, self._blocks = self._blocks, []
        if blocks or self.staged is None:
            self._write_blocks(blocks)
        if self.staged is None:
            raise AssertionError("_write_blocks stages the file")
        return self.staged

    def form(self) -> UploadForm:
        """Return the form as a value."""
        return UploadForm(fields=self._fields, filename=self._filename or "", signature=self._signature)

    def abandon(self) -> None:
        """Forget the upload, unless it was taken over."""
        if not self._complete:
            self._forget()

    def end(self) -> None:
        """Forget whatever of the upload was not published."""
        self._forget()

    def _forget(self) -> None:
        if self._abandoned:
            return
        self._abandoned = True
        self._blocks, self._gathered = [], 0
        if not self._writing:
            self._discard()

    def _discard(self) -> None:
        ended, self._ended = self._ended, None
        staged, self.staged = self.staged, None
        if ended is not None:
            ended()
        if staged is not None and not staged.gone:
            Deferred.fromCoroutine(self._discard_staged(staged)).addErrback(
                lambda failure: self.log.failure("a staged upload could not be removed", failure)
            )

    async def _discard_staged(self, staged: Staged) -> None:
        await self._run_in_thread(staged.discard)
