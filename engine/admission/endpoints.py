"""Endpoints and endpoint slices."""

from msgspec.structs import replace

from shipslog.store.objects.core_v1 import EndpointAddress, EndpointPort, Endpoints, EndpointSubset
from shipslog.store.objects.discovery_v1 import EndpointSlice
from shipslog.store.objects.registry import Kind

from .context import Admission
from .defaults.services import default_endpoints, default_slice
from .fields import IMMUTABLE, Faults
from .strategy import Strategy, generation_after
from .validation import endpoints as rules


class EndpointsStrategy(Strategy):
    def default(self, obj: Endpoints) -> Endpoints:
        return default_endpoints(obj)

    def check(self, faults: Faults, obj: Endpoints) -> None:
        rules.check_endpoints(faults, obj)

    def allocate(self, kind: Kind, old: Endpoints | None, obj: Endpoints, ctx: Admission) -> Endpoints:
        """Nothing is scarce here; what is right is brought into its canonical form."""
        subsets = repacked(obj.subsets)
        return obj if subsets == obj.subsets else replace(obj, subsets=subsets)


def repacked(subsets: tuple[EndpointSubset, ...]) -> tuple[EndpointSubset, ...]:
    """The same pairs of address and port in as few subsets as possible, addresses in order.

    An address that is both ready and not ready for a port counts as not ready.
    """
    if len(subsets) == 1 and not subsets[0].not_ready_addresses:
        addresses = _ordered(subsets[0].addresses)
        return subsets if addresses == subsets[0].addresses else (replace(subsets[0], addresses=addresses),)
    held: dict[EndpointPort | None, dict[tuple[str, str], tuple[EndpointAddress, bool]]] = {}
    for subset in subsets:
        for port in subset.ports or (None,):
            addresses_of = held.setdefault(port, {})
            for ready, addresses in ((True, subset.addresses), (False, subset.not_ready_addresses)):
                for address in addresses:
                    key = (address.ip, address.target_ref.uid if address.target_ref is not None else "")
                    if key not in addresses_of or not ready:
                        addresses_of[key] = (address, ready)
    merged: dict[frozenset[tuple[tuple[str, str], bool]], list[EndpointPort | None]] = {}
    for port, addresses_of in held.items():
        merged.setdefault(frozenset((key, ready) for key, (_, ready) in addresses_of.items()), []).append(port)
    out = []
    for ports in merged.values():
        found = held[ports[0]].values()
        out.append(
            EndpointSubset(
                addresses=_ordered(tuple(a for a, ready in found if ready)),
                not_ready_addresses=_ordered(tuple(a for a, ready in found if not ready)),
                ports=tuple(p for p in ports if p is not None),
            )
        )
    return tuple(out)


def _ordered(addresses: tuple[EndpointAddress, ...]) -> tuple[EndpointAddress, ...]:
    if len(addresses) < 2:
        return addresses
    return tuple(sorted(addresses, key=lambda a: (a.ip, a.target_ref.uid if a.target_ref is not None else "")))


class SliceStrategy(Strategy):
    def default(self, obj: EndpointSlice) -> EndpointSlice:
        return default_slice(obj)

    def create(self, kind: Kind, obj: EndpointSlice, ctx: Admission) -> EndpointSlice:
        return replace(obj, metadata=replace(obj.metadata, generation=1))

    def update(self, kind: Kind, old: EndpointSlice, new: EndpointSlice, subresource: str, ctx: Admission) -> EndpointSlice:
        changed = (
            new.endpoints != old.endpoints or new.ports != old.ports or new.address_type != old.address_type
            or new.metadata.labels != old.metadata.labels
        )  # fmt: skip
        return replace(new, metadata=replace(new.metadata, generation=generation_after(old, changed)))

    def check(self, faults: Faults, obj: EndpointSlice) -> None:
        rules.check_slice(faults, obj)

    def check_update(self, faults: Faults, old: EndpointSlice, new: EndpointSlice, subresource: str) -> None:
        rules.check_slice(faults, new)
        if new.address_type != old.address_type:
            faults.invalid("addressType", new.address_type, IMMUTABLE)
