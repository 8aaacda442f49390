"""Pods with claims on devices: they wait until these are there, and go where what was allocated can be used."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers import scheduler
from shipslog.reconcilers.rule.decision import Decision
from shipslog.store.commands import Bind, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.resource_v1 import (
    AllocationResult,
    DeviceClaim,
    DeviceRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimStatus,
)

from ..views import BORN, NOW, add, meta, node, owned_by, pod, view_of, woken
from .test_volumes import bound, told


def user(name: str = "p", claim: str = "", made: str = "", **more: Any) -> core_v1.Pod:
    one = core_v1.PodResourceClaim(
        name="gpu", resource_claim_name=claim or None, resource_claim_template_name=None if claim else "t"
    )
    statuses = (core_v1.PodResourceClaimStatus(name="gpu", resource_claim_name=made),) if made else ()
    waits = pod(name, spec=core_v1.PodSpec(resource_claims=(one,)), **more)
    return replace(waits, status=replace(waits.status, resource_claim_statuses=statuses))


def claim(name: str = "c", *, on: str = "", asks: bool = False, **more: Any) -> ResourceClaim:
    key = core_v1.NodeSelectorRequirement(key="kubernetes.io/hostname", operator="In", values=(on,))
    selector = core_v1.NodeSelector(node_selector_terms=(core_v1.NodeSelectorTerm(match_expressions=(key,)),))
    exactly = DeviceRequest(name="r", exactly=ExactDeviceRequest(device_class_name="gpus"))
    spec = ResourceClaimSpec(devices=DeviceClaim(requests=(exactly,) if asks or on else ()))
    status = ResourceClaimStatus(allocation=AllocationResult(node_selector=selector) if on else None)
    return ResourceClaim(metadata=meta(name, **more), spec=spec, status=status)


def place(name: str) -> core_v1.Node:
    return node(name, labels={"kubernetes.io/hostname": name})


def decided(*things: Any) -> Decision:
    return scheduler.decide(view_of(*things), "pending", now=NOW)


def test_no_pod_is_bound_before_its_claims_are_there() -> None:
    for pods in (user(), user(claim="c"), user(made="c")):
        decision = decided(place("a"), pods)
        assert not decision.commands and not decision.says
    assert not decided(place("a"), user(claim="c"), claim(deletion_timestamp=BORN, finalizers=("mine",))).commands
    stranger = claim(owner_references=owned_by("other", uid="other"))
    assert not decided(place("a"), user(made="c"), stranger).commands


def test_it_is_looked_at_when_they_come() -> None:
    view = view_of(place("a"), user())
    made = claim(owner_references=owned_by("p", uid="uid-pods-p"))
    assert woken(scheduler.WAKES, view, made) == ["pending"]
    add(view, made)
    assert woken(scheduler.WAKES, view, user(made="c")) == ["pending"]
    assert bound(scheduler.decide(view, "pending", now=NOW)) == {"p": "a"}


def test_those_that_ask_for_nothing_are_the_pods_with_it() -> None:
    decision = decided(place("a"), user(claim="c"), claim())
    kept, reserved, bind = decision.commands
    assert isinstance(kept, Update) and kept.object.metadata.finalizers == ("resource.kubernetes.io/delete-protection",)
    assert isinstance(reserved, Update) and reserved.object.status.allocation == AllocationResult()
    assert [one.uid for one in reserved.object.status.reserved_for] == ["uid-pods-p"] and isinstance(bind, Bind)


def test_what_was_allocated_decides_where() -> None:
    nodes = place("a"), place("b")
    assert bound(decided(*nodes, user(claim="c"), claim(on="b"))) == {"p": "b"}
    assert told(decided(*nodes, user(claim="c"), claim(on="z"))) == [
        "0/2 nodes are available: 2 resourceclaim not available on the node."
    ]


def test_what_nobody_has_allocated_is_waited_for() -> None:
    why = told(decided(place("a"), user(claim="c"), claim(asks=True)))
    assert why == ["0/1 nodes are available: request r: device class gpus does not exist."]


def test_a_pod_that_was_told_so_is_bound_when_it_is_allocated() -> None:
    view = view_of(place("a"), user(claim="c"), open_ := claim(asks=True))
    (update,) = [c for c in scheduler.decide(view, "pending", now=NOW).commands if isinstance(c, Update)]
    add(view, update.object, replace(open_, status=claim(on="a").status))
    assert bound(scheduler.decide(view, "pending", now=NOW)) == {"p": "a"}
