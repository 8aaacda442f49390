"""IP addresses: who holds an address of the cluster. Source: pkg/apis/networking and its printers."""

import ipaddress
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.networking_v1 import IPAddress, ParentReference


class IPAddressRules(Strategy):
    about = "An address of the cluster, and who holds it."
    columns = (NAME, Column("ParentRef", "Who holds it."), AGE)

    def cells(self, obj: IPAddress, now_ns: int) -> list[Any]:
        return [obj.metadata.name, _shown(obj.spec.parent_ref), age(obj.metadata.creation_timestamp, now_ns)]

    def name(self, value: str) -> names.Messages:
        """An address as it is written in short."""
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return (names.IP_WORDS,)
        return () if str(address) == value else ("must be a canonical format IP address",)

    def check(self, faults: Faults, obj: IPAddress) -> None:
        ref, path = obj.spec.parent_ref, "spec.parentRef"
        if ref is None:
            faults.required(path)
            return
        if ref.group:
            faults.invalid_each(f"{path}.group", ref.group, names.subdomain(ref.group))
        for field, value in (("resource", ref.resource), ("name", ref.name)):
            if not value:
                faults.required(f"{path}.{field}")
            faults.invalid_each(f"{path}.{field}", value, names.path_segment(value))
        faults.invalid_each(f"{path}.namespace", ref.namespace, names.path_segment(ref.namespace))

    def check_update(self, faults: Faults, old: IPAddress, new: IPAddress, subresource: str) -> None:
        if old.spec.parent_ref != new.spec.parent_ref:
            faults.invalid("spec.parentRef", new.spec.parent_ref, IMMUTABLE)


def _shown(ref: ParentReference | None) -> str:
    """services/default/kubernetes"""
    if ref is None:
        return "<none>"
    resource = f"{ref.resource}.{ref.group}" if ref.group else ref.resource
    return "/".join(part for part in (resource, ref.namespace, ref.name) if part)


STRATEGY = IPAddressRules()
