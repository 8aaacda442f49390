"""Tables: for each kind the columns and cells that Kubernetes 1.32 prints. One printer a kind; nothing here does I/O."""

from collections.abc import Callable, Sequence
from typing import Any

from shipslog.store.objects import registry

from . import controllers, events, nodes, plain, pods, services
from .columns import Column, age

Cells = list[Any]
Printer = tuple[Sequence[Column], Callable[[Any, int], Cells]]

PRINTERS: dict[str, Printer] = {
    "namespaces": (plain.NAMESPACE, plain.namespace),
    "nodes": (nodes.COLUMNS, nodes.cells),
    "pods": (pods.COLUMNS, pods.cells),
    "replicationcontrollers": (controllers.REPLICATION_CONTROLLER, controllers.replication_controller),
    "services": (services.SERVICE, services.service),
    "endpoints": (services.ENDPOINTS, services.endpoints),
    "endpointslices.discovery.k8s.io": (services.ENDPOINT_SLICE, services.endpoint_slice),
    "events": (events.COLUMNS, events.cells),
    "configmaps": (plain.CONFIG_MAP, plain.config_map),
    "secrets": (plain.SECRET, plain.secret),
    "serviceaccounts": (plain.SERVICE_ACCOUNT, plain.service_account),
    "leases.coordination.k8s.io": (plain.LEASE, plain.lease),
}
DEFAULT: Printer = (plain.ANY, plain.anything)


def columns_of(kind: registry.Kind) -> Sequence[Column]:
    return PRINTERS.get(kind.resource, DEFAULT)[0]


def row_of(kind: registry.Kind, obj: Any, now_ns: int) -> tuple[Cells, list[dict[str, str]]]:
    """(cells, row conditions) of one object at a moment."""
    cells = PRINTERS.get(kind.resource, DEFAULT)[1](obj, now_ns)
    return cells, pods.row_conditions(obj) if kind.resource == "pods" else []


__all__ = ["PRINTERS", "Column", "age", "columns_of", "row_of"]
