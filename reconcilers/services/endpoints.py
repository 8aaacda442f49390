"""Keeps the Endpoints object of every Service that has a selector."""

from collections.abc import Iterator

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import namesake, rule
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.view import View
from shipslog.store.wording import counted

from .endpoint_targets import Target, labels_of, services_of, targets_of

HEADLESS = "service.kubernetes.io/headless"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
MAX_ADDRESSES = 1000


WAKES = (
    rule(core_v1.Service)
    .watches(core_v1.Pod, to=services_of, by=labels_of)
    .watches(core_v1.Endpoints, to=namesake, at_start=True)  # also those whose Service went while nobody looked
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make, change or delete the Endpoints of one Service."""
    namespace, _, name = key.partition("/")
    service = view.get(core_v1.Service, name, namespace)
    current = view.get(core_v1.Endpoints, name, namespace)
    if service is None:
        # A Service that never was: Endpoints of that name are somebody's own, unless they say who made them.
        if current is not None and _ours(current):
            delete = Delete(resource="endpoints", namespace=namespace, name=name, uid=current.metadata.uid)
            return Decision(reason="its Service is gone", commands=(delete,))
        return Decision(reason="there is no such Service")
    if not service.spec.selector or service.metadata.deletion_timestamp:
        return Decision(reason="the Service has no selector: its Endpoints are its owner's")
    targets = targets_of(view, service)
    subsets = tuple(_subsets([t for t in targets if not t.terminating or service.spec.publish_not_ready_addresses]))
    labels = {k: v for k, v in service.metadata.labels.items() if k != HEADLESS}
    if service.spec.cluster_ip == "None":
        labels[HEADLESS] = ""
    labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller"
    if current is None:
        meta = meta_v1.ObjectMeta(name=name, namespace=namespace, labels=labels)
        return Decision(reason=_counts(targets), commands=(Create(object=core_v1.Endpoints(metadata=meta, subsets=subsets)),))
    if current.subsets == subsets and current.metadata.labels == labels:
        return Decision(reason="the Endpoints are as they should be")
    changed = replace(current, metadata=replace(current.metadata, labels=labels), subsets=subsets)
    return Decision(reason=_counts(targets), commands=(Update(object=changed),))


def _ours(endpoints: core_v1.Endpoints) -> bool:
    return endpoints.metadata.labels.get("endpoints.kubernetes.io/managed-by") == "endpoint-controller"


def _counts(targets: list[Target]) -> str:
    return f"{sum(t.ready for t in targets)} of {counted(len(targets), 'pod is', 'pods are')} ready"


def _subsets(targets: list[Target]) -> Iterator[core_v1.EndpointSubset]:
    """Addresses with the same ports, each port of a pod by itself first, then put together: as RepackSubsets does."""
    by_port: dict[tuple[tuple[str, str, int, str | None], ...], list[Target]] = {}
    for target in targets[:MAX_ADDRESSES]:
        ports = tuple(sorted((p.name, p.protocol, p.port, p.app_protocol) for p in target.ports))
        by_port.setdefault(ports, []).append(target)
    for ports, group in sorted(by_port.items(), key=lambda item: [(p[2], p[1], p[0]) for p in item[0]]):
        ordered = sorted(group, key=lambda t: (t.ip, t.pod.metadata.uid))
        yield core_v1.EndpointSubset(
            addresses=tuple(_address(t) for t in ordered if t.ready),
            not_ready_addresses=tuple(_address(t) for t in ordered if not t.ready),
            ports=tuple(core_v1.EndpointPort(name=n, protocol=pr, port=p, app_protocol=a) for n, pr, p, a in ports),
        )


def _address(target: Target) -> core_v1.EndpointAddress:
    return core_v1.EndpointAddress(
        ip=target.ip, hostname=target.hostname, node_name=target.pod.spec.node_name or None, target_ref=target.reference()
    )


RECONCILER = Reconciler(name="endpoints", actor="system:controller:endpoint-controller", wakes=WAKES, decide=decide)
