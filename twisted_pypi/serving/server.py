"""The service that holds all others: listens, gives up root, and ends in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting
from twisted_pypi.serving.draining import Drainable
from twisted_pypi.serving.ending import end_in_order
from twisted_pypi.serving.endpoints import Place, Speaks, places
from twisted_pypi.serving.listening import Ports
from twisted_pypi.serving.logs import LogFile, Reopened
from twisted_pypi.serving.open_files import raise_limit
from twisted_pypi.serving.privileges import Outcome, give_up_root
from twisted_pypi.serving.signals import Signals
from twisted_pypi.serving.starting import CannotStart, say

if TYPE_CHECKING:
    from twisted_pypi.serving.certificates import CertificateInForce
    from twisted_pypi.serving.notifying import Notifier
    from twisted_pypi.serving.workers.keeping import Workers


class SignalsOf(Protocol):
    """Makes the handlers of the signals; ``Signals`` itself is one."""

    def __call__(
        self,
        call: Callable[[Callable[[], None]], object],
        *,
        finish: Callable[[], None],
        stop: Callable[[], None],
        reopen: Callable[[], None],
    ) -> Signals:
        """Make them."""


class Server(MultiService):
    """Everything that runs, as one service.

    Its children are started when the port is open and root is given up, and
    stopped when the port is closed.  Before that nothing is opened: twistd
    forks after the service was made.
    """

    _log = Logger()

    def __init__(
        self,
        config: Config,
        site: Drainable,
        *,
        reactor: Any,
        log_file: LogFile | None = None,
        log_files: Sequence[Reopened] = (),
        become_owner: Callable[[Config], Outcome | None] = give_up_root,
        signals: SignalsOf = Signals,
        umask: int | None = None,
        workers: Workers | None = None,
        adopted: Sequence[Place] = (),
        certificate: CertificateInForce | None = None,
        redirect: Drainable | None = None,
        figures: Drainable | None = None,
        reloads: Sequence[Callable[[], object]] = (),
        notifier: Notifier | None = None,
    ) -> None:
        """Serve ``site``, which is also a protocol factory.

        ``log_file`` takes the log in place of twistd's, if ``config`` names no other.
        ``log_files`` are opened at the start and opened again at SIGHUP.
        ``umask`` is set at the start; ``None`` leaves the one that is there.
        ``workers`` serve together with it.  ``adopted`` are places that another
        process has opened, which says so, and that are used instead of those of ``config``.
        ``certificate`` is shown where TLS is spoken; ``redirect`` answers where everybody
        is sent on, ``figures`` where the figures are shown.
        ``reloads`` are called at SIGHUP.  ``notifier`` tells systemd.
        """
        super().__init__()
        self._config = config
        self._reactor = reactor
        self._clock: IReactorTime = reactor
        self._become_owner = become_owner
        self._log_file = LogFile(config.log_file) if config.log_file else log_file
        self.log_files: list[Reopened] = list(log_files)
        """What is opened at the start."""
        self.ending_since: float | None = None
        """When it began to end in order, seconds since the epoch."""
        self._sites = [each for each in (site, redirect, figures) if each is not None]
        self._certificate = certificate
        self._reloads = reloads
        self._notifier = notifier
        factories: dict[Speaks, Any] = {Speaks.PLAIN: site, Speaks.REDIRECT: redirect, Speaks.FIGURES: figures}
        if certificate is not None:
            factories[Speaks.TLS] = certificate.around(site, reactor)
        self._ports = Ports(factories)
        self._ended = False
        self._umask = umask
        self._workers = workers
        self._adopted = adopted
        self._signals = signals(self._in_reactor, finish=self._finish, stop=self.end, reopen=self.reload)

    def setServiceParent(self, parent: Any) -> None:
        """Take a place in an application; its log goes to our log file if there is one."""
        if self._log_file is not None and isinstance(parent, Componentized):
            self._attempt(self._log_file.open)
            parent.setComponent(ILogObserver, self._log_file.observer(self._config.log_format))
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """Open the ports, which may need root.  Raises ``CannotStart``."""
        self._attempt(self._listen)
        super().privilegedStartService()

    def startService(self) -> None:
        """Give up root and start everything.  Raises ``CannotStart``."""
        if not self._ports:  # twist starts services without the step above
            self._attempt(self._listen)
        if self._umask is not None:
            os.umask(self._umask)
        raise_limit()
        self._attempt(self._make_folders)
        self._give_up_root()
        if self._certificate is not None:
            self._certificate.say_if_closed()
        for each in self.log_files:
            self._attempt(each.open)
        if self._workers is not None:
            self._attempt(self._workers.prepare)
            self._workers.serve(self._ports.sockets())
        super().startService()
        self._reactor.callWhenRunning(self._signals.install)
        for url in () if self._adopted else self.addresses():
            self._log.info("Listening on {url}", url=url)
        if self._notifier is not None:
            self._reactor.callWhenRunning(self._notifier.ready)

    def stopService(self) -> Deferred[None]:
        """Close the ports, then stop everything in the reverse order of its start."""
        self._signals.restore()
        return Deferred.fromCoroutine(self._stop())

    def addresses(self) -> list[str]:
        """Where it listens now, as URLs; port 0 is the one that the system chose."""
        return self._ports.addresses(self._config.server_base_url)

    def finish(self) -> None:
        """End in order, as by SIGTERM."""
        self._signals.end_in_order()

    def reload(self) -> None:
        """Read again what the operator may have changed, and open the log files again, as by SIGHUP."""
        if self._notifier is not None:
            self._notifier.reloading()
        for each in (*filter(None, [self._log_file]), *self.log_files):
            try:
                each.reopen()
            except OSError as error:
                self._log.error("The log file {path} cannot be opened again: {error}", path=each.path, error=error)
        if self._certificate is not None:
            self._certificate.reload()
        for reload in self._reloads:
            reload()
        if self._workers is not None:
            self._workers.reopen()
        if self._notifier is not None:
            self._notifier.ready()

    def end(self) -> None:
        """Stop the reactor, whatever is still being sent."""
        if not self._ended:
            self._ended = True
            self._reactor.stop()

    async def _stop(self) -> None:
        await self._ports.close()
        await maybeDeferred(super().stopService)
        for each in self.log_files:
            each.close()

    def _listen(self) -> None:
        if self._certificate is not None:
            try:
                self._certificate.start()
            except BadSetting as problem:
                raise CannotStart(str(problem), 2) from None
        alone = self._workers is None and not self._adopted
        self._ports.open(self._adopted or places(self._config, self._reactor), in_turns=not alone)

    def _make_folders(self) -> None:
        for root in self._config.roots:
            try:
                Path(root).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CannotStart(
                    f"The folder {root} cannot be made ({error.strerror}): expected one that is there, with --root."
                ) from None

    def _give_up_root(self) -> None:
        outcome = self._become_owner(self._config)
        if outcome is not None:
            (self._log.info if outcome.as_wished else self._log.warn)("{sentence}", sentence=outcome.sentence)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except CannotStart as problem:
            say(problem, self._log)
            raise

    def _in_reactor(self, step: Callable[[], None]) -> None:
        self._reactor.callFromThread(step)

    def _finish(self) -> None:
        self.ending_since = self._clock.seconds()
        ending: Deferred[None] = Deferred.fromCoroutine(self._drain())
        ending.addErrback(lambda failure: self._log.failure("ending in order failed", failure))
        ending.addBoth(lambda _: self.end())

    async def _drain(self) -> None:
        if self._notifier is not None:
            self._notifier.stopping()
        await end_in_order(self._ports, self._sites, self._workers, self._clock, self._log)
