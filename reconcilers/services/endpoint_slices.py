"""Keeps the EndpointSlices of every Service that has a selector: at most a hundred endpoints each, as few changed as can be.

Tests: tests/reconcilers/services/test_endpoints.py
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.pods import owner_reference
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.families import Family
from shipslog.store.objects.types import core_v1, discovery_v1, meta_v1
from shipslog.store.view import View
from shipslog.store.wording import counted

from .endpoint_targets import (
    MANAGED_BY,
    SERVICE_NAME,
    Port,
    Target,
    by_ports,
    families_of,
    labels_of,
    moves,
    services_of,
    targets_of,
)
from .endpoints import HEADLESS

RESOURCE = "endpointslices.discovery.k8s.io"
CONTROLLER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
SAME_NODE = "PreferSameNode"  # spec.trafficDistribution; what else it may say is about zones


def _service_of(view: View, slice_: discovery_v1.EndpointSlice) -> Iterable[str]:
    """The Service that a slice says it is of."""
    name = slice_.metadata.labels.get(SERVICE_NAME, "")
    return (f"{slice_.metadata.namespace}/{name}",) if name else ()


def _served_on(view: View, node: core_v1.Node) -> Iterable[str]:
    """The Services of the pods on a node whose zone has changed."""
    return dict.fromkeys(key for pod in view.pods_on(node.metadata.name) for key in services_of(view, pod))


WAKES = (
    rule(core_v1.Service)
    .watches(core_v1.Pod, to=services_of, by=labels_of)
    .watches(discovery_v1.EndpointSlice, to=_service_of)
    .watches(core_v1.Node, to=_served_on, when=moves)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make, change or delete the slices of one Service."""
    namespace, _, name = key.partition("/")
    service = view.get(core_v1.Service, name, namespace)
    labels = {SERVICE_NAME: name, MANAGED_BY: CONTROLLER}
    current = list(view.select(discovery_v1.EndpointSlice, namespace, labels))
    if service is None or not service.spec.selector or service.spec.type == "ExternalName":
        gone = tuple(_delete(s) for s in current) if service is not None else ()
        return Decision(reason="no Service with a selector", commands=gone)
    if service.metadata.deletion_timestamp:
        return Decision(reason="the Service is going")
    families = families_of(service)
    primary: list[Target] = []
    commands: list[AnyObjectCommand] = []
    for family in families:
        targets = targets_of(view, service, family)
        primary = primary if family != families[0] else targets
        commands += _of_family(service, family, targets, [s for s in current if s.address_type == family])
    commands += [_delete(s) for s in current if s.address_type not in families]
    ready = sum(t.ready for t in primary)
    return Decision(reason=f"{ready} of {counted(len(primary), 'pod is', 'pods are')} ready", commands=tuple(commands))


def _of_family(
    service: core_v1.Service, family: Family, targets: list[Target], current: list[discovery_v1.EndpointSlice]
) -> list[AnyObjectCommand]:
    """What the slices of one family lack, or have too many."""
    groups = by_ports(targets) or [((), [])]
    commands_left: list[AnyObjectCommand] = []
    free = list(current)
    for ports, group in groups:
        same = [s for s in free if _ports(ports) == s.ports]
        free = [s for s in free if s not in same]
        commands_left += _fit(service, family, ports, group, same)
    spare = [c for c in commands_left if isinstance(c, Create)]
    for slice_ in free:
        if len(spare) == 1 and not commands_left[1:]:  # the only slice changes its ports
            make = spare.pop()
            commands_left = [Update(object=replace(slice_, ports=make.object.ports, endpoints=make.object.endpoints))]
        else:
            commands_left.append(_delete(slice_))
    return commands_left


def _delete(slice_: discovery_v1.EndpointSlice) -> Delete:
    meta = slice_.metadata
    return Delete(resource=RESOURCE, namespace=meta.namespace, name=meta.name, uid=meta.uid)


