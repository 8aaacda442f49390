"""Pods with names of their own: made, updated and deleted in their order, and the claims that go with them."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog import testing
from shipslog.engine.kinds.apps.stateful_set import STRATEGY
from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.workloads import revisions
from shipslog.reconcilers.workloads.stateful_set import controller as rule
from shipslog.reconcilers.workloads.stateful_set import identity
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.selector import of_labels
from shipslog.store.objects.types import apps_v1, core_v1, meta_v1
from tests.reconcilers.views import NOW, meta, pod, view_of, woken

UID = "uid-statefulsets-db"
SET = meta_v1.OwnerReference(
    api_version="apps/v1", kind="StatefulSet", name="db", uid=UID, controller=True, block_owner_deletion=True
)
LABELS = {"app": "db"}


def stateful(*, image: str = "img", status: Any = None, replicas: int = 3, **more: Any) -> apps_v1.StatefulSet:
    spec = pod("x").spec
    spec = replace(spec, containers=tuple(replace(c, image=image) for c in spec.containers))
    template = core_v1.PodTemplateSpec(metadata=meta_v1.ObjectMeta(labels=LABELS), spec=spec)
    chosen = meta_v1.LabelSelector(match_labels=LABELS)
    given = apps_v1.StatefulSetSpec(template=template, selector=chosen, replicas=replicas, service_name="svc", **more)
    made = STRATEGY.default(apps_v1.StatefulSet(metadata=meta("db", generation=1), spec=given))
    return replace(made, status=status or apps_v1.StatefulSetStatus())


def rolling(**more: Any) -> apps_v1.StatefulSetUpdateStrategy:
    return apps_v1.StatefulSetUpdateStrategy(
        type="RollingUpdate", rolling_update=apps_v1.RollingUpdateStatefulSetStrategy(**more)
    )


def revision_of(of: apps_v1.StatefulSet, number: int = 1) -> apps_v1.ControllerRevision:
    view = view_of(of)
    stored = view.get(apps_v1.StatefulSet, "db", "default")
    (create,) = revisions.history_of(view, stored, of_labels(LABELS), hash_label=rule.HISTORY_HASH).commands
    assert isinstance(create, Create) and isinstance(create.object, apps_v1.ControllerRevision)
    return replace(create.object, revision=number)


def mine(number: int, of: apps_v1.StatefulSet, **more: Any) -> core_v1.Pod:
    name = f"db-{number}"
    labels = {**LABELS, identity.REVISION: revision_of(of).metadata.name, **identity.labels_of(name)}
    return pod(name, node="n", ready=more.pop("ready", True), labels=labels, owner_references=(SET,), **more)


def decide(of: apps_v1.StatefulSet, *things: Any, now: int = NOW) -> Decision:
    return rule.decide(view_of(of, revision_of(of, 9), *things), "default/db", now=now)


def made(decision: Decision) -> list[str]:
    return [c.object.metadata.name for c in decision.commands if isinstance(c, Create)]


def deleted(decision: Decision) -> list[str]:
    return [c.name for c in decision.commands if isinstance(c, Delete)]


def status(decision: Decision) -> apps_v1.StatefulSetStatus:
    (found,) = (c.object.status for c in decision.commands if isinstance(c, Update) and c.subresource == "status")
    assert isinstance(found, apps_v1.StatefulSetStatus)
    return found


GOING = {"deletion_timestamp": "2027-01-15T08:00:00Z", "deletion_grace_period_seconds": 30}
STARTING = {"ready": False}


@pytest.mark.parametrize(
    ("pods", "makes"),
    [
        ([], ["db-0"]),
        ([(0, {})], ["db-1"]),
        ([(0, STARTING)], []),
        ([(0, GOING)], []),
        ([(0, {}), (2, {})], ["db-1"]),
        ([(1, {}), (2, {})], ["db-0"]),
        ([(0, {}), (1, {}), (2, {})], []),
    ],
)
def test_in_order_each_waits_for_those_before_it(pods: list[tuple[int, dict[str, Any]]], makes: list[str]) -> None:
    assert made(decide(stateful(), *(mine(n, stateful(), **how) for n, how in pods))) == makes


def test_in_parallel_none_waits() -> None:
    asked = stateful(pod_management_policy="Parallel", replicas=2)
    assert made(decide(asked)) == ["db-0", "db-1"]
    assert deleted(decide(asked, *(mine(n, asked, **STARTING) for n in range(4)))) == ["db-3", "db-2"]


def test_ordinals_start_where_they_are_told_to() -> None:
    asked = stateful(ordinals=apps_v1.StatefulSetOrdinals(start=5), replicas=2)
    assert made(decide(asked)) == ["db-5"]
    assert deleted(decide(asked, mine(0, asked), mine(5, asked), mine(6, asked))) == ["db-0"]


def test_who_a_pod_is() -> None:
    decision = decide(stateful())
    (new,) = (c.object for c in decision.commands if isinstance(c, Create))
    assert (new.spec.hostname, new.spec.subdomain, new.metadata.generate_name) == ("db-0", "svc", "db-")
    assert new.metadata.labels[identity.POD_NAME] == "db-0" and new.metadata.labels[identity.POD_INDEX] == "0"
    assert new.metadata.labels[identity.REVISION] == revision_of(stateful()).metadata.name
    assert decision.says[0].message == "create Pod db-0 in StatefulSet db successful"
    bare = replace(mine(0, stateful()), metadata=meta("db-0", labels=LABELS, owner_references=(SET,)))
    fixed = [c.object for c in decide(stateful(replicas=1), bare).commands if isinstance(c, Update) and not c.subresource]
    assert fixed[0].metadata.labels[identity.POD_NAME] == "db-0"


@pytest.mark.parametrize(
    ("pods", "goes"),
    [
        ([(n, {}) for n in range(4)], ["db-3"]),
        ([(0, {}), (1, {}), (2, {}), (3, GOING)], []),
        ([(0, {}), (1, STARTING), (2, STARTING)], []),
        ([(0, {}), (1, STARTING), (2, {})], ["db-2"]),
        ([(0, {}), (1, {}), (2, STARTING)], ["db-2"]),
    ],
)
def test_surplus_goes_from_the_last_on(pods: list[tuple[int, dict[str, Any]]], goes: list[str]) -> None:
    assert deleted(decide(stateful(replicas=1), *(mine(n, stateful(), **how) for n, how in pods))) == goes


def test_a_pod_that_ended_is_made_again() -> None:
    things = stateful(), mine(0, stateful(), phase="Failed", ready=False)
    turned_away = decide(*things)
    assert not deleted(turned_away) and turned_away.requeue_after == 1, "its node will turn away the next one too"
    decision = decide(*things, now=NOW + 10**9)
    assert deleted(decision) == ["db-0"] and not made(decision)
    assert (decision.says[0].reason, decision.says[0].type) == ("RecreatingFailedPod", "Warning")


@pytest.mark.parametrize(
    ("how", "pods", "goes"),
    [
        ({}, [{}, {}, {}], ["db-2"]),
        ({}, [{}, {}, STARTING], []),
        ({"partition": 2}, [{}, {}, {}], ["db-2"]),
        ({"partition": 3}, [{}, {}, {}], []),
        ({"max_unavailable": 2}, [{}, {}, {}], ["db-2", "db-1"]),
        ({"max_unavailable": "34%"}, [{}, {}, {}], ["db-2"]),
    ],
)
def test_an_update_goes_from_the_last_to_the_partition(how: Any, pods: list[Any], goes: list[str]) -> None:
    old, new = stateful(), stateful(image="new", update_strategy=rolling(**how))
    assert deleted(decide(new, revision_of(old), *(mine(n, old, **is_) for n, is_ in enumerate(pods)))) == goes


def test_in_parallel_what_is_missing_elsewhere_counts_where_a_number_may_be() -> None:
    old = stateful()
    new = stateful(image="new", update_strategy=rolling(max_unavailable=2), pod_management_policy="Parallel")
    things = (mine(0, new, ready=False), mine(1, old), mine(2, old))
    assert deleted(decide(new, revision_of(old), *things)) == ["db-2"]


def test_below_the_partition_a_pod_is_made_as_before() -> None:
    old = stateful()
    held = apps_v1.StatefulSetStatus(current_revision=revision_of(old).metadata.name)
    new = stateful(image="new", update_strategy=rolling(partition=1), status=held)
    (first,) = (c.object for c in decide(new, revision_of(old)).commands if isinstance(c, Create))
    assert first.spec.containers[0].image == "img"
    (second,) = (c.object for c in decide(new, revision_of(old), mine(0, old)).commands if isinstance(c, Create))
    assert second.spec.containers[0].image == "new"


def test_on_delete_nothing_is_replaced() -> None:
    new = stateful(image="new", update_strategy=apps_v1.StatefulSetUpdateStrategy(type="OnDelete"))
    decision = decide(new, revision_of(stateful()), *(mine(n, stateful()) for n in range(3)))
    assert not deleted(decision) and status(decision).updated_replicas == 0


def test_the_status_tells_of_both_revisions() -> None:
    old, held = stateful(), apps_v1.StatefulSetStatus(current_revision=revision_of(stateful()).metadata.name)
    new = stateful(image="new", status=held)
    found = status(decide(new, revision_of(old), mine(0, old), mine(1, old, ready=False), mine(2, new)))
    assert (found.replicas, found.ready_replicas, found.current_replicas, found.updated_replicas) == (3, 2, 2, 1)
    assert found.current_revision != found.update_revision and found.observed_generation == 1
    done = status(decide(new, revision_of(old), *(mine(n, new) for n in range(3))))
    assert done.current_revision == done.update_revision and done.current_replicas == 3


# --- claims ---


def with_claims(**keeps: str) -> Any:
    claim = apps_v1.EmbeddedPersistentVolumeClaim(metadata=meta_v1.ObjectMeta(name="data"))
    policy = apps_v1.StatefulSetPersistentVolumeClaimRetentionPolicy(**keeps)
    return {"volume_claim_templates": (claim,), "persistent_volume_claim_retention_policy": policy}


def claim(number: int, *owners: meta_v1.OwnerReference) -> core_v1.PersistentVolumeClaim:
    return core_v1.PersistentVolumeClaim(metadata=meta(f"data-db-{number}", labels=LABELS, owner_references=owners))


def test_claims_come_before_their_pod() -> None:
    asked = stateful(**with_claims())
    first = decide(asked)
    assert made(first) == ["data-db-0"]
    assert first.says[0].message == "create Claim data-db-0 Pod db-0 in StatefulSet db success"
    second = decide(asked, claim(0))
    (new,) = (c.object for c in second.commands if isinstance(c, Create))
    assert new.spec.volumes[0].name == "data" and new.spec.volumes[0].persistent_volume_claim.claim_name == "data-db-0"
    assert woken(rule.WAKES, view_of(asked), claim(0)) == ["default/db"]
    assert not made(decide(asked, replace(claim(0), metadata=replace(claim(0).metadata, **GOING))))


def owners(decision: Decision) -> dict[str, list[str]]:
    claims = (c.object for c in decision.commands if isinstance(c, Update))
    return {
        c.metadata.name: [o.kind for o in c.metadata.owner_references]
        for c in claims
        if isinstance(c, core_v1.PersistentVolumeClaim)
    }


def test_whom_claims_go_with() -> None:
    with_set = stateful(replicas=1, **with_claims(when_deleted="Delete"))
    assert owners(decide(with_set, claim(0), mine(0, with_set))) == {"data-db-0": ["StatefulSet"]}
    retained = stateful(replicas=1, **with_claims())
    assert owners(decide(retained, claim(0, SET), mine(0, retained))) == {"data-db-0": []}
    scaled = stateful(replicas=1, **with_claims(when_scaled="Delete"))
    things = (claim(0), claim(1), mine(0, scaled), mine(1, scaled))
    first = decide(scaled, *things)
    assert owners(first) == {"data-db-1": ["Pod"]} and not deleted(first)
    uid = "uid-pods-db-1"
    owner = replace(SET, api_version="v1", kind="Pod", name="db-1", uid=uid)
    assert deleted(decide(scaled, claim(0), claim(1, owner), mine(0, scaled), mine(1, scaled))) == ["db-1"]


MANIFEST = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 3
  serviceName: db
  minReadySeconds: 5
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE}]}
"""


