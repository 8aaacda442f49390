"""A pod on each node that is meant, and how a new template comes to all of them."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog import testing
from shipslog.engine.kinds.apps.daemon_set import STRATEGY
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.workloads import revisions
from shipslog.reconcilers.workloads.daemon_set import controller as rule
from shipslog.reconcilers.workloads.daemon_set import nodes as on
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.selector import of_labels
from shipslog.store.objects.types import apps_v1, core_v1, meta_v1
from tests.reconcilers.views import BORN, NOW, meta, node, pod, view_of, woken

OWNED = (
    meta_v1.OwnerReference(api_version="apps/v1", kind="DaemonSet", name="log", uid="uid-daemonsets-log", controller=True),
)
LABELS = {"app": "log"}


def daemons(*, image: str = "img", status: Any = None, spec: Any = None, **more: Any) -> apps_v1.DaemonSet:
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=LABELS), spec=spec or pod("x").spec)
    containers = tuple(replace(c, image=image) for c in pod("x").spec.containers)
    template = replace(template, spec=replace(template.spec, containers=containers))
    given = apps_v1.DaemonSetSpec(template=template, selector=meta_v1.LabelSelector(match_labels=LABELS), **more)
    made = STRATEGY.default(apps_v1.DaemonSet(metadata=meta("log", generation=1), spec=given))
    return replace(made, status=status or apps_v1.DaemonSetStatus())


def strategy(**rolling: Any) -> apps_v1.DaemonSetUpdateStrategy:
    return apps_v1.DaemonSetUpdateStrategy(type="RollingUpdate", rolling_update=apps_v1.RollingUpdateDaemonSet(**rolling))


def revision_of(of: apps_v1.DaemonSet, number: int = 1) -> apps_v1.ControllerRevision:
    """The revision that the rule makes of a set."""
    stored = view_of(of).get(apps_v1.DaemonSet, "log", "default")
    (create,) = revisions.history_of(view_of(of), stored, of_labels(LABELS), hash_label=on.HASH).commands
    assert isinstance(create, Create) and isinstance(create.object, apps_v1.ControllerRevision)
    return replace(create.object, revision=number)


def code_of(of: apps_v1.DaemonSet) -> str:
    return revision_of(of).metadata.labels[on.HASH]


def mine(name: str, where: str, of: apps_v1.DaemonSet, **more: Any) -> core_v1.Pod:
    labels = {**LABELS, on.HASH: code_of(of)}
    return pod(name, node=where, ready=more.pop("ready", True), labels=labels, owner_references=OWNED, **more)


def decide(of: apps_v1.DaemonSet, *things: Any, now: int = NOW) -> Decision:
    return rule.decide(view_of(of, revision_of(of, 9), *things), "default/log", now=now)


def made(decision: Decision) -> list[str]:
    return [on.node_of(c.object) for c in decision.commands if isinstance(c, Create)]


def deleted(decision: Decision) -> list[str]:
    return [c.name for c in decision.commands if isinstance(c, Delete)]


def status(decision: Decision) -> apps_v1.DaemonSetStatus:
    (found,) = (c.object.status for c in decision.commands if isinstance(c, Update) and c.subresource == "status")
    assert isinstance(found, apps_v1.DaemonSetStatus)
    return found


def test_first_its_template_becomes_a_revision() -> None:
    (create,) = rule.decide(view_of(daemons(), node("a")), "default/log", now=NOW).commands
    assert isinstance(create, Create)
    held = create.object
    assert held.revision == 1 and held.metadata.name == f"log-{held.metadata.labels[on.HASH]}"
    assert held.data["spec"]["template"]["$patch"] == "replace"
    assert revisions.template_of(held) == daemons().spec.template


def test_a_revision_tells_the_cause_of_the_change() -> None:
    asked = daemons()
    asked = replace(asked, metadata=replace(asked.metadata, annotations={"kubernetes.io/change-cause": "a fix"}))
    assert revision_of(asked).metadata.annotations == {"kubernetes.io/change-cause": "a fix"}


def test_a_template_of_before_becomes_the_newest_again() -> None:
    old, new = revision_of(daemons(), 1), revision_of(daemons(image="new"), 2)
    (update,) = rule.decide(view_of(daemons(), old, new), "default/log", now=NOW).commands
    assert isinstance(update, Update) and (update.object.metadata.name, update.object.revision) == (old.metadata.name, 3)


def test_a_name_that_is_taken_asks_for_another_hash() -> None:
    taken = replace(revision_of(daemons()), data={"other": 1})
    decision = rule.decide(view_of(daemons(), taken), "default/log", now=NOW)
    assert status(decision).collision_count == 1
    again = rule.decide(view_of(daemons(status=status(decision)), taken), "default/log", now=NOW)
    (create,) = again.commands
    assert isinstance(create, Create) and create.object.metadata.name != taken.metadata.name


def test_revisions_that_no_pod_is_of_are_forgotten() -> None:
    on_delete = apps_v1.DaemonSetUpdateStrategy(type="OnDelete")
    now = daemons(revision_history_limit=1, update_strategy=on_delete)
    old = [revision_of(daemons(image=f"i{i}"), i) for i in range(1, 4)]
    things = (*old, mine("p", "a", daemons(image="i1")), node("a"))
    gone = deleted(
        decide(
            replace(now, spec=replace(now.spec, update_strategy=replace(now.spec.update_strategy, type="OnDelete"))), *things
        )
    )
    assert gone == [old[1].metadata.name], "the first has a pod, the last is within the limit"


def test_each_node_gets_a_pod_that_is_bound_to_it_by_name() -> None:
    decision = decide(daemons(), node("a"), node("b"), mine("p", "a", daemons()))
    assert made(decision) == ["b"]
    (new,) = (c.object for c in decision.commands if isinstance(c, Create))
    assert new.metadata.labels[on.HASH] == code_of(daemons()) and not new.spec.node_name
    assert {t.key for t in new.spec.tolerations} == {key for key, _ in on.TOLERATED}
    held = status(decision)
    assert (held.desired_number_scheduled, held.current_number_scheduled, held.number_ready) == (2, 1, 1)
    assert (held.updated_number_scheduled, held.number_available, held.number_unavailable) == (1, 1, 1)


def taint(key: str, effect: str) -> core_v1.Taint:
    return core_v1.Taint(key=key, effect=effect)


@pytest.mark.parametrize(
    ("taints", "runs", "stays"),
    [
        ([], True, True),
        ([taint("node.kubernetes.io/unschedulable", "NoSchedule")], True, True),
        ([taint("node.kubernetes.io/unreachable", "NoExecute")], True, True),
        ([taint("node.kubernetes.io/network-unavailable", "NoSchedule")], False, True),
        ([taint("mine", "NoSchedule")], False, True),
        ([taint("mine", "NoExecute")], False, False),
        ([taint("mine", "PreferNoSchedule")], True, True),
    ],
)
def test_taints(taints: list[core_v1.Taint], runs: bool, stays: bool) -> None:
    there = node("a", taints=tuple(taints))
    assert made(decide(daemons(), there)) == (["a"] if runs else [])
    assert deleted(decide(daemons(), there, mine("p", "a", daemons()))) == ([] if stays else ["p"])


def test_a_node_that_is_not_meant_any_more_loses_its_pod() -> None:
    chosen = daemons(spec=core_v1.PodSpec(node_selector={"disk": "ssd"}))
    things = (
        node("a", labels={"disk": "ssd"}),
        node("b"),
        mine("p", "a", chosen),
        mine("q", "b", chosen),
        mine("r", "gone", chosen),
    )
    decision = decide(chosen, *things)
    assert deleted(decision) == ["q", "r"] and made(decision) == [] and status(decision).number_misscheduled == 1


def test_one_of_two_on_a_node_goes_and_one_that_failed_is_replaced_after_a_while() -> None:
    younger = mine("q", "a", daemons(), creation_timestamp="2027-01-15T09:00:00Z")
    assert deleted(decide(daemons(), node("a"), mine("p", "a", daemons()), younger)) == ["q"]
    failed = mine("p", "a", daemons(), phase="Failed", ready=False, creation_timestamp=BORN)
    waits = decide(daemons(), node("a"), failed)
    assert (deleted(waits), waits.requeue_after) == ([], rule.FAILED_S)
    later = decide(daemons(), node("a"), failed, now=NOW + rule.FAILED_S * 10**9)
    assert deleted(later) == ["p"] and later.says[0].reason == "FailedDaemonPod"


def pods_on(count: int, of: apps_v1.DaemonSet, **more: Any) -> list[core_v1.Pod]:
    return [mine(f"p{i}", f"n{i}", of, **more) for i in range(count)]


@pytest.mark.parametrize(("most", "goes"), [(1, 1), (2, 2), ("50%", 2), ("10%", 1)])
def test_as_many_are_replaced_at_a_time_as_may_be_missing(most: Any, goes: int) -> None:
    new = daemons(image="new", update_strategy=strategy(max_unavailable=most))
    nodes = [node(f"n{i}") for i in range(4)]
    assert len(deleted(decide(new, *nodes, *pods_on(4, daemons())))) == goes
    broken = mine("p0", "n0", new, ready=False)
    assert len(deleted(decide(new, *nodes, broken, *pods_on(4, daemons())[1:]))) == goes - 1
    outdated = mine("p0", "n0", daemons(), ready=False)
    assert "p0" in deleted(decide(new, *nodes, outdated, *pods_on(4, daemons())[1:])), "it is missed already"


def test_with_a_surge_the_new_pod_comes_first() -> None:
    new = daemons(image="new", update_strategy=strategy(max_unavailable=0, max_surge=1))
    nodes = [node("n0"), node("n1")]
    first = decide(new, *nodes, *pods_on(2, daemons()))
    assert made(first) == ["n0"] and not deleted(first)
    starting = mine("q", "n0", new, ready=False)
    waits = decide(new, *nodes, *pods_on(2, daemons()), starting)
    assert not made(waits) and not deleted(waits)
    ready = decide(new, *nodes, *pods_on(2, daemons()), mine("q", "n0", new))
    assert deleted(ready) == ["p0"]


def test_on_delete_nothing_is_replaced() -> None:
    held = daemons(image="new", update_strategy=apps_v1.DaemonSetUpdateStrategy(type="OnDelete"))
    decision = decide(held, node("n0"), *pods_on(1, daemons()))
    assert not deleted(decision) and status(decision).updated_number_scheduled == 0


def test_what_wakes_it() -> None:
    view = view_of(daemons(), node("a"))
    assert woken(rule.WAKES, view, node("a", ready=False)) == [], "only that it is ready or not"
    assert woken(rule.WAKES, view, node("a", taints=(taint("x", "NoSchedule"),))) == ["default/log"]
    assert woken(rule.WAKES, view, pod("p", labels=LABELS)) == ["default/log"]


MANIFEST = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log}
spec:
  minReadySeconds: 10
  selector: {matchLabels: {app: log}}
  template:
    metadata: {labels: {app: log}}
    spec: {containers: [{name: c, image: IMAGE}]}
"""


async def test_on_a_cluster_it_comes_to_all_nodes_and_is_rolled_one_by_one() -> None:
    async with testing.cluster(nodes=3, start="2027-01-15T08:00:00Z", flows=False) as cluster:
        await cluster.apply(MANIFEST.replace("IMAGE", "one"))
        await cluster.advance(seconds=15)
        held = cluster.get(apps_v1.DaemonSet, "log").status
        assert (held.desired_number_scheduled, held.number_available, held.updated_number_scheduled) == (3, 3, 3)
        assert {p.spec.node_name for p in cluster.list(core_v1.Pod)} == {"node-0", "node-1", "node-2"}
        await cluster.apply(MANIFEST.replace("IMAGE", "two"))
        for _ in range(120):
            await cluster.advance(seconds=1)
            assert cluster.get(apps_v1.DaemonSet, "log").status.number_unavailable <= 1
        held = cluster.get(apps_v1.DaemonSet, "log").status
        assert (held.updated_number_scheduled, held.number_available, held.observed_generation) == (3, 3, 2)
        assert {p.spec.containers[0].image for p in cluster.list(core_v1.Pod)} == {"two"}
        assert sorted(r.revision for r in cluster.list(apps_v1.ControllerRevision)) == [1, 2]
