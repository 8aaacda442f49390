"""What of the scheduler's work can be chosen: which filters hold, which scores count and for how much, and their arguments.

Names are those of the plugins of Kubernetes 1.37; what the policy files of old name otherwise is a plugin under that name, or
(LABEL_PREFERENCE and the like) a score of its own.

Tests: tests/reconcilers/scheduler/test_configuration.py
"""

from typing import Literal

from msgspec import Struct

from shipslog.store.objects.types import core_v1

NAME = "default-scheduler"
FILTERS = (
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "DynamicResources",
    "PodTopologySpread",
    "InterPodAffinity",
)
SCORES = {
    "TaintToleration": 3,
    "NodeAffinity": 2,
    "NodeResourcesFit": 1,
    "PodTopologySpread": 2,
    "InterPodAffinity": 2,
    "NodeResourcesBalancedAllocation": 1,
    "ImageLocality": 1,
}
SELECTOR_SPREAD, SERVICE_ANTI_AFFINITY, LABEL_PREFERENCE = "SelectorSpread", "ServiceAntiAffinity", "NodeLabel"
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


class Spread(Struct, frozen=True):
    """A constraint for pods that bring none of their own."""

    max_skew: int
    topology_key: str
    when_unsatisfiable: str


SYSTEM = (Spread(3, HOSTNAME, "ScheduleAnyway"), Spread(5, ZONE, "ScheduleAnyway"))


class Profile(Struct, frozen=True, kw_only=True):
    """How pods are placed that ask for the scheduler of this name."""

    name: str = NAME
    filters: frozenset[str] = frozenset(FILTERS)
    scores: tuple[tuple[str, int], ...] = tuple(SCORES.items())  # with their weights
    preempts: bool = True

    strategy: Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] = "LeastAllocated"
    resources: tuple[tuple[str, int], ...] = (("cpu", 1), ("memory", 1))  # with their weights
    shape: tuple[tuple[int, int], ...] = ()  # (utilization in percent, score from 0 to 10), for the ratio
    balanced: tuple[str, ...] = ("cpu", "memory")
    ignored: tuple[str, ...] = ()  # extended resources that need not fit
    ignored_groups: tuple[str, ...] = ()

    hard_weight: int = 1  # of required affinity of pods that run
    only_required: bool = False  # of pods that run only required affinity counts
    constraints: tuple[Spread, ...] = SYSTEM
    system_constraints: bool = True
    added_affinity: core_v1.NodeAffinity | None = None
    candidates_percent: int = 10
    candidates_least: int = 100

    labels_present: tuple[tuple[tuple[str, ...], bool], ...] = ()  # (keys, whether nodes are to have all of them or none)
    service_affinity: tuple[str, ...] = ()  # keys of labels that the nodes of a service's pods have in common
    label_preferences: tuple[tuple[str, bool, int], ...] = ()  # (key, whether it is liked, weight)
    service_anti_affinity: tuple[tuple[str, int], ...] = ()  # (key of the label over which a service's pods are spread, weight)

    def holds(self, name: str) -> bool:
        return name in self.filters

    def ignores(self, resource: str) -> bool:
        group, slash, _ = resource.partition("/")
        return resource in self.ignored or (bool(slash) and group in self.ignored_groups)


DEFAULT = Profile()
