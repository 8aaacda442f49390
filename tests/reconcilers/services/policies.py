"""A small world for policies: namespaces x, y and z, with pods a and b each on node n1; one more has the host's network."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.networking_v1 import NetworkPolicy
from shipslog.store.objects.wire import codec
from tests.reconcilers import views
from tests.reconcilers.views import NOW

PODS = ("x/a", "x/b", "y/a", "y/b", "z/a", "z/b")
ADDRESSES = {name: f"10.244.0.{number}" for number, name in enumerate(PODS, 2)}
NAMED = (("http", "TCP", 80), ("second", "TCP", 81), ("http-udp", "UDP", 80))

__all__ = ["ADDRESSES", "NOW", "PODS", "namespace", "pod", "policy", "world"]


def policy(namespace: str, spec: dict[str, Any], name: str = "one") -> NetworkPolicy:
    """As stored, without what admission fills in."""
    told = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    made: NetworkPolicy = codec.from_builtins(NetworkPolicy, told)[0]
    return made


def namespace(name: str, **labels: str) -> core_v1.Namespace:
    return core_v1.Namespace(metadata=meta_v1.ObjectMeta(name=name, labels=labels or {"ns": name}))


def pod(name: str, ip: str = "", node: str = "n1", *, host_network: bool = False, **more: Any) -> core_v1.Pod:
    """`name` is NAMESPACE/NAME; its label `pod` is its name."""
    space, _, short = name.partition("/")
    labels = more.pop("labels", {"pod": short})
    made = views.pod(short, node=node, ip=ip, namespace=space, labels=labels, uid=f"uid-{space}-{short}", **more)
    ports = tuple(core_v1.ContainerPort(name=n, protocol=p, container_port=number) for n, p, number in NAMED)
    container = replace(made.spec.containers[0], ports=ports)
    return replace(made, spec=replace(made.spec, containers=(container,), host_network=host_network))


def world(*more: Any) -> MemoryView:
    spaces = [namespace(name) for name in "xyz"]
    pods = [pod(name, ADDRESSES[name]) for name in PODS]
    host = pod("x/host", "192.168.77.1", host_network=True)
    return views.view_of(views.node("n1"), views.observed("n1"), *spaces, *pods, host, *more)
