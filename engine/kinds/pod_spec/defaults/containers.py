"""Defaults of containers: when to pull, where the last words go, probes, ports, what is requested of what is limited.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from typing import Any, TypeVar

from msgspec.structs import replace

from shipslog.store.objects.types.core_v1 import (
    Container,
    ContainerPort,
    EnvVar,
    EphemeralContainer,
    HTTPGetAction,
    Lifecycle,
    LifecycleHandler,
    Probe,
    ResourceRequirements,
)
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.scalars import Quantity

from .pull_policy import pull_policy
from .volumes import default_field_ref

AnyContainer = TypeVar("AnyContainer", Container, EphemeralContainer)
TERMINATION_LOG = "/dev/termination-log"


def default_container(c: AnyContainer, *, pod: bool = False, host_network: bool = False) -> AnyContainer:
    """`pod`: of a pod itself, not of a template: requests follow limits, host ports follow the host's network."""
    changes: dict[str, Any] = {}
    if not c.image_pull_policy:
        changes["image_pull_policy"] = pull_policy(c.image)
    if not c.termination_message_path:
        changes["termination_message_path"] = TERMINATION_LOG
    if not c.termination_message_policy:
        changes["termination_message_policy"] = "File"
    if c.ports:
        changes["ports"] = tuple([_default_port(p, pod and host_network) for p in c.ports])
    if c.env:
        changes["env"] = tuple([_default_env(e) for e in c.env])
    if c.liveness_probe is not None:
        changes["liveness_probe"] = _default_probe(c.liveness_probe)
    if c.readiness_probe is not None:
        changes["readiness_probe"] = _default_probe(c.readiness_probe)
    if c.startup_probe is not None:
        changes["startup_probe"] = _default_probe(c.startup_probe)
    if c.lifecycle is not None:
        changes["lifecycle"] = _default_lifecycle(c.lifecycle)
    if c.resources.limits or c.resources.requests:
        changes["resources"] = default_resources(c.resources, pod=pod)
    return replace(c, **changes) if changes else c


def _default_port(port: ContainerPort, host: bool) -> ContainerPort:
    changes: dict[str, Any] = {} if port.protocol else {"protocol": "TCP"}
    if host and not port.host_port:
        changes["host_port"] = port.container_port
    return replace(port, **changes) if changes else port


def _default_env(env: EnvVar) -> EnvVar:
    source = env.value_from
    if source is None:
        return env
    if source.field_ref is not None and not source.field_ref.api_version:
        source = replace(source, field_ref=default_field_ref(source.field_ref))
    return env if source is env.value_from else replace(env, value_from=source)


def _default_probe(probe: Probe) -> Probe:
    http, grpc = probe.http_get, probe.grpc
    return replace(
        probe, timeout_seconds=probe.timeout_seconds or 1, period_seconds=probe.period_seconds or 10,
        success_threshold=probe.success_threshold or 1, failure_threshold=probe.failure_threshold or 3,
        http_get=_default_http(http) if http is not None else None,
        grpc=replace(grpc, service="") if grpc is not None and grpc.service is None else grpc,
    )  # fmt: skip


def _default_http(http: HTTPGetAction) -> HTTPGetAction:
    return replace(http, path=http.path or "/", scheme=http.scheme or "HTTP")


def _default_lifecycle(lifecycle: Lifecycle) -> Lifecycle:
    return replace(lifecycle, post_start=_default_handler(lifecycle.post_start), pre_stop=_default_handler(lifecycle.pre_stop))


def _default_handler(handler: LifecycleHandler | None) -> LifecycleHandler | None:
    if handler is None or handler.http_get is None:
        return handler
    return replace(handler, http_get=_default_http(handler.http_get))


def default_resources(resources: ResourceRequirements, *, pod: bool) -> ResourceRequirements:
    limits, requests = whole_millis(resources.limits), whole_millis(resources.requests)
    if pod and limits:
        requests = requests | {name: q for name, q in limits.items() if name not in requests}
    if limits is resources.limits and requests is resources.requests:
        return resources
    return replace(resources, limits=limits, requests=requests)


def whole_millis(amounts: dict[str, Quantity]) -> dict[str, Quantity]:
    """Amounts below a thousandth are rounded up to one."""
    if not any(isinstance(q, str) and q.endswith(("u", "n")) for q in amounts.values()):
        return amounts
    return {
        name: quantity.canonical(f"{quantity.milli(q)}m") if isinstance(q, str) and q.endswith(("u", "n")) else q
        for name, q in amounts.items()
    }
