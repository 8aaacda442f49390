"""Where a Service is to be had from this process: an address of one of its endpoints, as the view knows them.

The service's own address leads to the same only where the packet rules of a node are at work. Source: the resolvers of
k8s.io/apiserver/pkg/util/proxy, by their messages.

Tests: tests/engine/webhooks/test_admission.py
"""

from collections.abc import Sequence

from msgspec import Struct

from shipslog.store.objects.types.core_v1 import Service
from shipslog.store.objects.types.discovery_v1 import Endpoint, EndpointSlice
from shipslog.store.view import Objects

SERVICE = "kubernetes.io/service-name"


class NowhereToBeHad(Exception):
    """A service that nobody answers for; the message is Kubernetes'."""


class Addresses(Struct, frozen=True):
    """`name`: as whom the server shows itself (TLS), and the host that it is asked for; `to`: where it is, any of these."""

    name: str
    port: int  # of the service
    to: tuple[tuple[str, int], ...]


def of_service(view: Objects, namespace: str, name: str, port: int) -> Addresses:
    """Errors: NowhereToBeHad."""
    service = view.get(Service, name, namespace)
    if service is None:
        raise NowhereToBeHad(f'service "{name}" not found')
    host = f"{name}.{namespace}.svc"
    if service.spec.type == "ExternalName":
        return Addresses(host, port, ((service.spec.external_name, port),))
    meant = next((p for p in service.spec.ports if p.port == port), None)
    if meant is None:
        raise NowhereToBeHad(f'no service port {port} found for service "{name}"')
    found = _ready(view, namespace, name, meant.name)
    if not found:
        raise NowhereToBeHad(f'no endpoints available for service "{name}"')
    return Addresses(host, port, found)


def _ready(view: Objects, namespace: str, name: str, port_name: str) -> tuple[tuple[str, int], ...]:
    slices: Sequence[EndpointSlice] = view.select(EndpointSlice, namespace, {SERVICE: name})
    return tuple(
        (address, port.port)
        for one in slices
        for port in one.ports or ()
        if (port.name or "") == port_name and port.port is not None
        for endpoint in one.endpoints or ()
        if _is_ready(endpoint)
        for address in endpoint.addresses[:1]
    )


def _is_ready(endpoint: Endpoint) -> bool:
    return endpoint.conditions is None or endpoint.conditions.ready is not False
