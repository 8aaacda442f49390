"""What the engine counts while it works, as /metrics names it: queues as Kubernetes has them, and what is our own.

Tests: tests/engine/api/server_info/test_metrics.py
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from .commit.committer import Committer
from .commit.watch import WatchHub
from .host.lane import Lane
from .measures import Family, Histogram, counter, gauge


def of_engine(committer: Committer, lanes: Sequence[Lane], hub: WatchHub, nodes: Collection[str]) -> Iterator[Family]:
    """All of it. Rules are told apart by their names."""
    yield Family(
        "shipslog_append_duration_seconds", "Seconds until a batch was durable.", "histogram", (), [((), committer.appends)]
    )
    yield Family("shipslog_batch_events", "Events that shared a transaction.", "histogram", (), [((), committer.batches)])
    yield counter("shipslog_events", "Events that were written.", committer.batches.sum)
    yield counter("shipslog_batches_refused", "Batches that the log did not take.", committer.refused_batches)
    yield gauge("shipslog_commands_waiting", "Commands that wait for the writer.", committer.waiting)
    yield gauge("shipslog_watchers", "Who follows changes.", hub.watchers)
    yield gauge("shipslog_nodes", "Nodes of this process.", len(nodes))
    yield from _of_queues(lanes)
    yield _by_rule(lanes, "shipslog_decisions", "Decisions that asked for something to be done.", lambda lane: lane.decisions)
    yield _by_rule(
        lanes, "shipslog_rule_failures", "Times that a rule raised, or returned nonsense.", lambda lane: lane.failures
    )
    rows = [((lane.reconciler.name,), float(bool(lane.troubles))) for lane in lanes]
    yield Family("shipslog_rule_in_trouble", "1 for a rule that fails at the moment.", "gauge", ("rule",), rows)


def _of_queues(lanes: Sequence[Lane]) -> Iterator[Family]:
    """As client-go's work queues; a key is a unit of work, and a look at it is what is done."""
    depth = [((lane.reconciler.name,), float(len(lane.waiting))) for lane in lanes]
    yield Family("workqueue_depth", "Keys that wait to be looked at.", "gauge", ("name",), depth)
    yield _by_rule(lanes, "workqueue_adds", "Keys that were woken.", lambda lane: lane.adds, "name")
    yield _by_rule(lanes, "workqueue_retries", "Keys that were to be tried again.", lambda lane: lane.retries, "name")
    help = "Seconds that a key waited until it was looked at."
    yield _seen(lanes, "workqueue_queue_duration_seconds", help, lambda lane: lane.waited)
    yield _seen(lanes, "workqueue_work_duration_seconds", "Seconds that a rule took to decide.", lambda lane: lane.worked)


def _by_rule(lanes: Sequence[Lane], name: str, help: str, count: Callable[[Lane], int], label: str = "rule") -> Family:
    return Family(name, help, "counter", (label,), [((lane.reconciler.name,), count(lane)) for lane in lanes])


def _seen(lanes: Sequence[Lane], name: str, help: str, of: Callable[[Lane], Histogram]) -> Family:
    return Family(name, help, "histogram", ("name",), [((lane.reconciler.name,), of(lane)) for lane in lanes])
