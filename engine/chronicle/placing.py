"""How a pod was placed, or why it is not: the scheduler's view of each node, from the log.

Tests: tests/engine/chronicle/test_placing.py
"""

from msgspec.structs import replace

from shipslog.reconcilers.scheduler.explanation import Explained, NodeExplained, explain, waits
from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken, ObjectFact
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import NotFound

from .reader import Reader
from .subjects import Subject


async def placing(reader: Reader, subject: Subject, revision: int, now_ns: int) -> Explained:
    """Of a pod that waits as it is at a revision; of one that has a node as it was when it was given. Nodes and pods that the
    reader may not see are left out. Errors: NotFound."""
    if not reader.may(subject):
        raise NotFound(f"{subject} was not there at revision {revision}")
    view = await reader.view(revision)
    pod = view.get(core_v1.Pod, subject.name, subject.namespace)
    if pod is None:
        raise NotFound(f"{subject} was not there at revision {revision}")
    node = pod.spec.node_name
    if not waits(pod):
        decision = await _decision(reader, subject, revision) if node else None
        if decision is None:
            return Explained(
                namespace=subject.namespace, name=subject.name, scheduler=pod.spec.scheduler_name, revision=revision, node=node,
                why="the scheduler had no part in it" if node else "it has ended",
            )  # fmt: skip
        view, now_ns = await reader.view(decision.read_revision), decision.now_ns
        pod = view.get(core_v1.Pod, subject.name, subject.namespace)
        if pod is None:
            raise NotFound(f"{subject} was not there at revision {decision.read_revision}")
    found = explain(view, pod, now_ns, node=node)
    return replace(
        found, nodes=tuple(_veiled(reader, one) for one in found.nodes if reader.may(Subject("nodes", "", one.name)))
    )


def _veiled(reader: Reader, node: NodeExplained) -> NodeExplained:
    """Without what names pods that the reader may not see."""
    if all(reader.may(Subject("pods", *pod)) for pod in node.pods):
        return node
    changes = tuple(change.partition(", for instance: ")[0] for change in node.changes)
    hidden = [f"{namespace}/{name}" for namespace, name in node.pods]
    return replace(
        node, changes=tuple(c if not any(h in c for h in hidden) else "end pods that hold its ports" for c in changes), pods=()
    )


async def _decision(reader: Reader, subject: Subject, revision: int) -> DecisionTaken | None:
    """That which gave the pod its node; None where somebody else did."""
    bound: Event | None = None
    async for event in reader.of_object(subject):
        fact = event.fact
        if event.revision > revision or not isinstance(fact, ObjectFact):
            break
        if b'"nodeName"' not in bytes(fact.object):
            bound = None
        elif bound is None:
            bound = event
    if bound is None or bound.cause is None:
        return None
    async for events in reader.log.read(bound.cause - 1, bound.cause):
        for event in events:
            if isinstance(event.fact, DecisionTaken) and event.fact.reconciler == "scheduler":
                return event.fact
    return None
