"""Ranges of addresses that Services are given from. Source: pkg/apis/networking and its printers."""

import ipaddress
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.networking_v1 import ServiceCIDR

NOT_DUAL = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


class ServiceCIDRRules(WithSpec):
    about = "A range of addresses that Services are given from."
    counts = False
    columns = (NAME, Column("CIDRs", "The ranges, one of each family at most."), AGE)

    def cells(self, obj: ServiceCIDR, now_ns: int) -> list[Any]:
        return [obj.metadata.name, ",".join(obj.spec.cidrs), age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: ServiceCIDR) -> None:
        cidrs, path = obj.spec.cidrs, "spec.cidrs"
        if not cidrs:
            faults.required(path, "at least one CIDR required")
        elif len(cidrs) > 2:
            faults.invalid(path, obj.spec, "may only hold up to 2 values")
        elif len(cidrs) == 2 and sorted(names.network(c).version for c in cidrs if not names.cidr(c)) != [4, 6]:
            faults.invalid(path, obj.spec, NOT_DUAL)
        else:
            for i, cidr in enumerate(cidrs):
                _check_cidr(faults, cidr, f"{path}[{i}]")

    def check_change(self, faults: Faults, old: ServiceCIDR, new: ServiceCIDR) -> None:
        """Once it is there, its ranges are what they are; one of the other family may come to one that stands alone."""
        if old.spec.cidrs != new.spec.cidrs and (len(old.spec.cidrs), old.spec.cidrs) != (1, new.spec.cidrs[:1]):
            faults.invalid("spec.cidrs", new.spec.cidrs, IMMUTABLE)


def _check_cidr(faults: Faults, cidr: str, path: str) -> None:
    """The first address of a range and the length of its prefix."""
    if messages := names.cidr(cidr):
        faults.invalid_each(path, cidr, messages)
        return
    address, bits = cidr.split("/")
    network = names.network(cidr)
    if address.isascii() and str(network) != cidr:
        try:
            plain = str(ipaddress.ip_address(address)) == address and str(int(bits)) == bits
        except ValueError:
            plain = False
        words = f'must not have bits set beyond the prefix length; use "{network}"'
        faults.invalid(path, cidr, words if plain else f'must be in canonical form ("{network}")')


STRATEGY = ServiceCIDRRules()
