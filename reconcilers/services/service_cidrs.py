"""Ranges of service addresses: the one that the cluster began with, and those that people add; which of them can be used.

Source: pkg/controller/servicecidrs and pkg/controlplane/controller/defaultservicecidr of Kubernetes.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Create, Update
from shipslog.store.families import ranges_in
from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.types import meta_v1, networking_v1
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time
from shipslog.store.view import View

from .addresses import is_managed

DEFAULT, FINALIZER, READY = "kubernetes", "networking.k8s.io/service-cidr-finalizer", "Ready"
STILL_USED = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
SETTLED_S = 10.0  # so long a range that goes is not given from any more before it is looked at for the last time


def is_usable(cidr: networking_v1.ServiceCIDR) -> bool:
    """Whether addresses are given from it."""
    ready = find_condition(cidr.status.conditions, READY)
    return ready is not None and ready.status == "True" and not cidr.metadata.deletion_timestamp


def _all(view: View, obj: Any) -> Iterable[str]:
    """Those that are going: another range, or an address that was given back, may let them."""
    return [cidr.metadata.name for cidr in view.list(networking_v1.ServiceCIDR) if cidr.metadata.deletion_timestamp]


WAKES = rule(networking_v1.ServiceCIDR, always=(DEFAULT,)).watches(networking_v1.ServiceCIDR, networking_v1.IPAddress, to=_all)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make the first one, say of each whether it can be used, and let it go when nobody has an address of it alone."""
    found = view.get(networking_v1.ServiceCIDR, key)
    if found is None:
        if key != DEFAULT:
            return Decision(reason="it is not there")
        spec = networking_v1.ServiceCIDRSpec(cidrs=ranges_in(view.config.service_cidr))
        made = networking_v1.ServiceCIDR(metadata=meta_v1.ObjectMeta(name=DEFAULT), spec=spec)
        return Decision(reason="every cluster has it", commands=(Create(object=made),))
    meta = found.metadata
    if meta.deletion_timestamp:
        return _going(view, found, now)
    if FINALIZER not in meta.finalizers:
        held = replace(found, metadata=replace(meta, finalizers=(*meta.finalizers, FINALIZER)))
        return Decision(reason="it may go only when nobody has an address of it", commands=(Update(object=held),))
    message = f"Kubernetes {'default ' if key == DEFAULT else ''}Service CIDR is ready"
    return _updated(found, "True", "", message, now, "addresses are given from it")


def _going(view: View, cidr: networking_v1.ServiceCIDR, now: Instant) -> Decision:
    if FINALIZER not in cidr.metadata.finalizers:
        return Decision(reason="it goes")
    if _is_used(view, cidr):
        return _updated(cidr, "False", "Terminating", STILL_USED, now, "somebody has an address of it")
    since = (now - parse_time(cidr.metadata.deletion_timestamp)) / SECOND_NS
    if since < SETTLED_S:
        return Decision(reason="what is given at this moment is waited for", requeue_after=SETTLED_S - since)
    rest = tuple(name for name in cidr.metadata.finalizers if name != FINALIZER)
    freed = replace(cidr, metadata=replace(cidr.metadata, finalizers=rest))
    return Decision(reason="nobody has an address of it", commands=(Update(object=freed),))


def _is_used(view: View, cidr: networking_v1.ServiceCIDR) -> bool:
    """Whether an address of it is held that is in no other range."""
    mine = [ipaddress.ip_network(text, strict=False) for text in cidr.spec.cidrs]
    others = [
        ipaddress.ip_network(text, strict=False)
        for other in view.list(networking_v1.ServiceCIDR)
        if other.metadata.name != cidr.metadata.name and is_usable(other)
        for text in other.spec.cidrs
    ]
    for address in view.list(networking_v1.IPAddress):
        if not is_managed(address):
            continue
        value = ipaddress.ip_address(address.metadata.name)
        if any(value in network for network in mine) and not any(value in network for network in others):
            return True
    return False


def _updated(cidr: networking_v1.ServiceCIDR, status: str, reason: str, message: str, now: Instant, why: str) -> Decision:
    had = find_condition(cidr.status.conditions, READY)
    if had is not None and (had.status, had.reason, had.message) == (status, reason, message):
        return Decision(reason=why)
    condition = meta_v1.Condition(type=READY, status=status, reason=reason, message=message)
    conditions = set_condition(cidr.status.conditions, condition, api_time(now))
    updated = replace(cidr, status=replace(cidr.status, conditions=conditions))
    return Decision(reason=why, commands=(Update(object=updated, subresource="status"),))


RECONCILER = Reconciler(name="service-cidrs", actor="system:controller:service-cidrs-controller", wakes=WAKES, decide=decide)
