"""A node's own object: registered when its runtime reports, and kept true. Its lease: node_lease.py.

Source: kubelet's node status setters, Kubernetes 1.32.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Create, Update
from shipslog.store.facts import NodeObserved, PressureObserved
from shipslog.store.families import ranges_in
from shipslog.store.objects.conditions import dated
from shipslog.store.objects.fields import shapes
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.view import View

from .eviction.thresholds import DISK, MEMORY, PROCESSES, conditions
from .resources import is_extended

# by condition of pressure: (reason, message) without it, and with it
PRESSURE = {
    MEMORY: (
        ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
    ),
    DISK: (
        ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("KubeletHasDiskPressure", "kubelet has disk pressure"),
    ),
    PROCESSES: (
        ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
    ),
}


def _reporter(view: View, fact: NodeObserved | PressureObserved) -> Iterable[str]:
    return (fact.node,)


WAKES = rule(core_v1.Node).hears(NodeObserved, PressureObserved, to=_reporter)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Register the node, keep its status."""
    observed = view.node_observed(key)
    if observed is None:
        return Decision(reason="its node has not reported")
    node = view.get(core_v1.Node, key)
    if node is None and not observed.registers:
        return Decision(reason="somebody is to make its object (--register-node=false)")
    if node is None:
        held, _ = conditions(view.pressure(key), now)
        made = _new(observed, _pressing(held), now)
        return Decision(reason="registering the node", commands=(Create(object=made),), requeue_after=0.05)
    cidrs = ranges_in(observed.pod_cidr)
    spec = replace(node.spec, pod_cidr=cidrs[0] if cidrs else "", pod_cidrs=cidrs)
    labels = {**node.metadata.labels, **_labels(observed)}
    if node.metadata.labels != labels or (not node.spec.pod_cidr and spec != node.spec):
        fixed = replace(
            node, metadata=replace(node.metadata, labels=labels), spec=spec if not node.spec.pod_cidr else node.spec
        )
        return Decision(reason="its labels", commands=(Update(object=fixed),))
    held, ends_s = conditions(view.pressure(key), now)
    status = _status(observed, node.status, _pressing(held), now)
    commands = (Update(object=replace(node, status=status), subresource="status"),) if status != node.status else ()
    return Decision(reason="its status" if commands else "as it should be", commands=commands, requeue_after=ends_s)


Wanted = tuple[tuple[str, str, str, str], ...]  # (type, status, reason, message)


def _pressing(held: Mapping[str, bool]) -> Wanted:
    """The conditions of a node that is up, with those of pressure."""
    pressures = tuple((name, str(holds), *PRESSURE[name][holds]) for name, holds in held.items())
    return (*pressures, ("Ready", "True", "KubeletReady", "kubelet is posting ready status"))


def _new(observed: NodeObserved, wanted: Wanted, now: Instant) -> core_v1.Node:
    cidrs = ranges_in(observed.pod_cidr)
    return core_v1.Node(
        metadata=meta_v1.ObjectMeta(name=observed.node, labels=_labels(observed)),
        spec=core_v1.NodeSpec(
            pod_cidr=cidrs[0] if cidrs else "",
            pod_cidrs=cidrs,
            taints=tuple(_taint(text) for text in observed.taints),
        ),
        status=_status(observed, core_v1.NodeStatus(), wanted, now),
    )


def _taint(text: str) -> core_v1.Taint:
    """`key=value:effect`"""
    rest, _, effect = text.rpartition(":")
    key, _, value = rest.partition("=")
    return core_v1.Taint(key=key, value=value, effect=effect)


def _labels(observed: NodeObserved) -> dict[str, str]:
    system, machine = observed.info.get("operatingSystem", "linux"), observed.info.get("architecture", "amd64")
    return {
        "beta.kubernetes.io/arch": machine,
        "beta.kubernetes.io/os": system,
        "kubernetes.io/arch": machine,
        "kubernetes.io/hostname": observed.node,
        "kubernetes.io/os": system,
        **observed.labels,
    }


def _status(observed: NodeObserved, old: core_v1.NodeStatus, wanted: Wanted, now: Instant) -> core_v1.NodeStatus:
    names = _names_of_info()
    of_info: dict[str, Any] = {names[k]: v for k, v in observed.info.items() if k in names}
    info = core_v1.NodeSystemInfo(**of_info)
    # what somebody else says that the node has besides, stays
    others = {name: amount for name, amount in old.capacity.items() if is_extended(name) and name not in observed.capacity}
    return replace(
        old, capacity={**observed.capacity, **others}, allocatable={**(observed.allocatable or observed.capacity), **others},
        addresses=tuple(core_v1.NodeAddress(type=t, address=a) for t, a in observed.addresses), node_info=info,
        conditions=_conditions(old.conditions, wanted, now),
        daemon_endpoints=_endpoints(observed, old),
    )  # fmt: skip


@cache
def _names_of_info() -> dict[str, str]:
    """By the name of a text on the wire its attribute."""
    fields = shapes.fields_of(core_v1.NodeSystemInfo).values()
    return {f.name: f.attribute for f in fields if f.shape.form == "string"}


def _endpoints(observed: NodeObserved, old: core_v1.NodeStatus) -> core_v1.NodeDaemonEndpoints:
    """Where its kubelet listens."""
    if not observed.kubelet_port:
        return old.daemon_endpoints
    return core_v1.NodeDaemonEndpoints(kubelet_endpoint=core_v1.DaemonEndpoint(port=observed.kubelet_port))


def _conditions(old: tuple[core_v1.NodeCondition, ...], wanted: Wanted, now: Instant) -> tuple[core_v1.NodeCondition, ...]:
    before, out = {c.type: c for c in old}, []
    for type_, status, reason, message in wanted:
        held = before.get(type_)
        if held is not None and (held.status, held.reason) == (status, reason):
            out.append(held)
            continue
        new = core_v1.NodeCondition(
            type=type_, status=status, reason=reason, message=message, last_heartbeat_time=api_time(now)
        )  # fmt: skip
        out.append(dated(new, held, api_time(now)))
    made = {type_ for type_, *_ in wanted}
    return (*(c for c in old if c.type not in made), *out)


RECONCILER = Reconciler(name="node", actor="system:controller:node", wakes=WAKES, decide=decide, version=3)
