"""Mirrors the Endpoints that people write for Services without a selector into EndpointSlices: the proxy reads only those.

Tests: tests/reconcilers/services/test_endpoints.py
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import namesake, rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.families import FAMILIES, Family, family_of
from shipslog.store.objects.types import core_v1, discovery_v1, meta_v1
from shipslog.store.view import View
from shipslog.store.wording import counted

from .endpoint_slices import RESOURCE
from .endpoint_targets import MANAGED_BY, SERVICE_NAME

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"


def _mirrored_from(view: View, slice_: discovery_v1.EndpointSlice) -> Iterable[str]:
    """The Endpoints that a slice of ours mirrors."""
    meta = slice_.metadata
    if meta.labels.get(MANAGED_BY) == CONTROLLER:
        yield f"{meta.namespace}/{meta.labels.get(SERVICE_NAME, '')}"


WAKES = (
    rule(core_v1.Endpoints)
    .watches(core_v1.Service, to=namesake)
    .watches(discovery_v1.EndpointSlice, to=_mirrored_from, at_start=True)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """One slice for each subset of the Endpoints."""
    namespace, _, name = key.partition("/")
    endpoints, service = view.get(core_v1.Endpoints, name, namespace), view.get(core_v1.Service, name, namespace)
    current = list(view.select(discovery_v1.EndpointSlice, namespace, {SERVICE_NAME: name, MANAGED_BY: CONTROLLER}))
    wanted: list[discovery_v1.EndpointSlice] = []
    if endpoints is not None and service is not None and not service.spec.selector and mirrored(endpoints):
        wanted = [_slice(endpoints, subset, family) for subset in endpoints.subsets for family in _families(subset)]
    commands: list[AnyObjectCommand] = []
    for family in FAMILIES:  # of which a slice is cannot change
        has = [have for have in current if have.address_type == family]
        wants = [want for want in wanted if want.address_type == family]
        for have, want in zip(has, wants, strict=False):
            if (have.endpoints, have.ports) != (want.endpoints, want.ports):
                commands.append(Update(object=replace(have, endpoints=want.endpoints, ports=want.ports)))
        commands += [Create(object=want) for want in wants[len(has) :]]
        for have in has[len(wants) :]:
            meta = have.metadata
            commands.append(Delete(resource=RESOURCE, namespace=namespace, name=meta.name, uid=meta.uid))
    return Decision(reason=f"{counted(len(wanted), 'subset', 'subsets')} to mirror", commands=tuple(commands))


def _families(subset: core_v1.EndpointSubset) -> tuple[Family, ...]:
    """Those that its addresses are of; of a subset without any, IPv4."""
    there = {family_of(address.ip) for address in (*subset.addresses, *subset.not_ready_addresses)}
    return tuple(family for family in FAMILIES if family in there) or FAMILIES[:1]


def mirrored(endpoints: core_v1.Endpoints) -> bool:
    """Whether nobody said that they should not be."""
    meta = endpoints.metadata
    return meta.labels.get(SKIP) != "true" and "control-plane.alpha.kubernetes.io/leader" not in meta.annotations


def _slice(endpoints: core_v1.Endpoints, subset: core_v1.EndpointSubset, family: Family) -> discovery_v1.EndpointSlice:
    meta = endpoints.metadata
    owner = meta_v1.OwnerReference(
        api_version="v1", kind="Endpoints", name=meta.name, uid=meta.uid, controller=True, block_owner_deletion=True
    )
    labels = {**meta.labels, SERVICE_NAME: meta.name, MANAGED_BY: CONTROLLER}
    return discovery_v1.EndpointSlice(
        metadata=meta_v1.ObjectMeta(
            generate_name=f"{meta.name}-", namespace=meta.namespace, labels=labels, owner_references=(owner,)
        ),
        address_type=family,
        endpoints=(
            *(_endpoint(a, True) for a in subset.addresses if family_of(a.ip) == family),
            *(_endpoint(a, False) for a in subset.not_ready_addresses if family_of(a.ip) == family),
        ),
        ports=tuple(
            discovery_v1.EndpointPort(name=p.name, protocol=p.protocol or "TCP", port=p.port, app_protocol=p.app_protocol)
            for p in subset.ports
        ),
    )


def _endpoint(address: core_v1.EndpointAddress, ready: bool) -> discovery_v1.Endpoint:
    return discovery_v1.Endpoint(
        addresses=(address.ip,), conditions=discovery_v1.EndpointConditions(ready=ready), hostname=address.hostname or None,
        node_name=address.node_name, target_ref=address.target_ref,
    )  # fmt: skip


RECONCILER = Reconciler(
    name="endpoint-slice-mirroring", actor="system:controller:endpointslicemirroring-controller",
    wakes=WAKES, decide=decide,
)  # fmt: skip
