"""Claims of devices for pods: made once from templates, told, and free again."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.cluster import resource_claims as rules
from shipslog.reconcilers.cluster.device_claims import PROTECTION
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.resource_v1 import (
    AllocationResult,
    DeviceClaim,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimSpec,
    ResourceClaimStatus,
    ResourceClaimTemplate,
    ResourceClaimTemplateSpec,
)
from shipslog.testing import TestCluster
from tests.reconcilers.views import BORN, NOW, add, meta, pod, view_of, woken


def user(**more: Any) -> core_v1.Pod:
    claims = (core_v1.PodResourceClaim(name="gpu", resource_claim_template_name="t"),)
    return pod("p", spec=core_v1.PodSpec(resource_claims=claims), **more)


def template() -> ResourceClaimTemplate:
    spec = ResourceClaimTemplateSpec(
        metadata=meta_v1.ObjectMeta(labels={"a": "b"}), spec=ResourceClaimSpec(devices=DeviceClaim())
    )
    return ResourceClaimTemplate(metadata=meta("t"), spec=spec)


def test_a_claim_is_made_once_and_told() -> None:
    view = view_of(user())
    missing = rules.decide(view, "pod/default/p", now=NOW)
    assert not missing.commands and [say.reason for say in missing.says] == ["FailedResourceClaimCreation"]
    assert woken(rules.WAKES, view, template()) == ["pod/default/p"]
    (create,) = rules.decide(view, "pod/default/p", now=NOW).commands
    assert isinstance(create, Create)
    made = create.object
    assert made.metadata.generate_name == "p-gpu-" and made.metadata.labels == {"a": "b"}
    assert made.metadata.annotations == {"resource.kubernetes.io/pod-claim-name": "gpu"}
    assert made.metadata.owner_references[0].uid == "uid-pods-p"
    add(view, replace(made, metadata=replace(made.metadata, name="p-gpu-x1")))
    (update,) = rules.decide(view, "pod/default/p", now=NOW).commands
    assert isinstance(update, Update) and update.subresource == "status"
    assert update.object.status.resource_claim_statuses == (
        core_v1.PodResourceClaimStatus(name="gpu", resource_claim_name="p-gpu-x1"),
    )
    add(view, update.object)
    assert not rules.decide(view, "pod/default/p", now=NOW).commands
    add(view, replace(update.object, status=replace(update.object.status, phase="Succeeded")))
    (gone,) = rules.decide(view, "pod/default/p", now=NOW).commands
    assert isinstance(gone, Delete) and gone.name == "p-gpu-x1"


def claim(*uids: str, **more: Any) -> ResourceClaim:
    held = tuple(ResourceClaimConsumerReference(resource="pods", name="p", uid=uid) for uid in uids)
    return ResourceClaim(
        metadata=meta("c", **more), status=ResourceClaimStatus(reserved_for=held, allocation=AllocationResult())
    )


def test_who_has_ended_has_it_no_more() -> None:
    view = view_of(user(), claim("uid-pods-p", "gone"))
    (update,) = rules.decide(view, "claim/default/c", now=NOW).commands
    assert isinstance(update, Update)
    assert [one.uid for one in update.object.status.reserved_for] == ["uid-pods-p"] and update.object.status.allocation


def test_one_that_goes_is_let_go_of_when_nobody_has_it() -> None:
    held = {"deletion_timestamp": BORN, "finalizers": (PROTECTION, "mine")}
    assert not rules.decide(view_of(user(), claim("uid-pods-p", **held)), "claim/default/c", now=NOW).commands
    view = view_of(claim("gone", **held))
    (free,) = rules.decide(view, "claim/default/c", now=NOW).commands
    assert isinstance(free, Update) and free.object.status.allocation is None
    add(view, free.object)
    (last,) = rules.decide(view, "claim/default/c", now=NOW).commands
    assert isinstance(last, Update) and last.object.metadata.finalizers == ("mine",)


TEMPLATE = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: t}
spec: {spec: {devices: {requests: [{name: r, exactly: {deviceClassName: gpu}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {sim.shipslog/runs-for-s: "1000"}}
spec:
  schedulerName: nobody
  resourceClaims: [{name: gpu, resourceClaimTemplateName: t}]
  containers: [{name: c, image: i, resources: {claims: [{name: gpu}]}}]
"""


async def test_on_a_cluster(cluster: TestCluster) -> None:
    await cluster.apply(TEMPLATE)
    held = await cluster.wait(core_v1.Pod, "p", until=lambda p: bool(p.status.resource_claim_statuses))
    (claim,) = cluster.list(ResourceClaim)
    assert held.status.resource_claim_statuses[0].resource_claim_name == claim.metadata.name
    await cluster.delete(core_v1.Pod, "p")
    await cluster.gone(ResourceClaim, claim.metadata.name)


def test_a_pod_that_no_scheduler_has_placed_has_its_claims_too() -> None:
    one = core_v1.PodResourceClaim(name="gpu", resource_claim_name="c")
    placed = pod("p", node="n", spec=core_v1.PodSpec(resource_claims=(one,)))
    view = view_of(placed, replace(claim(), status=ResourceClaimStatus(allocation=AllocationResult())))
    (update,) = rules.decide(view, "pod/default/p", now=NOW).commands
    assert isinstance(update, Update) and [held.uid for held in update.object.status.reserved_for] == ["uid-pods-p"]
    add(view, update.object)
    assert not rules.decide(view, "pod/default/p", now=NOW).commands
