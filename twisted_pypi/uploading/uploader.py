"""The steps of an upload, from staged bytes to a file that is listed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial

from twisted.internet.defer import DeferredLock

from twisted_pypi.attestations import parse_attestations
from twisted_pypi.boundaries import Addition, KnownFile, LocalFiles, PackageStore, Published, RunInThread, Staged
from twisted_pypi.config import Attestations, UploadChecks
from twisted_pypi.distributions import Distribution, ProjectName, normalize, same_version
from twisted_pypi.errors import AlreadyUploaded, BadUpload, NoSuchFile, NoSuchProject, NotAllowed
from twisted_pypi.project_records import ACTIVE, ProjectRecord
from twisted_pypi.sidecars import Sidecar, Source, format_sidecar
from twisted_pypi.upload_checks import check_fields, check_release, release_of
from twisted_pypi.uploading.asking import Claims, Locks, Verify
from twisted_pypi.uploading.contents import Contents, check_contents, look_into
from twisted_pypi.uploading.form import UploadForm, check_digests, check_name


class Uploader:
    """Publishes what was uploaded, and removes what was published."""

    def __init__(
        self,
        store: PackageStore,
        local_files: LocalFiles,
        *,
        overwrite: bool,
        run_in_thread: RunInThread,
        clock: Callable[[], float],
        checks: UploadChecks = UploadChecks.STRICT,
        attestations: Attestations = Attestations.KEEP,
        verify: Verify | None = None,
        record_of: Callable[[ProjectName], ProjectRecord] = lambda _: ACTIVE,
        owners: Claims | None = None,
        locks: Locks | None = None,
    ) -> None:
        """Publish in ``store`` and tell ``local_files``.

        ``overwrite`` allows that an upload replaces a file with other bytes;
        ``clock`` is the time in seconds since the epoch; ``verify`` is there
        whenever ``attestations`` are to be verified; ``record_of`` is what is
        kept of a project, which may be that it takes no uploads; without
        ``owners``, every project is ours; ``locks`` are there when other
        processes publish in the same place.
        """
        self._store = store
        self._local_files = local_files
        self._overwrite = overwrite
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._strict = checks is UploadChecks.STRICT
        self._attestations = attestations
        self._verify = verify
        self._record_of = record_of
        self._owners = owners
        self._locks = locks
        self._under_way: dict[str, DeferredLock] = {}

    async def accept(
        self,
        form: UploadForm,
        finish: Callable[[], Staged],
        user: str | None,
        done: Callable[[KnownFile, KnownFile | None], None] | None = None,
    ) -> KnownFile:
        """Publish the file of a form, and return what is known of it when the next page has it.

        ``finish`` is called once, in a thread, and returns the staged file when
        all of it is written.  The very same bytes again are fine and change
        nothing; else ``done`` is called, with what is known of the file and of
        the one that it replaced.  Raises what that raises, ``BadFilename``, ``BadUpload``, ``BadMetadata``, ``AlreadyUploaded``,
        ``NoSpace``, ``NotAllowed`` and ``Unreadable``; whoever staged the
        file discards it then.
        """
        distribution = check_name(form)
        self._check_open(distribution.project)
        if self._strict:
            check_fields(distribution, form.value)
        staged, digest, contents = await self._run_in_thread(self._inspect, form, finish, distribution)
        attestations, publisher = await self._attested(form, digest)
        # The sidecar holds microseconds, and both are to say the same.
        now_ns = int(self._clock() * 1_000_000) * 1000
        sidecar = Sidecar(digest, now_ns, user, attestations=attestations, publisher=publisher, source=Source.UPLOAD)
        if not self._strict:
            return await self._publish(form, staged, contents, sidecar, done)
        release = contents.distribution
        async with self._one_at_a_time(f"{release.project}:{release_of(release.version)}"):
            return await self._publish(form, staged, contents, sidecar, done)

    async def _publish(
        self,
        form: UploadForm,
        staged: Staged,
        contents: Contents,
        sidecar: Sidecar,
        done: Callable[[KnownFile, KnownFile | None], None] | None,
    ) -> KnownFile:
        # Where an old name is to be split is only known now.
        self._check_open(contents.distribution.project)
        async with self._one_at_a_time(form.filename):
            claim = await self._claim(contents.distribution.project)
            here = await self._local_files.holding(form.filename)
            if here is not None and here.sha256 == sidecar.sha256:
                if claim is not None:
                    await self._run_in_thread(claim)
                return here
            if here is not None and not self._overwrite:
                raise AlreadyUploaded.with_digests(form.filename, here.sha256, sidecar.sha256)
            if here is None and self._strict:
                check_release(contents.distribution, await self._present(contents.distribution.project))
            publish = partial(
                self._store.publish,
                staged,
                form.filename,
                sidecar=format_sidecar(sidecar),
                signature=form.signature,
                replace=(here or True) if self._overwrite else False,
            )
            signed = form.signature is not None
            known = await self._local_files.add(
                lambda: _addition(contents, _publish_and_claim(publish, claim), sidecar, signed=signed)
            )
            # Without a source, the very same bytes had just been put there by hand.
            if done is not None and known.source is not None:
                done(known, here)
            return known

    def _inspect(
        self, form: UploadForm, finish: Callable[[], Staged], distribution: Distribution
    ) -> tuple[Staged, str, Contents]:
        """The whole file, its digest, and what it holds.  Blocking: all in one turn, since each turn of a thread costs."""
        staged = finish()
        check_digests(form, staged)
        look = check_contents if self._strict else look_into
        contents = look(staged.path(), distribution, name_is_known=form.value("name") is not None)
        return staged, staged.digests()["sha256"], contents

    async def _claim(self, project: ProjectName) -> Callable[[], None] | None:
        return None if self._owners is None else await self._owners.claim(project)

    def _check_open(self, project: ProjectName) -> None:
        record = self._record_of(project)
        if not record.status.takes_uploads:
            raise NotAllowed(f"the project {project} takes no uploads: it {record.sentence}")

    async def _attested(
        self, form: UploadForm, digest: str
    ) -> tuple[tuple[Mapping[str, object], ...], Mapping[str, object] | None]:
        """The attestations that came with a file, and who is their publisher if that was verified."""
        if self._attestations is Attestations.OFF:
            return (), None
        text = form.value("attestations")
        found = () if text is None else parse_attestations(text, form.filename, digest)
        if not found and self._attestations is Attestations.REQUIRE:
            raise BadUpload(f"the file {form.filename} came without attestations, which this server requires (PEP 740)")
        if not found or self._verify is None:
            return found, None
        return found, await self._run_in_thread(self._verify, found, form.filename, digest)

    async def _present(self, project: ProjectName) -> list[Distribution]:
        try:
            return await self._local_files.distributions_of(project)
        except NoSuchProject:
            return []

    async def remove(self, name: str, version: str, done: Callable[[KnownFile], None] | None = None) -> list[KnownFile]:
        """Remove every file of a release and return what was known of them.

        ``done`` is called with each of them when it is removed.  Raises ``NoSuchFile`` when there is none, and ``NotAllowed``.
        """
        try:
            files = await self._local_files.files_of(normalize(name))
        except NoSuchProject:
            files = []
        release = [known for known in files if same_version(known.distribution.version, version)]
        if not release:
            raise NoSuchFile(f"there is no file of {name} {version} here")
        for known in release:
            async with self._one_at_a_time(known.filename):
                # When the last file is gone, nothing else says whose the project was.
                last = known.source is Source.UPLOAD or len(release) == len(files)
                keep = await self._owners.keep(known.project) if last and self._owners is not None else None
                if keep is not None:
                    await self._run_in_thread(keep)
                await self._run_in_thread(self._store.remove, known)
                await self._local_files.removed(known)
            if done is not None:
                done(known)
        return release

    @asynccontextmanager
    async def _one_at_a_time(self, filename: str) -> AsyncIterator[None]:
        lock = self._under_way.setdefault(filename, DeferredLock())
        await lock.acquire()
        try:
            async with nullcontext() if self._locks is None else self._locks.hold(filename):
                yield
        finally:
            lock.release()
            # Who waited may have gone on and finished within release().
            if not lock.locked and self._under_way.get(filename) is lock:
                del self._under_way[filename]


def _publish_and_claim(publish: Callable[[], Published], claim: Callable[[], None] | None) -> Published:
    published = publish()
    # Not before: a name that nothing was uploaded to after all would be kept from the upstream.
    if claim is not None:
        claim()
    return published


def _addition(contents: Contents, published: Published, sidecar: Sidecar, *, signed: bool) -> Addition:
    uploaded_ns = sidecar.uploaded_ns or 0
    known = KnownFile(
        root=published.root,
        path=published.path,
        distribution=contents.distribution,
        size=published.size,
        mtime_ns=published.mtime_ns,
        inode=published.inode,
        sha256=sidecar.sha256,
        # Bytes that somebody else has put there first came when they were written.
        uploaded_ns=min(uploaded_ns, published.mtime_ns) if published.already else uploaded_ns,
        requires_python=contents.requires_python,
        metadata_sha256=contents.metadata_sha256,
        signed=signed and not published.already,
        attested=bool(sidecar.attestations) and not published.already,
        source=None if published.already else sidecar.source,
    )
    return Addition(known, contents.metadata, published.sidecar_mtime_ns)
