"""Which addresses a node has, and where its API listens, by the families that the settings give the cluster.

Tests: tests/engine/settings/test_node_addresses.py
"""

from shipslog.runtime.choice import Ground, pod_cidr_of_node
from shipslog.runtime.machine.node_facts import main_addresses
from shipslog.store.families import Family, families_in, first_in, of_family, ranges_in

from .resolved import Settings


def everywhere(settings: Settings) -> str:
    """All addresses of the families that pods have."""
    return "::" if "IPv6" in families_in(settings.pod_cidr) else "0.0.0.0"


def node_addresses(settings: Settings, ground: Ground) -> tuple[str, ...]:
    """One of each family that pods have; of IPv6 that of the pods' bridge where the machine has none that others reach."""
    if settings.node_ip:
        return tuple(settings.node_ip.split(","))
    gateways = [first_in(cidr) for cidr in ranges_in(pod_cidr_of_node(settings.pod_cidr, masks_of(settings)))]
    families = families_in(settings.pod_cidr)
    if ground.rootless is not None:
        own = (ground.rootless.address, *of_family(gateways, "IPv6"))
        return tuple(address for family in families for address in of_family(own, family)[:1])
    bridged = gateways if settings.runtime in ("auto", "oci") else ["::1"] if families[0] == "IPv6" else []
    return main_addresses(families, bridged)


def masks_of(settings: Settings) -> dict[Family, int]:
    """How large a part of the pods' ranges a node has."""
    return {"IPv4": settings.node_cidr_mask_size_ipv4, "IPv6": settings.node_cidr_mask_size_ipv6}
