"""A pod's claims on devices: it waits until they are there, and goes where those that are allocated can be used.

Nobody allocates devices here: a claim that asks for some waits until a driver's own scheduler has given it any. One that asks
for none is given an empty allocation with its pod.

Source: the plugin DynamicResources of Kubernetes 1.37 (PreFilter, Filter).
"""

from typing import TYPE_CHECKING

from shipslog.reconcilers.cluster.device_claims import claims_of
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from .fit import Final, matches_term
from .nodes import NodesState

if TYPE_CHECKING:
    from shipslog.store.objects.types.resource_v1 import AllocationResult, ResourceClaim

CLASSES = "deviceclasses.resource.k8s.io"
NOT_ALLOCATED = "cannot allocate all claims"
NOT_THERE = "resourceclaim not available on the node"
IN_USE = "resourceclaim in use"
CONSUMERS = 256  # that a claim can be reserved for


class Devices:
    """The claims of one pod. `refused`: why no node will do; "" when some may."""

    def __init__(self, view: View, nodes: NodesState, pod: core_v1.Pod) -> None:
        self.refused = ""
        claims = claims_of(view, pod)
        for claim in claims:
            self.refused = self.refused or _refused(view, claim, pod.metadata.uid)
        self.why = [""] * len(nodes.order)
        if self.refused:
            return
        open_ = any(claim.status.allocation is None and claim.spec.devices.requests for claim in claims)
        given = [claim.status.allocation for claim in claims if claim.status.allocation is not None]
        for i, load in enumerate(nodes.order):
            if load.node is not None and not all(_reachable(one, load.node) for one in given):
                self.why[i] = NOT_THERE
            elif open_:
                self.why[i] = NOT_ALLOCATED


def _refused(view: View, claim: "ResourceClaim", uid: str) -> str:
    reserved = claim.status.reserved_for
    if len(reserved) >= CONSUMERS and all(one.uid != uid for one in reserved):
        return Final(IN_USE)
    for request in claim.spec.devices.requests if claim.status.allocation is None else ():
        asked = (request.exactly,) if request.exactly is not None else request.first_available
        for one in asked:
            if view.entry(CLASSES, one.device_class_name) is None:
                return Final(f"request {request.name}: device class {one.device_class_name} does not exist")
    return ""


def _reachable(allocation: "AllocationResult", node: core_v1.Node) -> bool:
    chosen = allocation.node_selector
    return chosen is None or any(matches_term(term, node) for term in chosen.node_selector_terms)
