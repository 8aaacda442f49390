"""Gives Services of type LoadBalancer an address of the cluster's pool, and says so in their status.

Which one is drawn from the Service's uid, so that two Services that are decided at the same moment hardly ever take the same;
if they do, the one that is older keeps it.
"""

import hashlib
import ipaddress
from collections.abc import Iterable

from msgspec import UNSET
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.address_pool import from_place, holds
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1
from shipslog.store.projections import index
from shipslog.store.view import View

CLASS = "shipslog.io/pool"  # of load balancers that mean this one by name; those without a class are this one's too
TRIES = 65536  # addresses that are looked at for a free one
VERSIONS = {"IPv4": 4, "IPv6": 6}


def balancers_of(service: core_v1.Service) -> tuple[str, ...]:
    """The addresses that a Service's status says it has."""
    return tuple(one.ip for one in service.status.load_balancer.ingress if one.ip)


BY_BALANCER = index("services by load balancer", ("services",), balancers_of)


def _waiting(view: View, service: core_v1.Service) -> Iterable[str]:
    """The Service itself, and those that wait for an address that it may have given back."""
    yield key_of(service)
    if view.config.load_balancer_pool is not UNSET:
        for other in view.list(core_v1.Service):
            if other is not service and wants(other) and len(balancers_of(other)) < len(_versions(other)):
                yield key_of(other)


WAKES = rule(core_v1.Service).watches(core_v1.Service, to=_waiting)


def wants(service: core_v1.Service) -> bool:
    """Whether a Service is to have an address from here."""
    spec, going = service.spec, service.metadata.deletion_timestamp
    return spec.type == "LoadBalancer" and spec.load_balancer_class in (None, "", CLASS) and not going


def _versions(service: core_v1.Service) -> tuple[int, ...]:
    return tuple(VERSIONS[family] for family in service.spec.ip_families or ("IPv4",))


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Give it what it lacks, leave it what it has, and take back what it has no right to any more."""
    namespace, _, name = key.partition("/")
    service = view.get(core_v1.Service, name, namespace)
    if service is None:
        return Decision(reason="there is no such Service")
    held = balancers_of(service)
    if not wants(service):
        if service.spec.type == "LoadBalancer" or not service.status.load_balancer.ingress:
            return Decision(reason="it is no load balancer of ours")
        return _updated(service, (), "it is no load balancer any more")
    pool = view.config.load_balancer_pool
    if pool is UNSET or not pool:
        return Decision(reason="this cluster has no pool of addresses: see --load-balancer-pool")
    if held and not any(holds(pool, address) for address in held):
        return Decision(reason="somebody else has given it an address")
    kept = tuple(address for address in held if _may_keep(view, service, pool, address))
    given, missing = _given(view, service, pool, kept)
    if missing:
        note = Say(about=reference(service), type="Warning", reason="AllocationFailed", message=missing)
        if given == held:
            return Decision(reason=missing, says=(note,))
        return replace(_updated(service, given, missing), says=(note,))
    return Decision(reason="it has its address") if given == held else _updated(service, given, "an address is free")


def _may_keep(view: View, service: core_v1.Service, pool: str, address: str) -> bool:
    asked = service.spec.load_balancer_ip
    if not holds(pool, address) or ipaddress.ip_address(address).version not in _versions(service):
        return False
    if asked and ipaddress.ip_address(asked).version == ipaddress.ip_address(address).version and asked != address:
        return False
    return not any(_age(entry.object) < _age(service) for entry in view.find(BY_BALANCER, address))


def _age(service: core_v1.Service) -> tuple[str, str]:
    return str(service.metadata.creation_timestamp), service.metadata.uid


def _given(view: View, service: core_v1.Service, pool: str, kept: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """(the addresses, in the order of the Service's families; what is missing and why)"""
    given, missing = [], ""
    for version in _versions(service):
        had = next((address for address in kept if ipaddress.ip_address(address).version == version), "")
        asked = service.spec.load_balancer_ip
        if had:
            given.append(had)
        elif asked and ipaddress.ip_address(asked).version == version:
            if not holds(pool, asked):
                missing = f"{asked} is not in the pool of load balancers, {pool}"
            elif not _free(view, service, asked):
                missing = f"{asked} is another Service's"
            else:
                given.append(asked)
        elif found := _drawn(view, service, pool, version):
            given.append(found)
        else:
            missing = f"no address of IPv{version} is free in the pool of load balancers, {pool}"
    return tuple(given), missing


def _drawn(view: View, service: core_v1.Service, pool: str, version: int) -> str:
    place = int.from_bytes(hashlib.blake2b(service.metadata.uid.encode(), digest_size=8).digest(), "big")
    for tried, address in enumerate(from_place(pool, version, place)):
        if tried >= TRIES:
            break
        if _free(view, service, address):
            return address
    return ""


def _free(view: View, service: core_v1.Service, address: str) -> bool:
    return not any(entry.object.metadata.uid != service.metadata.uid for entry in view.find(BY_BALANCER, address))


def _updated(service: core_v1.Service, addresses: tuple[str, ...], why: str) -> Decision:
    ingress = tuple(core_v1.LoadBalancerIngress(ip=address, ip_mode="VIP") for address in addresses)
    status = replace(service.status, load_balancer=replace(service.status.load_balancer, ingress=ingress))
    update = Update(object=replace(service, status=status), subresource="status")
    return Decision(reason=why, commands=(update,))


RECONCILER = Reconciler(
    name="load-balancers", actor="system:controller:service-controller", wakes=WAKES, decide=decide,
    projections=(BY_BALANCER,), component="service-controller",
)  # fmt: skip
