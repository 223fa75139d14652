"""``pypi-server update`` and ``twisted-pypi update``: fetch what is newer upstream, or say what that is."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import (
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    eventAsText,
    globalLogBeginner,
)
from twisted.python.failure import Failure

from twisted_pypi.command.printing import as_json
from twisted_pypi.command.update_progress import Bar, Lines
from twisted_pypi.command.update_report import Report, by_hand, document, merged, not_asked
from twisted_pypi.config import Config
from twisted_pypi.errors import BadSetting, TwistedPyPIError
from twisted_pypi.mirroring.outcomes import PassSummary, State
from twisted_pypi.options.update_choices import UpdateChoices
from twisted_pypi.serving.privileges import give_up_root
from twisted_pypi.tap.mirror import OneUpdate, make_one_update

INTERRUPTED = 130
"""The exit code of what a signal ended."""


def update(config: Config, choices: UpdateChoices, environ: Mapping[str, str], reactor: Any) -> int:
    """Update the folders of these settings, and return the exit code.  Raises ``BadSetting``."""
    for folder in (*config.roots, *filter(None, [choices.folder])):
        if not Path(folder).is_dir():
            raise BadSetting(f"{folder} is not there: expected a folder of packages.")
    # New files belong to whom the old ones do; whoever names another folder has a reason.
    outcome = None if choices.folder else give_up_root(config)
    _begin_logging(config)
    if outcome is not None and not outcome.as_wished:
        sys.stderr.write(f"{outcome.sentence}\n")
    with tempfile.TemporaryDirectory(prefix="twisted-pypi-update-", ignore_cleanup_errors=True) as folder:
        one = make_one_update(config, choices, reactor, environ, folder)
        for warning in one.warnings:
            sys.stderr.write(f"{warning}\n")
        return Run(one, choices, verbose=bool(config.verbosity), reactor=reactor).code()


class Run:
    """One update under way."""

    def __init__(
        self, one: OneUpdate, choices: UpdateChoices, *, verbose: bool, reactor: Any, out: TextIO | None = None
    ) -> None:
        """Print to ``out``, or to standard output; where the outcome is a document, how it goes is told elsewhere."""
        self._one = one
        self._choices = choices
        self._reactor = reactor
        self._document = out or sys.stdout
        self._out = sys.stderr if choices.json else self._document
        self._report = Report(self._out, verbose=verbose)
        self._code = INTERRUPTED
        self._ended: Deferred[None] = Deferred()
        self._interrupted = False
        self._scanned = False

    def code(self) -> int:
        """Run the reactor until all is done or a signal ends it, and return the exit code."""
        self._reactor.callWhenRunning(lambda: Deferred.fromCoroutine(self._all()).addErrback(self._crashed))
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.run()
        if self._interrupted:
            sys.stderr.write("interrupted: nothing that is not whole was left behind, and the next update goes on\n")
        return self._code

    async def _all(self) -> None:
        code = 1
        try:
            await self._one.start()
            self._scanned = True
            code = await self._update()
        except TwistedPyPIError as problem:
            if not self._interrupted:
                sys.stderr.write(f"{problem}\n")
        finally:
            await self._one.stop()
            if not self._interrupted:
                self._code = code
            self._ended.callback(None)
        if not self._interrupted:
            self._reactor.stop()

    async def _update(self) -> int:
        execute = self._choices.execute
        compare = execute or self._choices.compare
        names = await self._one.update.by_hand()
        if names and compare:
            # Said before anybody is asked.
            sys.stderr.write(f"{by_hand(names, self._one.index)}\n")
            self._report.compare(names)
        looked = await self._one.update.run(self._report, fetch=False, compare=compare, decide=execute)
        self._report.looked()
        if names and not compare:
            sys.stderr.write(f"{not_asked(names, self._one.index)}\n")
        if self._one.recalls is not None:
            await self._one.recalls.end()
        done = None
        if execute and not looked.broken_off:
            done = await self._fetch(looked)
        outcomes = merged(looked, done)
        if self._choices.json:
            self._document.write(f"{as_json(document(looked, outcomes, executed=execute))}\n")
        self._report.projects(outcomes)
        self._report.total(outcomes, executed=execute)
        failed = any(each.state is State.ERROR for each in outcomes)
        return 1 if failed and self._choices.strict else 0

    async def _fetch(self, looked: PassSummary) -> PassSummary | None:
        wanted = [each for each in looked.notable if each.fetched]
        if not wanted:
            return None
        progress: Bar | Lines = Lines(self._out)
        if self._out.isatty():
            progress = Bar(self._out, sum(each.size for each in wanted), self._reactor.seconds)
        try:
            return await self._one.update.run(progress, only=[each.name for each in wanted])
        finally:
            progress.close()

    def _stop(self) -> Deferred[Any] | None:
        """Break off what goes on, and have the reactor wait for its end."""
        if self._ended.called:
            return None
        self._interrupted = True
        # Whoever is in such a hurry may have it: what was not whole has no name.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        self._one.update.stop()
        if self._scanned:
            return self._ended
        return DeferredList([self._ended, self._one.scanner.stopService()])

    def _crashed(self, failure: Failure) -> None:
        failure.printTraceback(sys.stderr)
        if not self._interrupted:
            self._reactor.stop()


def _begin_logging(config: Config) -> None:
    """Have on standard error what went wrong, and with ``-vv`` everything."""
    level = LogLevel.info if config.verbosity > 1 else LogLevel.warn

    def write(event: LogEvent) -> None:
        sys.stderr.write(f"{eventAsText(event, includeTimestamp=False, includeSystem=False)}\n")

    observer = FilteringLogObserver(write, [LogLevelFilterPredicate(defaultLogLevel=level)])  # type: ignore[arg-type]  # a function will do
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
