"""Probes and lifecycle hooks: exactly one handler, and what each handler needs.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.core_v1 import HTTPGetAction, Lifecycle, LifecycleHandler, Probe
from shipslog.store.objects.values.scalars import IntOrString

SCHEMES = ("HTTP", "HTTPS")
ONE_HANDLER = "may not specify more than 1 handler type"


def check_probe(faults: Faults, probe: Probe | None, path: str, *, once: bool, grace: bool = True) -> None:
    """`once`: one success is enough (liveness, startup). `grace`: a grace period of its own is allowed."""
    if probe is None:
        return
    _check_handler(faults, probe, path, probe.grpc, None, None)
    for field, value in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        if value < 0:
            faults.not_negative(f"{path}.{field}", value)
    own = probe.termination_grace_period_seconds
    if own is not None and own <= 0:
        faults.invalid(f"{path}.terminationGracePeriodSeconds", own, "must be greater than 0")
    if once and probe.success_threshold != 1:
        faults.invalid(f"{path}.successThreshold", probe.success_threshold, "must be 1")
    if not grace and own is not None:
        faults.invalid(f"{path}.terminationGracePeriodSeconds", own, "must not be set for readinessProbes")


def check_lifecycle(faults: Faults, lifecycle: Lifecycle | None, path: str, grace_s: int | None) -> None:
    if lifecycle is None:
        return
    for name, handler in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        if handler is not None:
            _check_handler(faults, handler, f"{path}.{name}", None, handler.sleep, grace_s)


def _check_handler(
    faults: Faults, handler: Probe | LifecycleHandler, path: str, grpc: Any, sleep: Any, grace_s: int | None
) -> None:
    first = ""
    actions: tuple[tuple[str, Any], ...] = (
        ("exec", handler.exec),
        ("httpGet", handler.http_get),
        ("tcpSocket", handler.tcp_socket),
        ("grpc", grpc),
        ("sleep", sleep),
    )
    for name, action in actions:
        if action is None:
            continue
        if first:
            faults.forbidden(f"{path}.{name}", ONE_HANDLER)
            continue
        first = name
        at = f"{path}.{name}"
        if name == "exec":
            if not action.command:
                faults.required(f"{at}.command")
        elif name == "httpGet":
            _check_http(faults, action, at)
        elif name == "sleep":
            if grace_s is not None and not 0 <= action.seconds <= grace_s:
                why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})"
                faults.invalid(at, action.seconds, why)
        else:
            check_port(faults, action.port, f"{at}.port")
    if not first:
        faults.required(path, "must specify a handler type")


def _check_http(faults: Faults, http: HTTPGetAction, path: str) -> None:
    if not http.path:
        faults.required(f"{path}.path")
    check_port(faults, http.port, f"{path}.port")
    if http.scheme not in SCHEMES:
        faults.not_supported(f"{path}.scheme", http.scheme, SCHEMES)
    for header in http.http_headers:
        if messages := names.http_header(header.name):
            faults.invalid_each(f"{path}.httpHeaders", header.name, messages)


def check_port(faults: Faults, port: IntOrString | None, path: str) -> None:
    """A port by number or by name."""
    if isinstance(port, str):
        if messages := names.port_name(port):
            faults.invalid_each(path, port, messages)
    elif not 1 <= (port or 0) <= 65535:
        faults.invalid(path, port or 0, names.PORT_RANGE)
