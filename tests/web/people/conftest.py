from collections.abc import Awaitable, Callable, Iterable
from html.parser import HTMLParser
from typing import ParamSpec, TypeVar

import pytest

from twisted_pypi.boundaries import KnownFile, LocatedFile
from twisted_pypi.distributions import ProjectName, parse_filename
from twisted_pypi.errors import NoSuchFile
from twisted_pypi.simple.model import ProjectList, ProjectPage
