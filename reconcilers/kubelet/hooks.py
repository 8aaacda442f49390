"""Lifecycle handlers and probe actions, made concrete: addresses filled in, named ports looked up.

Tests: tests/reconcilers/kubelet/test_expansion.py, tests/runtime/containers/test_contract.py
"""

from shipslog.runtime.commands import Hook
from shipslog.store.objects.types import core_v1

from .bound_pod import AnyContainer
from .expansion import Room, expanded
from .fields import ConfigError


def lifecycle_hook(handler: core_v1.LifecycleHandler | None, container: AnyContainer, address: str) -> Hook | None:
    """What to do after a start or before a stop; None for nothing. Errors: ConfigError for an unknown port name."""
    if handler is None:
        return None
    if handler.exec is not None:
        return Hook(exec=handler.exec.command)
    if handler.http_get is not None:
        return _http(handler.http_get, container, address)
    if handler.tcp_socket is not None:
        return _tcp(handler.tcp_socket, container, address)
    if handler.sleep is not None:
        return Hook(sleep_s=handler.sleep.seconds)
    return None


def probe_action(probe: core_v1.Probe, container: AnyContainer, address: str, room: Room) -> Hook | None:
    """What a probe does each time; None for a probe without an action. A command may name the container's own variables, as
    they are written there (kubelet's ExpandContainerCommandOnlyStatic); `room` is what is left for commands.

    Errors: ConfigError for an unknown port name, and for a command that no process can be given."""
    if probe.exec is not None:
        written = {variable.name: variable.value for variable in container.env}
        return Hook(exec=tuple(expanded(word, written, room, "the command of a probe") for word in probe.exec.command))
    if probe.http_get is not None:
        return _http(probe.http_get, container, address)
    if probe.tcp_socket is not None:
        return _tcp(probe.tcp_socket, container, address)
    if probe.grpc is not None:
        return Hook(grpc=f"{_bracketed(address)}:{probe.grpc.port}", grpc_service=probe.grpc.service or "")
    return None


def _http(action: core_v1.HTTPGetAction, container: AnyContainer, address: str) -> Hook:
    scheme, host = (action.scheme or "HTTP").lower(), _bracketed(action.host or address)
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    url = f"{scheme}://{host}:{_port(action.port, container)}{path}"
    return Hook(http_url=url, http_headers=tuple((h.name, h.value) for h in action.http_headers))


def _tcp(action: core_v1.TCPSocketAction, container: AnyContainer, address: str) -> Hook:
    return Hook(tcp=f"{_bracketed(action.host or address)}:{_port(action.port, container)}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _port(port: int | str | None, container: AnyContainer) -> int:
    if isinstance(port, int):
        return port
    if port is not None and port.isdigit():
        return int(port)
    for candidate in container.ports:
        if candidate.name == port:
            return candidate.container_port
    raise ConfigError(f"couldn't find port: {port!r} in container {container.name}")
