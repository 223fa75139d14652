"""Running the server in the foreground, with its log where the settings say."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.application.service import Application, IService
from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
)

from twisted_pypi.config import Config
from twisted_pypi.options import Options
from twisted_pypi.serving.logs import observer_of
from twisted_pypi.serving.signals import end_while_starting
from twisted_pypi.serving.starting import CannotStart

MakeService = Callable[[Options], IService]
"""``tap.makeService``."""


def serve(config: Config, make_service: MakeService, reactor: Any) -> None:
    """Run a server until a signal ends it.  Raises ``CannotStart``."""
    end_while_starting()
    application = Application("pypi-server")
    make_service(Options(config=config)).setServiceParent(application)
    _begin_logging(config, application.getComponent(ILogObserver, None))
    service = IService(application)
    try:
        service.privilegedStartService()
        service.startService()
    except CannotStart as problem:
        if config.log_file or config.log_stream != "stderr":
            Logger("pypi-server").critical("{sentence}", sentence=problem)
        raise
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


def _begin_logging(config: Config, to_file: ILogObserver | None) -> None:
    level = LogLevel.debug if config.verbosity else LogLevel.info
    observers: list[ILogObserver] = []
    if to_file is not None:
        observers.append(to_file)
    elif config.log_stream != "none":
        observers.append(observer_of(sys.stderr if config.log_stream == "stderr" else sys.stdout, config.log_format))
    predicate = LogLevelFilterPredicate(defaultLogLevel=level)
    globalLogBeginner.beginLoggingTo(
        [FilteringLogObserver(each, [predicate]) for each in observers], redirectStandardIO=False
    )
