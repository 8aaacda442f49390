"""A change among thousands of services: how long the packet rules take to be decided. Needs no root and sends no packet.

What is counted is all that a change of a slice costs the rule: folding it into what is known, and deciding for one node."""

import gc
import statistics
import time

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.rule.digest import digest
from shipslog.reconcilers.services import service_proxy
from shipslog.runtime.commands import ApplyRuleset, Ruleset
from shipslog.store.facts import NodeObserved
from shipslog.store.objects.types.core_v1 import Service, ServicePort, ServiceSpec
from shipslog.store.objects.types.discovery_v1 import Endpoint, EndpointPort, EndpointSlice
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from tests.reconcilers.views import add, view_of

from . import Row

ROUNDS = 500
GOALS_MS = {1_000: None, 10_000: 0.2}
ADDRESSES = ("10.244.0.2", "10.244.0.3", "10.244.0.4")


def measure() -> list[Row]:
    return [measured(services, goal) for services, goal in GOALS_MS.items()]


def measured(services: int, goal_ms: float | None) -> Row:
    view = view_with(services, ADDRESSES[:2])
    decided(view)
    taken = []
    gc.collect()
    for turn in range(ROUNDS):
        number = turn * 7919 % services
        changed = part(number, ADDRESSES[: 3 - turn % 2])
        began = time.process_time()
        add(view, changed)
        command = decided(view)
        digest((command,))
        taken.append(time.process_time() - began)
    taken.sort()
    note = f"99th of {ROUNDS}: {taken[ROUNDS * 99 // 100] * 1000:.2f} ms"
    return Row(
        f"a change among {services:,} services, decided", statistics.median(taken) * 1000, "ms", goal_ms, None, True, note
    )


def view_with(services: int, addresses: tuple[str, ...]) -> MemoryView:
    """Two endpoints each."""
    made = [thing for number in range(services) for thing in (service(number), part(number, addresses))]
    return view_of(NodeObserved(node="n1"), *made)


def address(number: int) -> str:
    return f"10.96.{number // 250}.{number % 250 + 1}"


def service(number: int) -> Service:
    meta = ObjectMeta(name=f"s{number:05}", namespace="default")
    ports = (ServicePort(port=80, protocol="TCP", node_port=30000 + number if number < 100 else 0),)
    return Service(metadata=meta, spec=ServiceSpec(type="NodePort", cluster_ip=address(number), ports=ports))


def part(number: int, addresses: tuple[str, ...]) -> EndpointSlice:
    meta = ObjectMeta(name=f"s{number:05}-x", namespace="default", labels={service_proxy.SERVICE_NAME: f"s{number:05}"})
    endpoints = tuple(Endpoint(addresses=(one,)) for one in addresses)
    return EndpointSlice(metadata=meta, endpoints=endpoints, ports=(EndpointPort(port=8080),), address_type="IPv4")


def ruleset(view: MemoryView) -> Ruleset:
    return decided(view).ruleset


def decided(view: MemoryView) -> ApplyRuleset:
    (command,) = service_proxy.decide(view, "n1", now=0).commands
    assert isinstance(command, ApplyRuleset)
    return command