def _fit(
    service: core_v1.Service,
    family: Family,
    ports: tuple[Port, ...],
    targets: Sequence[Target],
    current: list[discovery_v1.EndpointSlice],
) -> list[AnyObjectCommand]:
    """Put the endpoints into the slices that hold them already; new ones where there is room; the rest into new slices."""
    wanted = {t.pod.metadata.uid: _endpoint(service, t) for t in sorted(targets, key=lambda t: (t.ip, t.pod.metadata.uid))}
    labels = _labels(service)
    kept: list[tuple[discovery_v1.EndpointSlice, list[discovery_v1.Endpoint]]] = []
    for slice_ in current:
        uids = [e.target_ref.uid for e in slice_.endpoints if e.target_ref is not None]
        kept.append((slice_, [wanted.pop(uid) for uid in uids if uid in wanted]))
    left = list(wanted.values())
    for _, endpoints in sorted(kept, key=lambda item: -len(item[1])):
        room = MAX_ENDPOINTS - len(endpoints)
        endpoints += left[:room]
        left = left[room:]
    commands: list[AnyObjectCommand] = []
    empty = [slice_ for slice_, endpoints in kept if not endpoints]
    doomed = empty if any(endpoints for _, endpoints in kept) or left else empty[1:]
    for slice_, endpoints in kept:
        if slice_ in doomed:
            commands.append(_delete(slice_))
        elif tuple(endpoints) != slice_.endpoints or slice_.metadata.labels != labels:
            meta = replace(slice_.metadata, labels=labels)
            commands.append(Update(object=replace(slice_, metadata=meta, endpoints=tuple(endpoints))))
    chunks = [left[i : i + MAX_ENDPOINTS] for i in range(0, len(left), MAX_ENDPOINTS)] or ([] if kept else [[]])
    commands += [Create(object=_slice(service, family, ports, chunk, labels)) for chunk in chunks]
    return commands


def _slice(
    service: core_v1.Service,
    family: Family,
    ports: tuple[Port, ...],
    endpoints: Sequence[discovery_v1.Endpoint],
    labels: dict[str, str],
) -> discovery_v1.EndpointSlice:
    meta = service.metadata
    return discovery_v1.EndpointSlice(
        metadata=meta_v1.ObjectMeta(
            generate_name=f"{meta.name}-", namespace=meta.namespace, labels=labels, owner_references=(owner_reference(service),)
        ),
        address_type=family, endpoints=tuple(endpoints), ports=_ports(ports),
    )  # fmt: skip


def _labels(service: core_v1.Service) -> dict[str, str]:
    labels = {**service.metadata.labels, SERVICE_NAME: service.metadata.name, MANAGED_BY: CONTROLLER}
    labels.pop(HEADLESS, None)
    if service.spec.cluster_ip == "None":
        labels[HEADLESS] = ""
    return labels


def _ports(ports: tuple[Port, ...]) -> tuple[discovery_v1.EndpointPort, ...]:
    return tuple(
        discovery_v1.EndpointPort(name=p.name, protocol=p.protocol, port=p.port, app_protocol=p.app_protocol) for p in ports
    )


def _hints(service: core_v1.Service, target: Target) -> discovery_v1.EndpointHints | None:
    """For whom an endpoint is meant first. Source: the endpointslice controller's traffic distribution, Kubernetes 1.37."""
    wanted, node = service.spec.traffic_distribution, target.pod.spec.node_name
    if not wanted or not target.ready:
        return None
    zones = (discovery_v1.ForZone(name=target.zone),) if target.zone else ()
    nodes = (discovery_v1.ForNode(name=node),) if node and wanted == SAME_NODE else ()
    return discovery_v1.EndpointHints(for_zones=zones, for_nodes=nodes) if zones or nodes else None


def _endpoint(service: core_v1.Service, target: Target) -> discovery_v1.Endpoint:
    conditions = discovery_v1.EndpointConditions(ready=target.ready, serving=target.serving, terminating=target.terminating)
    return discovery_v1.Endpoint(
        addresses=(target.ip,), conditions=conditions, hostname=target.hostname or None, target_ref=target.reference(),
        node_name=target.pod.spec.node_name or None, zone=target.zone or None, hints=_hints(service, target),
    )  # fmt: skip


RECONCILER = Reconciler(
    name="endpoint-slices", actor="system:controller:endpointslice-controller", wakes=WAKES, decide=decide, version=2
)
