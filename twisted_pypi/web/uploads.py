"""Uploads over HTTP: the form goes to a staged file piece by piece while it comes (standards: the legacy upload API)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from twisted.internet.defer import Deferred

from twisted_pypi.boundaries import KnownFile, PackageStore, RunInThread
from twisted_pypi.boundaries.happenings import HappeningKind
from twisted_pypi.errors import BadForm, Busy, NoSpace, TooLarge
from twisted_pypi.uploading import Uploader
from twisted_pypi.web.bodies import Intake
from twisted_pypi.web.intake import BLOCK, UploadIntake
from twisted_pypi.web.replies import Reply, text_reply
from twisted_pypi.web.small_body import SmallBody

if TYPE_CHECKING:
    from twisted_pypi.web.bodies import IndexRequest
    from twisted_pypi.web.reports import Reports

RETRY_WHEN_BUSY = 5
"""Seconds after which a client may try again when too many uploads are under way."""

LONGEST_PLAIN_FORM = 1 << 20
"""Bytes of a form without files (``application/x-www-form-urlencoded``)."""

Fields = Mapping[str, tuple[str, ...]]


class Uploads:
    """Takes upload forms, and does what their ``:action`` says."""

    def __init__(
        self,
        store: PackageStore,
        uploader: Uploader,
        run_in_thread: RunInThread,
        *,
        largest: int | None,
        at_once: int,
        reports: Reports | None = None,
    ) -> None:
        """Take bodies of at most ``largest`` bytes, and ``at_once`` of them at a time.

        ``reports`` tell whoever wants to know what was uploaded and removed.
        """
        self._store = store
        self._uploader = uploader
        self._run_in_thread = run_in_thread
        self._largest = largest
        self._at_once = at_once
        self._reports = reports
        self._under_way = 0
        self._actions: dict[
            str, Callable[[IndexRequest, UploadIntake | None, Fields], Coroutine[Deferred[Any], Any, Reply]]
        ] = {
            "file_upload": self._file_upload,
            "submit": _accepted,
            "submit_pkg_info": _accepted,
            "verify": _accepted,
            "remove_pkg": self._remove,
            "doc_upload": _gone,
        }

    async def receive(self, request: IndexRequest, length: int | None) -> Intake:
        """Return who takes the body of an upload.

        Raises ``TooLarge``, ``Busy``, ``NoSpace`` and ``BadForm`` before any of it has come.
        """
        if self._largest is not None and length is not None and length > self._largest:
            raise TooLarge(f"the upload has {length} bytes; at most {self._largest} are taken here (--max-upload-size)")
        content_type = (request.getHeader(b"content-type") or b"").decode("latin-1")
        if content_type.split(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            return SmallBody(LONGEST_PLAIN_FORM)
        if self._under_way >= self._at_once:
            raise Busy(
                f"{self._under_way} uploads are under way, as many as are taken at once; try again", RETRY_WHEN_BUSY
            )
        intake = UploadIntake(
            request,
            content_type,
            self._store,
            self._run_in_thread,
            length=length,
            largest=self._largest,
            ended=self._ended,
        )
        self._under_way += 1
        # What comes at once is looked at when it is staged: nothing is gained by a refusal before that.
        if length is None or length > BLOCK:
            try:
                await self._check_space(length)
            except BaseException:
                intake.abandon()
                raise
        return intake

    async def _check_space(self, length: int | None) -> None:
        free = await self._run_in_thread(self._store.free_space)
        if length is not None and length > free:
            raise NoSpace(
                f"the disk of the index has no room for an upload of {length} bytes: {max(free, 0)} are free "
                "besides a reserve; remove something or make it larger, then upload again"
            )

    def _ended(self) -> None:
        self._under_way -= 1

    async def post(self, request: IndexRequest) -> Reply:
        """Do what the form says, now that it is whole."""
        taken = request.intake
        if isinstance(taken, SmallBody):
            fields = _plain_form(taken.whole())
            return await self._act(request, None, fields)
        if not isinstance(taken, UploadIntake):
            raise BadForm("the request has no body; expected a form (multipart/form-data)")
        try:
            fields = await taken.take_over()
            return await self._act(request, taken, fields)
        finally:
            taken.end()

    async def _act(self, request: IndexRequest, intake: UploadIntake | None, fields: Fields) -> Reply:
        action = (fields.get(":action") or ("",))[0]
        act = self._actions.get(action)
        if act is None:
            raise BadForm(f"the field :action is {action[:50]!r}; expected one of {', '.join(self._actions)}")
        return await act(request, intake, fields)

    async def _file_upload(self, request: IndexRequest, intake: UploadIntake | None, _fields: Fields) -> Reply:
        if intake is None or not intake.has_file:
            raise BadForm("the form has no file; expected one in the field 'content'")
        form = intake.form()
        done = None if self._reports is None else partial(self._published, self._reports, request)
        await self._uploader.accept(form, intake.finish, request.login.name if request.login else None, done)
        return Reply(200, ((b"Content-Type", b"text/plain; charset=utf-8"),), f"{form.filename} is here\n".encode())

    def _published(self, reports: Reports, request: IndexRequest, known: KnownFile, before: KnownFile | None) -> None:
        detail = None if before is None else f"in place of other bytes, with sha256 {before.sha256}"
        reports.of(request, HappeningKind.UPLOAD, [known], detail=detail)

    async def _remove(self, request: IndexRequest, _intake: UploadIntake | None, fields: Fields) -> Reply:
        request.route = "remove"
        name, version = (_one(fields, each) for each in ("name", "version"))
        removed: list[KnownFile] = []
        try:
            await self._uploader.remove(name, version, removed.append)
        finally:
            if removed and self._reports is not None:
                self._reports.of(request, HappeningKind.REMOVAL, removed)
        return Reply(200, ((b"Content-Type", b"text/plain; charset=utf-8"),), f"{name} {version} is removed\n".encode())


async def _accepted(request: IndexRequest, _intake: UploadIntake | None, _fields: Fields) -> Reply:
    """Answer what old clients send to register a project: there is nothing to do."""
    request.route = "register"
    return Reply(200, ((b"Content-Type", b"text/plain; charset=utf-8"),), b"")


async def _gone(_request: IndexRequest, _intake: UploadIntake | None, _fields: Fields) -> Reply:
    return text_reply(410, "this index keeps no documentation; publish it elsewhere")


def _one(fields: Fields, name: str) -> str:
    values = fields.get(name)
    if not values or not values[0]:
        raise BadForm(f"the field {name!r} is missing")
    return values[0]


def _plain_form(body: bytes) -> Fields:
    fields: dict[str, tuple[str, ...]] = {}
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10_000)
    except ValueError as error:
        raise BadForm(f"the form cannot be read: {error}") from error
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return fields
