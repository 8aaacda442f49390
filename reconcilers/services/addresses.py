"""Which addresses Services hold: an IPAddress for each, as other clusters' tools look for them, and gone when it is given back.

The Services are the truth; what says so besides is made and mended here. Source: the API server's repair loop of addresses.
"""

from collections.abc import Iterable

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Create, Delete
from shipslog.store.families import canonical, family_of
from shipslog.store.objects.types import core_v1, meta_v1, networking_v1
from shipslog.store.projections import index
from shipslog.store.view import View

RESOURCE = "ipaddresses.networking.k8s.io"
FAMILY, MANAGED_BY, ALLOCATOR = "ipaddress.kubernetes.io/ip-family", "ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"


def addresses_of(service: core_v1.Service) -> tuple[str, ...]:
    """The cluster addresses that a Service holds, however it writes them; () for headless and external ones."""
    spec = service.spec
    held = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return () if spec.type == "ExternalName" else tuple(canonical(a) for a in held if a != "None")


BY_ADDRESS = index("services by address", ("services",), addresses_of)


def _held(view: View, service: core_v1.Service) -> Iterable[str]:
    return addresses_of(service)


WAKES = rule(networking_v1.IPAddress).watches(core_v1.Service, to=_held, at_start=True)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make the IPAddress of a held address, or take away that of one that nobody holds."""
    holder = next((entry.object for entry in view.find(BY_ADDRESS, key)), None)
    found = view.get(networking_v1.IPAddress, key)
    if holder is None:
        if found is None or not is_managed(found):
            return Decision(reason="no Service holds it")
        return Decision(reason="no Service holds it any more", commands=(_delete(found),))
    wanted = networking_v1.ParentReference(resource="services", namespace=holder.metadata.namespace, name=holder.metadata.name)
    if found is None:
        meta = meta_v1.ObjectMeta(name=key, labels={FAMILY: family_of(key), MANAGED_BY: ALLOCATOR})
        made = networking_v1.IPAddress(metadata=meta, spec=networking_v1.IPAddressSpec(parent_ref=wanted))
        return Decision(reason="a Service holds it", commands=(Create(object=made),))
    if found.spec.parent_ref != wanted and not found.metadata.deletion_timestamp:
        return Decision(reason="another one holds it than it says", commands=(_delete(found),))
    return Decision(reason="it says who holds it")


def is_managed(address: networking_v1.IPAddress) -> bool:
    """Whether it was made here, and not by somebody who keeps an address for something else."""
    return address.metadata.labels.get(MANAGED_BY) == ALLOCATOR


def _delete(address: networking_v1.IPAddress) -> Delete:
    return Delete(resource=RESOURCE, name=address.metadata.name, uid=address.metadata.uid)


RECONCILER = Reconciler(
    name="service-addresses", actor="system:controller:service-ip-repair", wakes=WAKES, decide=decide, projections=(BY_ADDRESS,)
)
