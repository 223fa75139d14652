"""The log as JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure

from twisted_pypi.config import LogFormat
from twisted_pypi.serving.json_lines import ACCESS, json_line
from twisted_pypi.serving.logs import LogLines, observer_of

SOME: LogEvent = {
    "log_time": 1764000000.5,
    "log_level": LogLevel.warn,
    "log_namespace": "some.where",
    "log_format": "{what} is full",
    "what": "the disk",
}


def test_an_event_is_one_object() -> None:
    assert json.loads(json_line(SOME)) == {
        "time": "2025-11-24T16:00:00.500Z",
        "level": "warn",
        "namespace": "some.where",
        "message": "the disk is full",
    }


def test_a_failure_is_a_field() -> None:
    try:
        raise ValueError("two\nlines")  # noqa: TRY301  # the traceback is what this is about
    except ValueError:
        failure = Failure()
    said = json.loads(json_line(SOME | {"log_failure": failure}))
    assert said["message"] == "the disk is full"
    assert said["traceback"].startswith("Traceback (most recent call last):")
    assert "ValueError: two" in said["traceback"]


def test_a_line_of_the_access_log_stays_what_it_is() -> None:
    assert f"{LogLines.__module__}.{LogLines.__qualname__}" == ACCESS
    assert json_line({"log_namespace": ACCESS, "log_format": "{line}", "line": '{"client": null}'}) == (
        '{"client": null}\n'
    )
    said = json.loads(json_line({"log_namespace": ACCESS, "log_format": "{line}", "line": "192.0.2.1 - - []"}))
    assert said["message"] == "192.0.2.1 - - []"


@pytest.mark.parametrize("event", [{}, {"log_format": "{missing}"}, {"log_format": "{x!z}", "x": 1}, {"log_format": 7}])
def test_an_event_that_cannot_be_formatted_is_still_one_object(event: dict[str, Any]) -> None:
    line = json_line(event)
    assert (line.count("\n"), line[-1], json.loads(line)["level"]) == (1, "\n", "info")


@given(st.text(), st.text())
def test_whatever_is_logged_is_one_line(namespace: str, text: str) -> None:
    line = json_line({"log_namespace": namespace, "log_format": "{text}", "text": text})
    assert (line.isascii(), len(line.splitlines())) == (True, 1)
    assert (json.loads(line)["namespace"], json.loads(line)["message"]) == (namespace, text)


@pytest.mark.parametrize(("form", "first"), [(LogFormat.JSON, "{"), (LogFormat.TEXT, "2025-11-24T")])
def test_a_stream_is_written_in_the_form_that_was_asked_for(form: LogFormat, first: str) -> None:
    stream = io.StringIO()
    observer_of(stream, form)(SOME)
    assert stream.getvalue().startswith(first)
    assert "the disk is full" in stream.getvalue()
