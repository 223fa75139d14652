"""What the log says at the start: what is served, to whom, and what the settings themselves gave cause to say."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twisted_pypi.boundaries import LocalFiles
from twisted_pypi.config import Action, Config
from twisted_pypi.errors import Busy
from twisted_pypi.serving.first_steps import container, first_steps


class Announcer(Service):
    """Says once, when all names are known, what there is."""

    log = Logger()

    def __init__(
        self,
        config: Config,
        index: LocalFiles,
        users: Callable[[], int],
        *,
        container: Callable[[], str | None] = container,
    ) -> None:
        """Speak of ``index``; ``users`` counts those who may log in, and ``container`` names the one that this is in."""
        self._config = config
        self._index = index
        self._users = users
        self._container = container
        self._writable = False
        self._looking: Deferred[None] | None = None

    def startService(self) -> None:
        """Say what is known at once, and the rest when it is."""
        super().startService()
        for note in self._config.notes:
            self.log.info("{note}", note=note)
        self._say_users()
        self._writable = os.access(self._config.roots[0], os.W_OK)
        if not self._writable:
            self.log.warn(
                "{root} cannot be written to: nobody can upload, and what is learnt of the files is kept elsewhere",
                root=self._config.roots[0],
            )
        self._looking = Deferred.fromCoroutine(self._say_files())
        self._looking.addErrback(lambda failure: self.log.failure("the packages could not be counted", failure))

    def _say_users(self) -> None:
        config = self._config
        if not config.authenticate:
            self.log.info("Anybody may upload, download and list: no action needs a login")
            return
        needs = ", ".join(sorted(config.authenticate))
        if config.password_file is None:
            self.log.info(
                "No password file: nobody can log in (which is needed to {needs}), and nobody may upload", needs=needs
            )
            return
        self.log.info("A login is needed to {needs}", needs=needs)
        if Action.UPDATE not in config.authenticate:
            self.log.warn("Anybody may upload without a login: add update to --authenticate if that is not meant")

    async def _say_files(self) -> None:
        try:
            projects = await self._index.projects()
        except Busy:  # it is stopped before all is read, and has nothing to say any more
            return
        _, files = self._index.counts()
        self.log.info(
            "Serving {roots}: {projects} projects, {files} files known",
            roots=", ".join(self._config.roots),
            projects=len(projects.names),
            files=files,
        )
        for step in first_steps(
            self._config,
            users=self._users(),
            projects=len(projects.names),
            writable=self._writable,
            container=self._container(),
        ):
            self.log.info("{step}", step=step)
