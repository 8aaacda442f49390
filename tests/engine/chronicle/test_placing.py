"""How the scheduler saw each node: of pods that wait, and of those that were given one; for those who may see it."""

from typing import Any

from shipslog import Cluster
from shipslog.engine.chronicle.questions import Placing
from shipslog.engine.chronicle.reader import Reader
from shipslog.engine.chronicle.subjects import Subject
from shipslog.reconcilers.scheduler.explanation import Explained, NodeExplained
from shipslog.store.objects.types import core_v1

from ...reconcilers.views import node, pod


async def asked(cluster: Cluster, name: str, *, may: Any = lambda _: True, at: str = "") -> Explained:
    reader = Reader(cluster.log, may=may)
    (found,) = [one async for one in Placing(of=f"pod/{name}", at=at).answer(reader)]
    assert isinstance(found, Explained)
    return found


def of(found: Explained, name: str) -> NodeExplained:
    return next(one for one in found.nodes if one.name == name)


async def settled(cluster: Cluster, name: str) -> None:
    await cluster.wait(core_v1.Pod, name, until=lambda p: p.spec.node_name or any(c.message for c in p.status.conditions))


async def world(cluster: Cluster) -> None:
    taint = core_v1.Taint(key="dedicated", value="gpu", effect="NoSchedule")
    for made in (node("full", "2"), node("closed"), node("small", "500m"), node("other", labels={"disk": "ssd"})):
        await cluster.create(made)
    for name, spec in (("closed", core_v1.NodeSpec(taints=(taint,), unschedulable=True)), ("full", core_v1.NodeSpec())):
        held = cluster.get(core_v1.Node, name)
        await cluster.update(core_v1.Node(metadata=held.metadata, spec=spec, status=held.status))
    for name in ("small", "other"):
        held = cluster.get(core_v1.Node, name)
        await cluster.update(core_v1.Node(metadata=held.metadata, spec=core_v1.NodeSpec(), status=held.status))


async def test_of_one_that_waits_every_filter_and_what_would_help() -> None:
    async with Cluster.open(runtime="none") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        await world(cluster)
        await cluster.create(pod("there", node="full", cpu="1500m"))
        await cluster.create(pod("waits", cpu="1", spec=core_v1.PodSpec(node_selector={"disk": "hdd"})))
        await settled(cluster, "waits")
        found = await asked(cluster, "waits")
        assert (found.best, found.node) == ("", "") and found.why.startswith("0/4 nodes are available: ")
        full = of(found, "full")
        assert full.filters == {
            "NodeAffinity": "node(s) didn't match Pod's node affinity/selector",
            "NodeResourcesFit": "Insufficient cpu",
        }
        assert full.changes == (
            "label full with disk=hdd, or do not select it",
            "free 500m of cpu on full, for instance: end default/there",
        )
        closed = of(found, "closed").changes
        assert closed[:2] == (
            "make closed schedulable: kubectl uncordon closed",
            "remove the taint dedicated=gpu:NoSchedule from closed, or tolerate it",
        )
        assert of(found, "small").changes[-1] == "ask for no more than 500m of cpu (it asks for 1)"
        assert "NodeResourcesFit" in found.filters and dict(found.weights)["TaintToleration"] == 3


async def test_of_one_that_has_a_node_as_it_was_when_that_was_chosen() -> None:
    async with Cluster.open(runtime="none") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        await world(cluster)
        await cluster.create(pod("p", cpu="100m"))
        await settled(cluster, "p")
        on = cluster.get(core_v1.Pod, "p").spec.node_name
        await cluster.delete(core_v1.Node, "small")
        found = await asked(cluster, "p")
        assert found.node == found.best == on
        assert {one.name for one in found.nodes} == {"full", "closed", "small", "other"}, "small was there then"
        totals = {one.name: one.total for one in found.nodes if not one.filters}
        assert max(totals.values()) == totals[on] == sum(of(found, on).scores.values())
        mine = core_v1.Pod(metadata=pod("mine").metadata, spec=pod("mine", node="other").spec)
        await cluster.create(mine)
        assert (await asked(cluster, "mine")).why == "the scheduler had no part in it"


async def test_nobody_sees_more_than_they_may() -> None:
    async with Cluster.open(runtime="none") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        await world(cluster)
        await cluster.create(pod("there", node="full", cpu="1500m"))
        await cluster.create(pod("waits", cpu="3", spec=core_v1.PodSpec(node_selector={"disk": "hdd"})))
        await settled(cluster, "waits")

        def may(subject: Subject) -> bool:
            return (subject.resource, subject.name) in (("pods", "waits"), ("nodes", "full"))

        found = await asked(cluster, "waits", may=may)
        assert [one.name for one in found.nodes] == ["full"]
        assert not any("there" in change for change in found.nodes[0].changes) and not found.nodes[0].pods


async def test_of_others_it_is_said_whose_they_are() -> None:
    async with Cluster.open(runtime="none") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        await cluster.create(pod("theirs", spec=core_v1.PodSpec(scheduler_name="mine")))
        gate = core_v1.PodSchedulingGate(name="example.com/quota")
        await cluster.create(pod("gated", spec=core_v1.PodSpec(scheduling_gates=(gate,))))
        assert "it asks for the scheduler 'mine'" in (await asked(cluster, "theirs")).why
        assert (await asked(cluster, "gated")).why == "its scheduling gates are closed: example.com/quota"
