"""The dashboard and the alerts ask for nothing that the server does not show."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet import reactor

from tests.conformance.assembly import PATIENCE, InMemory, assembled
from tests.operations.promql import Expression, NotPromQL, Selector, missing, parse
from twisted_pypi.mirroring.schedule import FIRST, JITTER
from twisted_pypi.testing.archives import wheel
from twisted_pypi.testing.scripted_answers import Quirk
from twisted_pypi.testing.scripted_pages import Upstreamed
from twisted_pypi.testing.scripted_upstream import ScriptedUpstream
from twisted_pypi.web.figures import KINDS

PROJECT = Path(__file__).parents[2]
DASHBOARD = json.loads((PROJECT / "operations" / "grafana" / "twisted-pypi.json").read_text())
ALERTS = (PROJECT / "operations" / "prometheus" / "alerts.yml").read_text()

TARGETS = frozenset({"job", "instance"})
"""Labels that Prometheus puts to everything that it collects."""

Shown = Mapping[str, Sequence[Mapping[str, str]]]


def panels() -> list[dict[str, Any]]:
    return [each for each in DASHBOARD["panels"] if each["type"] != "row"]


def queries() -> Iterator[tuple[str, str, str]]:
    """Title, expression and legend."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


def alerts() -> list[dict[str, str]]:
    """What each alert has, one value a key; the file keeps to what is read here."""
    found: list[dict[str, str]] = []
    for line in ALERTS.splitlines():
        if match := re.fullmatch(r" +(?:- )?(\w+): *(?:'(.*)'|(\S+))", line):
            if match[1] == "alert":
                found.append({})
            if found:
                found[-1][match[1]] = match[2] or match[3]
    return found


@asynccontextmanager
async def busy_server(folder: Path) -> AsyncIterator[InMemory]:
    """A server that has done a little of everything."""
    root, upstream = folder / "packages", ScriptedUpstream(reactor)
    root.mkdir()
    (root / "acme-1.0-py3-none-any.whl").write_bytes(wheel("acme", "1.0"))
    (folder / "htpasswd").write_text("anna:x\n")
    await upstream.start()
    upstream.publish("foo", Upstreamed("foo-1.0-py3-none-any.whl", wheel("foo", "1.0")))
    upstream.quirk("/simple/broken/", Quirk(status=500, times=None))
    mirror = ("--fallback", "proxy", "--upstream", f"{upstream.url}/simple", "--update-every", "1d")
    try:
        async with assembled(
            root, "--metrics", "--password-file", str(folder / "htpasswd"), *mirror, "--watch", "off"
        ) as server:
            yield server
    finally:
        await upstream.stop()


async def until_all(server: InMemory, wanted: str) -> Shown:
    """Scrape until a metric is there."""
    end = PATIENCE / 0.0005
    while wanted not in (found := await scrape(server)):
        end -= 1
        assert end > 0, sorted(found)
        server.reactor.pass_over(0.01)
        await server.turn()
    return found


async def scrape(server: InMemory) -> Shown:
    answer = await server.ask(b"GET /-/metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET")
    shown: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            shown[sample.name].append(sample.labels)
    return shown


@pytest_twisted.async_fixture(scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """What a server shows after some traffic, and an update."""
    async with busy_server(tmp_path_factory.mktemp("busy")) as server:
        name = "acme-1.0-py3-none-any.whl"
        targets = ["/simple/", "/simple/acme/", "/simple/acme/", f"/packages/{name}", f"/packages/{name}.metadata"]
        targets += ["/simple/foo/", "/files/foo/foo-1.0-py3-none-any.whl", "/simple/broken/"]
        for target in targets:
            await server.ask(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), "GET")
        await server.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "POST")
        server.reactor.pass_over(FIRST)
        server.reactor.pass_over(86400 * JITTER)
        return await until_all(server, "twisted_pypi_update_age_seconds")


def test_every_query_of_the_dashboard_finds_something(shown: Shown) -> None:
    wrong = {}
    for title, expression, legend in queries():
        asked = parse(expression)
        assert all(("job", "=~", "$job") in each.matchers for each in asked.selectors), title
        of_legend = Expression(asked.selectors, asked.labels | set(re.findall(r"{{(\w+)}}", legend)))
        if asked.labels:
            assert set(re.findall(r"{{(\w+)}}", legend)) <= asked.labels, title
        if problems := missing(of_legend, shown, TARGETS):
            wrong[title] = problems
    assert wrong == {}


def test_every_alert_finds_something(shown: Shown) -> None:
    served: Shown = {**shown, "up": [{}]}
    wrong = {}
    for alert in alerts():
        asked = parse(alert["expr"])
        named = set(re.findall(r"\$labels\.(\w+)", " ".join(alert.values())))
        of_text = Expression(asked.selectors, asked.labels | named)
        if problems := missing(of_text, served, TARGETS):
            wrong[alert["alert"]] = problems
    assert wrong == {}


def test_each_alert_is_whole() -> None:
    names = [each["alert"] for each in alerts()]
    assert len(names) == len(set(names)) == ALERTS.count("- alert: ") > 10
    for alert in alerts():
        assert alert.keys() - {"for"} == {"alert", "expr", "labels", "annotations", "severity", "summary", "description"} - {
            "labels", "annotations",
        }  # fmt: skip
        assert alert["severity"] in {"warning", "critical"}
        assert "'" not in alert["expr"]


def test_the_dashboard_can_be_imported() -> None:
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(each["datasource"]["uid"] == "${datasource}" for each in panels())
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_nothing_that_is_counted_is_left_out(shown: Shown) -> None:
    """Every figure that the server can show is shown, and explained on the page for operators."""
    page = (PROJECT / "docs" / "monitoring.md").read_text()
    for name, kind in KINDS.items():
        metric = f"twisted_pypi_{name}{'_total' if kind.counter else ''}"
        assert metric in shown, metric
        assert all(set(kind.labels) == each.keys() for each in shown[metric]), metric
    for metric in {name for name in shown if name.startswith("twisted_pypi_")}:
        if not metric.endswith(("_bucket", "_sum", "_created", "_count")):
            assert f"`{metric}" in page, metric


@pytest.mark.parametrize(
    ("text", "metrics", "labels"),
    [
        ('rate(a_total{x="1", y=~"p|q"}[5m])', [Selector("a_total", (("x", "=", "1"), ("y", "=~", "p|q")))], set()),
        (
            "sum by (le, x) (rate(a[$__rate_interval])) / on (z) b offset 1h",
            [Selector("a"), Selector("b")],
            {"le", "x", "z"},
        ),
        ("sum(a) by (x) > 2 * 86400 or b unless c", [Selector("a"), Selector("b"), Selector("c")], {"x"}),
        ("time() - a", [Selector("a")], set()),
    ],
)
def test_what_an_expression_names(text: str, metrics: list[Selector], labels: set[str]) -> None:
    assert parse(text) == Expression(metrics, labels)


@pytest.mark.parametrize("text", ["", "sum(a", "a{x=1}", "a{x}", "a;b", "sum by x (a)"])
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(NotPromQL):
        parse(text)


def test_what_is_not_shown_is_found() -> None:
    shown: Shown = {"a": [{"x": "1"}, {"x": "2"}]}
    for text, expected in {
        'a{x="1"}': [], 'a{x=~"1|3"}': ['a{x="3"}'], 'a{y="1"}': ['a{y="1"}'], "b": ["b"], "sum by (y) (a)": ["y"],
        'sum by (job) (a{job="any"})': [],
    }.items():  # fmt: skip
        assert missing(parse(text), shown, TARGETS) == expected
