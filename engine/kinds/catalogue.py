"""Which module holds the rules of which kind. A module is imported when its kind is first touched."""

import importlib
from functools import cache

from .strategy import Strategy

# The key of the kind on the log, and its module in this package.
MODULES = {
    "configmaps": "core.config_map",
    "endpoints": "core.endpoints",
    "endpointslices.discovery.k8s.io": "discovery.endpoint_slice",
    "events": "core.event",
    "leases.coordination.k8s.io": "coordination.lease",
    "namespaces": "core.namespace",
    "nodes": "core.node",
    "poddisruptionbudgets.policy": "policy.pod_disruption_budget",
    "pods": "core.pod",
    "podtemplates": "core.pod_template",
    "priorityclasses.scheduling.k8s.io": "scheduling.priority_class",
    "replicationcontrollers": "core.replication_controller",
    "secrets": "core.secret",
    "serviceaccounts": "core.service_account",
    "services": "core.service",
}
WITH_FIRST_OBJECTS = ("namespaces", "priorityclasses.scheduling.k8s.io")  # kinds that every cluster has objects of
_WITHOUT_RULES = Strategy()


@cache
def strategy_of(resource: str) -> Strategy:
    """The rules of a kind; those that every kind has where it has none of its own."""
    module = MODULES.get(resource)
    if module is None:
        return _WITHOUT_RULES
    strategy = importlib.import_module(f"{__package__}.{module}").STRATEGY
    assert isinstance(strategy, Strategy)
    return strategy
