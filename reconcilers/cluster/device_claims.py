"""A pod's claims on devices: which they are, whether all are there, and what has them be the pod's.

Source: the plugin DynamicResources of Kubernetes 1.37 (PreEnqueue, PreBind), and its resource claim controller.

Tests: tests/reconcilers/scheduler/test_devices.py
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import controller_of
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

if TYPE_CHECKING:  # the scheduler is in every cluster, and most have no claims: their types come with the first
    from shipslog.store.objects.types.resource_v1 import ResourceClaim

CLAIMS = "resourceclaims.resource.k8s.io"
PROTECTION = "resource.kubernetes.io/delete-protection"


def names_of(pod: core_v1.Pod) -> Iterator[tuple[str, str | None]]:
    """(its name in the pod, the claim's name) of each claim that a pod needs; None while it is not made of its template."""
    made = {one.name: one for one in pod.status.resource_claim_statuses}
    for named in pod.spec.resource_claims:
        if named.resource_claim_name:
            yield named.name, named.resource_claim_name
        elif (status := made.get(named.name)) is None:
            yield named.name, None
        elif status.resource_claim_name:  # a template may come to no claim
            yield named.name, status.resource_claim_name


def not_yet(view: View, pod: core_v1.Pod) -> str:
    """Why the pod is not looked at yet; "" when all its claims are there."""
    namespace = pod.metadata.namespace
    templates = {named.name for named in pod.spec.resource_claims if named.resource_claim_template_name}
    for own, name in names_of(pod):
        if name is None:
            return f'pod "{namespace}/{pod.metadata.name}": ResourceClaim not created yet'
        entry = view.entry(CLAIMS, name, namespace)
        if entry is None:
            return f'resourceclaim.resource.k8s.io "{name}" not found'
        claim: ResourceClaim = entry.object
        if claim.metadata.deletion_timestamp:
            return f'resourceclaim "{name}" is being deleted'
        owner = controller_of(claim) if own in templates else None
        if own in templates and (owner is None or owner.uid != pod.metadata.uid):
            what = f"pod {namespace}/{pod.metadata.name} ({pod.metadata.uid})"
            return f"ResourceClaim {namespace}/{name} was not created for {what} (pod is not owner)"
    return ""


def claims_of(view: View, pod: core_v1.Pod) -> "list[ResourceClaim]":
    """Those that are there, each once."""
    found = (view.entry(CLAIMS, name, pod.metadata.namespace) for name in dict.fromkeys(n for _, n in names_of(pod)) if name)
    return [entry.object for entry in found if entry is not None]


def reservations(claims: "Iterable[ResourceClaim]", pod: core_v1.Pod) -> list[Update]:
    """What has the claims be the pod's; those that ask for no devices are allocated with it."""
    from shipslog.store.objects.types.resource_v1 import AllocationResult, ResourceClaimConsumerReference

    out: list[Update] = []
    for claim in claims:
        meta, status = claim.metadata, claim.status
        if any(one.uid == pod.metadata.uid for one in status.reserved_for):
            continue
        if status.allocation is None and PROTECTION not in meta.finalizers:
            out.append(Update(object=replace(claim, metadata=replace(meta, finalizers=(*meta.finalizers, PROTECTION)))))
            meta = replace(meta, resource_version="")  # which the update before has changed
        one = ResourceClaimConsumerReference(resource="pods", name=pod.metadata.name, uid=pod.metadata.uid)
        status = replace(status, allocation=status.allocation or AllocationResult(), reserved_for=(*status.reserved_for, one))
        out.append(Update(object=replace(claim, metadata=meta, status=status), subresource="status"))
    return out
