"""Defaults of the resources of a whole pod. Source: Kubernetes' SetDefaults_Pod (PodLevelResources).

Tests: tests/engine/kinds/core/pod/test_strategy.py
"""

from msgspec.structs import replace

from shipslog.engine.kinds.pod_spec.checks.resources import is_of_pods
from shipslog.store.objects.pods import requests_of, shown
from shipslog.store.objects.types.core_v1 import PodSpec, ResourceRequirements

from .containers import whole_millis


def default_pod_resources(spec: PodSpec) -> ResourceRequirements:
    """What the pod asks for where it does not say: what its containers do together, or as much as it may have."""
    given = spec.resources or ResourceRequirements()
    limits, requests = whole_millis(given.limits), dict(whole_millis(given.requests))
    for name, amount in requests_of(replace(spec, resources=None, overhead={})).items():
        if is_of_pods(name) and amount and name not in requests:
            requests[name] = shown(name, amount)
    for name, limit in limits.items():
        if is_of_pods(name):
            requests.setdefault(name, limit)
    return replace(given, limits=limits, requests=requests)
