"""Addresses of load balancers, as tables: what Services there are, and which address one gets."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.services import load_balancers
from shipslog.reconcilers.services.load_balancers import CLASS
from shipslog.store.events import Event
from shipslog.store.facts import ClusterConfig, EngineStarted
from shipslog.store.objects.types.core_v1 import LoadBalancerIngress, LoadBalancerStatus, Service, ServiceSpec, ServiceStatus
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from tests.reconcilers.views import NOW, add, view_of, woken, woken_by_end

POOL = "10.9.0.1-10.9.0.3,fd09::1-fd09::2"
BOTH = ("IPv4", "IPv6")


def view(*services: Service, pool: str | None = POOL) -> MemoryView:
    made, config = view_of(), ClusterConfig() if pool is None else ClusterConfig(load_balancer_pool=pool)
    made.evolve(Event(revision=1, time_ns=NOW, actor="test", fact=EngineStarted(version="1", config=config)))
    add(made, *services)
    return made


def service(name: str = "web", *held: str, born: str = "2027-01-15T08:00:00Z", going: str = "", **spec: Any) -> Service:
    meta = ObjectMeta(name=name, namespace="ns", uid=name, creation_timestamp=born, deletion_timestamp=going or None)
    fields: dict[str, Any] = {"type": "LoadBalancer", "ip_families": ("IPv4",)} | spec
    ingress = tuple(LoadBalancerIngress(ip=address) for address in held)
    status = ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress))
    return Service(metadata=meta, spec=ServiceSpec(**fields), status=status)


def decided(given: Service, *others: Service, pool: str | None = POOL) -> tuple[str, ...] | None:
    """The addresses that it has afterwards; None when nothing is done."""
    decision = load_balancers.decide(view(given, *others, pool=pool), f"ns/{given.metadata.name}", now=NOW)
    assert decision.reason
    if not decision.commands:
        return None
    (command,) = decision.commands
    assert command.subresource == "status"
    return tuple(one.ip for one in command.object.status.load_balancer.ingress)


def test_it_gets_an_address_that_nobody_has() -> None:
    others = [service("a", "10.9.0.1"), service("b", "10.9.0.3")]
    assert decided(service(), *others) == ("10.9.0.2",)
    assert decided(service(ip_families=BOTH), *others, service("c", "fd09::1")) == ("10.9.0.2", "fd09::2")
    assert decided(service(ip_families=("IPv6",)), service("c", "fd09::2")) == ("fd09::1",)


@pytest.mark.parametrize(
    "told, given, others, expected",
    [
        ("it has one", service("web", "10.9.0.2"), [], None),
        ("it asks for one", service(load_balancer_ip="10.9.0.3"), [], ("10.9.0.3",)),
        ("it asks for another than it has", service("web", "10.9.0.1", load_balancer_ip="10.9.0.3"), [], ("10.9.0.3",)),
        ("it asks for one that is taken", service(load_balancer_ip="10.9.0.3"), [service("a", "10.9.0.3")], None),
        ("it asks for one of elsewhere", service(load_balancer_ip="10.8.0.3"), [], None),
        ("the pool is empty", service(), [service(n, f"10.9.0.{i}") for i, n in enumerate("abc", 1)], None),
        ("of another class", service(load_balancer_class="example.com/other"), [], None),
        ("of another type", service(type="NodePort"), [], None),
        ("of another type by now", service("web", "10.9.0.1", type="ClusterIP"), [], ()),
        ("somebody else gave it one", service("web", "203.0.113.5"), [], None),
        ("it goes", service(going="2027-01-15T09:00:00Z"), [], None),
        (
            "two have one: the older keeps it",
            service("web", "10.9.0.1", born="2027-01-14T08:00:00Z"),
            [service("a", "10.9.0.1")],
            None,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_it_has_then(told: str, given: Service, others: list[Service], expected: tuple[str, ...] | None) -> None:
    assert decided(given, *others) == expected


def test_the_younger_of_two_gives_way() -> None:
    taken = decided(service("web", "10.9.0.1"), service("a", "10.9.0.1", born="2027-01-14T08:00:00Z"))
    assert taken is not None and set(taken) <= {"10.9.0.2", "10.9.0.3"}


def test_of_our_class_by_name_and_without_a_pool() -> None:
    assert decided(service(load_balancer_class=CLASS)) is not None
    assert decided(service(), pool=None) is None


def test_who_waits_hears_of_an_address_that_is_given_back() -> None:
    full = [service(n, f"10.9.0.{i}") for i, n in enumerate("abc", 1)]
    state = view(service(), *full)
    decision = load_balancers.decide(state, "ns/web", now=NOW)
    assert [said.reason for said in decision.says] == ["AllocationFailed"]
    assert "ns/web" in woken_by_end(load_balancers.WAKES, state, full[0])
    assert "ns/web" in woken(load_balancers.WAKES, state, replace(full[1], spec=ServiceSpec(type="ClusterIP")))