OTHER = "{apiVersion: v1, kind: Pod, metadata: {name: db-0}, spec: {containers: [{name: c, image: one}]}}"


async def test_on_a_cluster_it_grows_is_updated_and_shrinks_in_order() -> None:
    async with testing.cluster(start="2027-01-15T08:00:00Z", flows=False) as cluster:
        await cluster.apply(MANIFEST.replace("IMAGE", "one"))
        await cluster.advance(seconds=3)
        assert [p.metadata.name for p in cluster.list(core_v1.Pod)] == ["db-0"]
        await cluster.advance(minutes=1)
        held = cluster.get(apps_v1.StatefulSet, "db").status
        assert (held.replicas, held.available_replicas, held.updated_replicas) == (3, 3, 3)
        before = {p.metadata.name: p.metadata.uid for p in cluster.list(core_v1.Pod)}
        await cluster.apply(MANIFEST.replace("IMAGE", "two"))
        await cluster.advance(seconds=4)
        now = {p.metadata.name: p.metadata.uid for p in cluster.list(core_v1.Pod)}
        assert (now["db-0"], now["db-1"]) == (before["db-0"], before["db-1"]) and now.get("db-2") != before["db-2"]
        await cluster.advance(minutes=2)
        held = cluster.get(apps_v1.StatefulSet, "db").status
        assert (held.updated_replicas, held.ready_replicas) == (3, 3) and held.current_revision == held.update_revision
        assert {p.spec.containers[0].image for p in cluster.list(core_v1.Pod)} == {"two"}
        await cluster.apply(MANIFEST.replace("IMAGE", "two").replace("replicas: 3", "replicas: 1"))
        await cluster.advance(minutes=1)
        assert [p.metadata.name for p in cluster.list(core_v1.Pod)] == ["db-0"]


async def test_a_pod_of_another_that_has_the_name_is_waited_for_without_a_word() -> None:
    async with testing.cluster(flows=False) as cluster:
        await cluster.apply(OTHER)
        await cluster.apply(MANIFEST.replace("IMAGE", "one"))
        await cluster.advance(seconds=2)
        assert cluster.events("statefulsets", "db") == []
        await cluster.delete("pods", "db-0", grace_period_s=0)
        await cluster.advance(seconds=32)
        assert {e.reason for e in cluster.events("statefulsets", "db")} == {"SuccessfulCreate"}
