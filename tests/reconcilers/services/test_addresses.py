"""Addresses of Services, as tables: what is there, and what is to be done."""

from typing import Any

import pytest

from shipslog.reconcilers.services import addresses
from shipslog.reconcilers.services.addresses import ALLOCATOR, MANAGED_BY
from shipslog.store.commands import Create, Delete
from shipslog.store.objects.types.core_v1 import Service, ServiceSpec
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.types.networking_v1 import IPAddress, IPAddressSpec, ParentReference
from tests.reconcilers.views import NOW, view_of, woken

ADDRESS = "10.96.0.9"


def service(name: str = "s", address: str = ADDRESS, **spec: Any) -> Service:
    meta = ObjectMeta(name=name, namespace="ns", uid=name)
    return Service(metadata=meta, spec=ServiceSpec(cluster_ip=address, cluster_ips=(address,), type="ClusterIP", **spec))


def held(by: str = "s", *, labels: dict[str, str] | None = None, name: str = ADDRESS) -> IPAddress:
    meta = ObjectMeta(name=name, uid="u", labels={MANAGED_BY: ALLOCATOR} if labels is None else labels)
    ref = ParentReference(resource="services", namespace="ns", name=by)
    return IPAddress(metadata=meta, spec=IPAddressSpec(parent_ref=ref))


def test_an_address_that_is_held_is_told() -> None:
    decision = addresses.decide(view_of(service()), ADDRESS, now=NOW)
    (command,) = decision.commands
    assert isinstance(command, Create) and command.object.metadata.name == ADDRESS
    assert command.object.metadata.labels == {MANAGED_BY: ALLOCATOR, "ipaddress.kubernetes.io/ip-family": "IPv4"}
    assert command.object.spec.parent_ref == ParentReference(resource="services", namespace="ns", name="s")


@pytest.mark.parametrize(
    ("objects", "goes"),
    [
        ((service(), held()), False),
        ((service(), held("other")), True),
        ((held(),), True),
        ((held(labels={}),), False),
        ((service(address="None"), held()), True),
    ],
)
def test_what_is_not_true_any_more_goes(objects: tuple[Any, ...], goes: bool) -> None:
    decision = addresses.decide(view_of(*objects), ADDRESS, now=NOW)
    assert decision.reason and [type(c) for c in decision.commands] == ([Delete] if goes else [])


def test_who_wakes_it() -> None:
    view = view_of()
    assert woken(addresses.WAKES, view, service()) == [ADDRESS]
    assert sorted(woken(addresses.WAKES, view, service(address="10.96.0.10"))) == ["10.96.0.10", ADDRESS]
