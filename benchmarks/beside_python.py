"""A project's page beside the best of the other Python indexes, with the fast way and without it."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from benchmarks.beside_nginx import ASKED, PAGE
from benchmarks.corpus import collection, empty_folder, files_of
from benchmarks.driving import Target, in_turns
from benchmarks.figures import Figure, each_to_each, report
from benchmarks.heads import HTML, JSON, heads
from benchmarks.peers import proxpi, simple_repository_server
from benchmarks.servers import ours, ours_without_fast_way, pinned, pypiserver, until_quiet, until_right

ROUNDS, SECONDS, CONNECTIONS = 9, 1.0, 16


def measure() -> None:
    """Measure and report."""
    root = collection(1_000)
    with ExitStack() as stack:
        mine = stack.enter_context(pinned(ours(root, empty_folder("state-python"), "--metrics")))
        plain = ours_without_fast_way(root, empty_folder("state-plain"), "--metrics")
        plain = stack.enter_context(pinned(plain))
        for each in (mine, plain):
            until_right(each, PAGE, files_of(ASKED))
        peers = {
            "proxpi": (pinned(proxpi(mine.url)), PAGE.replace("/simple/", "/index/")),
            "simple-repository-server": (pinned(simple_repository_server(root)), PAGE),
            "pypiserver": (pinned(pypiserver(root)), PAGE),
        }
        for each, path in peers.values():
            each.launch()
            stack.callback(each.kill)
            until_right(each, path, files_of(ASKED), within=60)
            until_quiet(each)
        for form, accept in {"HTML": HTML, "JSON": JSON}.items():
            requests = heads(PAGE, accept)
            # One does not know JSON.
            asked = {name: each for name, each in peers.items() if form == "HTML" or name != "pypiserver"}
            theirs = {name: Target(server, heads(path, accept)) for name, (server, path) in asked.items()}
            fast, slow, varied = Target(mine, requests), Target(plain, requests), Target(mine, requests, varied=True)
            in_turns([fast, slow, varied, *theirs.values()], ROUNDS, SECONDS, CONNECTIONS)
            best = max(theirs.values(), key=lambda target: statistics.median(target.rates))
            report(
                f"beside Python, page as {form}",
                [
                    Figure("requests a second", "/s", fast.rates),
                    Figure("CPU of one", "us", fast.costs),
                    Figure("fast way off: requests a second", "/s", slow.rates),
                    Figure("fast way off: CPU of one", "us", slow.costs),
                    Figure("every head different: requests a second", "/s", varied.rates),
                    Figure("every head different: CPU of one", "us", varied.costs),
                    *(Figure(f"{name}: requests a second", "/s", each.rates) for name, each in theirs.items()),
                    *(Figure(f"{name}: CPU of one", "us", each.costs) for name, each in theirs.items()),
                    Figure("times the best of them", "x", each_to_each(fast.rates, best.rates), "10 or more"),
                    Figure("fast way off: times the best", "x", each_to_each(slow.rates, best.rates), "10 or more"),
                    Figure("fast way off: times less CPU than the best", "x", each_to_each(best.costs, slow.costs)),
                    Figure("every head different: times the best", "x", each_to_each(varied.rates, best.rates)),
                    Figure(
                        "every head different: times less CPU than the best",
                        "x",
                        each_to_each(best.costs, varied.costs),
                    ),
                ],
            )


if __name__ == "__main__":
    measure()
