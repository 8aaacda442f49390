"""The three doors that every object passes: admitted to be created, changed, deleted. The table of kinds stands here.

The order is Kubernetes': defaults, the namespace, admission rules, what the request may set, validation, allocation.
"""

from typing import Any

from shipslog.store.objects.registry import Kind

from .cluster import EventStrategy, LeaseStrategy, NamespaceStrategy, NodeStrategy, ServiceAccountStrategy
from .context import Admission
from .endpoints import EndpointsStrategy, SliceStrategy
from .fields import Faults
from .namespace import check_deletable, check_namespace
from .pods import PodStrategy
from .services import ServiceStrategy
from .settings import ConfigMapStrategy, SecretStrategy
from .strategy import Strategy
from .validation.metadata import check_metadata, check_metadata_update
from .workloads import BudgetStrategy, PodTemplateStrategy, ReplicationControllerStrategy

STRATEGIES: dict[str, Strategy] = {
    "configmaps": ConfigMapStrategy(),
    "endpoints": EndpointsStrategy(),
    "endpointslices.discovery.k8s.io": SliceStrategy(),
    "events": EventStrategy(),
    "leases.coordination.k8s.io": LeaseStrategy(),
    "namespaces": NamespaceStrategy(),
    "nodes": NodeStrategy(),
    "poddisruptionbudgets.policy": BudgetStrategy(),
    "pods": PodStrategy(),
    "podtemplates": PodTemplateStrategy(),
    "replicationcontrollers": ReplicationControllerStrategy(),
    "secrets": SecretStrategy(),
    "serviceaccounts": ServiceAccountStrategy(),
    "services": ServiceStrategy(),
}
OTHERS = Strategy()


def admit_create(kind: Kind, obj: Any, ctx: Admission) -> Any:
    """The object as it will be stored. Errors: Invalid, Forbidden, NotFound (its namespace)."""
    strategy = STRATEGIES.get(kind.resource, OTHERS)
    obj = strategy.default(obj)
    if kind.namespaced:
        check_namespace(kind, obj.metadata.name, obj.metadata.namespace, ctx)
    obj = strategy.create(kind, obj, ctx)
    faults = Faults()
    check_metadata(faults, obj.metadata, namespaced=kind.namespaced, name=strategy.name, strict=strategy.strict_finalizers)
    strategy.check(faults, obj)
    faults.refuse(kind, obj.metadata.name)
    return strategy.allocate(kind, None, obj, ctx)


def admit_update(kind: Kind, old: Any, new: Any, subresource: str, ctx: Admission) -> Any:
    """The changed object as it will be stored. `subresource`: "", "status", "finalize", "ephemeralcontainers".
    Errors: Invalid, Forbidden."""
    strategy = STRATEGIES.get(kind.resource, OTHERS)
    new = strategy.default_status(new) if subresource == "status" else strategy.default(new)
    new = strategy.update(kind, old, new, subresource, ctx)
    faults = Faults()
    check_metadata_update(faults, new.metadata, old.metadata, strict=strategy.strict_finalizers)
    strategy.check_update(faults, old, new, subresource)
    faults.refuse(kind, old.metadata.name)
    return new if subresource else strategy.allocate(kind, old, new, ctx)


def admit_delete(kind: Kind, old: Any, ctx: Admission) -> None:
    """Errors: Forbidden for what a cluster cannot do without."""
    if kind.resource == "namespaces":
        check_deletable(kind, old)
