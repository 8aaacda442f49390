"""Where a request that is to be passed on goes: host and port by the view, and which node is asked for the connection."""

import ipaddress
import random
from typing import TypeVar

from msgspec import Struct

from shipslog.engine.api.request.requests import Call
from shipslog.engine.state.view import MemoryView
from shipslog.runtime.node import NodeRuntime
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest, Unavailable, not_found

T = TypeVar("T")
SCHEMES = ("http", "https", "")
KUBELET_PORT = 10250


class Target(Struct, frozen=True):
    """One end of a connection. `runtime` None: of no node that this server runs; then it is connected to directly."""

    host: str
    port: int
    tls: bool = False
    runtime: NodeRuntime | None = None

    @property
    def authority(self) -> str:
        """As it stands in a URL: without the port that goes without saying, as Go leaves it out of what has none."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def split(identity: str, what: str) -> tuple[bool, str, str]:
    """(TLS, name, port or "") of NAME, NAME:PORT or SCHEME:NAME:PORT. Errors: BadRequest."""
    parts = identity.split(":")
    scheme, name, port = ("", parts[0], "") if len(parts) == 1 else ("", *parts) if len(parts) == 2 else (*parts, "", "")[:3]
    if len(parts) > 3 or not name or scheme not in SCHEMES:
        raise BadRequest(f'invalid {what} request "{identity}"')
    return scheme == "https", name, port


def of_pod(call: Call) -> Target:
    """Errors: NotFound, BadRequest."""
    tls, name, port = split(call.route.name, "pod")
    entry = call.view.entry("pods", name, call.route.namespace)
    if entry is None:
        raise not_found("pods", "", name)
    pod: core_v1.Pod = entry.object
    number = _number(port) if port else _first_port(pod) or (443 if tls else 80)
    return Target(proxyable(pod.status.pod_ip), number, tls, call.cluster.runtimes.get(pod.spec.node_name))


def _first_port(pod: core_v1.Pod) -> int:
    return next((port.container_port for container in pod.spec.containers for port in container.ports), 0)


def of_service(call: Call) -> Target:
    """One of its ready endpoints, which are pods. Errors: NotFound, BadRequest, Unavailable."""
    tls, name, port = split(call.route.name, "service")
    namespace, view = call.route.namespace, call.view
    entry = view.entry("services", name, namespace)
    if entry is None:
        raise not_found("services", "", name)
    if port.isascii() and port.isdigit():
        named = [p.name for p in entry.object.spec.ports if p.port == int(port)]
        if not named:
            raise Unavailable(f'no service port {int(port)} found for service "{name}"')
        port = named[0]
    found = view.entry("endpoints", name, namespace)
    subsets = found.object.subsets if found is not None else ()
    if not subsets:
        raise Unavailable(f'no endpoints available for service "{name}"')
    for subset in _shuffled(subsets):
        number = next((p.port for p in subset.ports if p.name == port), None)
        for address in _shuffled(subset.addresses) if number is not None else ():
            pod = _pod_of(view, address, namespace)
            if pod is not None and number is not None:
                return Target(proxyable(address.ip), number, tls, call.cluster.runtimes.get(pod.spec.node_name))
    raise Unavailable(f'no endpoints available for service "{call.route.name}"')


def _pod_of(view: MemoryView, address: core_v1.EndpointAddress, namespace: str) -> core_v1.Pod | None:
    """The pod of an address. One that somebody has written down himself leads nowhere: it could be anybody's."""
    target = address.target_ref
    if target is None or target.kind != "Pod" or target.namespace not in ("", namespace):
        return None
    entry = view.entry("pods", target.name, namespace)
    pod: core_v1.Pod | None = entry.object if entry is not None else None
    return pod if pod is not None and address.ip in {pod.status.pod_ip, *(ip.ip for ip in pod.status.pod_ips)} else None


def of_node(call: Call) -> Target | None:
    """Where on the node; None for its kubelet. Errors: NotFound, BadRequest."""
    tls, name, port = split(call.route.name, "node")
    entry = call.view.entry("nodes", name)
    if entry is None:
        raise not_found("nodes", "", name)
    node: core_v1.Node = entry.object
    if not port or _number(port) == kubelet_port(node):
        return None
    address = next((a.address for a in node.status.addresses if a.type == "InternalIP"), "")
    return Target(proxyable(address), _number(port), tls, call.cluster.runtimes.get(name))


def kubelet_port(node: core_v1.Node) -> int:
    """Where the node says that its kubelet listens."""
    return node.status.daemon_endpoints.kubelet_endpoint.port or KUBELET_PORT


def proxyable(address: str) -> str:
    """An address that may be connected to for others. Errors: BadRequest for this machine's own and for what is no host."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise BadRequest("address not allowed") from None
    if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified:
        raise BadRequest("address not allowed")
    return str(found)


def _number(port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port[:8]) < 65536):
        raise BadRequest(f'invalid port "{port[:64]}": it must be a number from 1 to 65535')
    return int(port)


def _shuffled(items: tuple[T, ...]) -> list[T]:
    """All of them, beginning anywhere."""
    start = random.randrange(len(items)) if items else 0
    return [*items[start:], *items[:start]]
