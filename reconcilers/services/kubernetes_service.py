"""The Service `kubernetes` in `default`: how pods reach the API server."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Update
from shipslog.store.families import family_of, first_in
from shipslog.store.objects.types import core_v1, discovery_v1, meta_v1
from shipslog.store.view import View

from .endpoint_targets import SERVICE_NAME

NAMESPACE, NAME, PORT = "default", "kubernetes", 443
KEY = f"{NAMESPACE}/{NAME}"
LABELS = {"component": "apiserver", "provider": "kubernetes"}


def _mine(view: View, obj: Any) -> Iterable[str]:
    """The one key, for the objects that are kept and for the namespace that they are in."""
    meta = obj.metadata
    return (KEY,) if (meta.namespace, meta.name) in ((NAMESPACE, NAME), ("", NAMESPACE)) else ()


WAKES = rule(always=(KEY,)).watches(core_v1.Service, core_v1.Endpoints, discovery_v1.EndpointSlice, core_v1.Namespace, to=_mine)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make or mend the Service, its Endpoints and its slice."""
    if view.get(core_v1.Namespace, NAMESPACE) is None:
        return Decision(reason="its namespace is not there yet")
    service = view.get(core_v1.Service, NAME, NAMESPACE)
    if service is None:
        return Decision(reason="every cluster has it", commands=(Create(object=_service(view)),))
    host, port = view.config.api_host, view.config.api_port
    if ipaddress.ip_address(host).is_loopback:
        return Decision(reason="the API server listens on loopback alone: no pod can reach it")
    commands: list[AnyObjectCommand] = []
    subset = core_v1.EndpointSubset(
        addresses=(core_v1.EndpointAddress(ip=host),), ports=(core_v1.EndpointPort(name="https", port=port, protocol="TCP"),)
    )
    skip = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    endpoints = core_v1.Endpoints(metadata=_meta(skip), subsets=(subset,))
    _keep(view.get(core_v1.Endpoints, NAME, NAMESPACE), endpoints, "subsets", commands)
    slice_ = discovery_v1.EndpointSlice(
        metadata=_meta({SERVICE_NAME: NAME}), address_type=family_of(host),
        endpoints=(discovery_v1.Endpoint(addresses=(host,), conditions=discovery_v1.EndpointConditions(ready=True)),),
        ports=(discovery_v1.EndpointPort(name="https", port=port, protocol="TCP"),),
    )  # fmt: skip
    current = view.get(discovery_v1.EndpointSlice, NAME, NAMESPACE)
    _keep(current, slice_, "endpoints", commands) if current is None or current.ports == slice_.ports else _keep(
        current, slice_, "ports", commands
    )
    return Decision(reason=f"the API server is at {host}:{port}", commands=tuple(commands))


def _keep(current: Any, wanted: Any, field: str, commands: list[AnyObjectCommand]) -> None:
    """Create it, or give it its address back."""
    if current is None:
        commands.append(Create(object=wanted))
    elif getattr(current, field) != getattr(wanted, field):
        changes = {n: getattr(wanted, n) for n in ("subsets", "endpoints", "ports") if hasattr(wanted, n)}
        commands.append(Update(object=replace(current, **changes)))


def _meta(labels: dict[str, str]) -> meta_v1.ObjectMeta:
    return meta_v1.ObjectMeta(name=NAME, namespace=NAMESPACE, labels=labels)


def _service(view: View) -> core_v1.Service:
    first = first_in(view.config.service_cidr)
    port = core_v1.ServicePort(name="https", port=PORT, target_port=view.config.api_port, protocol="TCP")
    return core_v1.Service(
        metadata=_meta(LABELS),
        spec=core_v1.ServiceSpec(
            cluster_ip=first, cluster_ips=(first,), ports=(port,), session_affinity="None", type="ClusterIP"
        ),
    )


RECONCILER = Reconciler(name="kubernetes-service", actor="system:controller:kubernetes-service", wakes=WAKES, decide=decide)
