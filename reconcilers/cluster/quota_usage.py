"""How much of what a quota limits an object takes, which quotas concern it, and what all of a namespace take together.

Source: pkg/quota/v1 of Kubernetes (evaluators of pods, services, claims, and counts of objects).

Tests: tests/reconcilers/cluster/test_quota_usage.py
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from shipslog.store.objects.pods import TERMINAL, qos_class
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.core_v1 import (
    PersistentVolumeClaim,
    Pod,
    ResourceQuota,
    ScopedResourceSelectorRequirement,
    Service,
)
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.quantity import NANO
from shipslog.store.objects.values.times import SECOND_NS, parse_time
from shipslog.store.projections import Projection
from shipslog.store.state import Entry
from shipslog.store.view import View

COUNT = "count/"
COUNTED = ("configmaps", "replicationcontrollers", "resourcequotas", "secrets")  # by this name too
STORAGE_CLASS = ".storageclass.storage.k8s.io/"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
# A quota of these wants each container to say how much of them it asks for.
TO_BE_SPECIFIED = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
NATIVE = ("cpu", "memory", "ephemeral-storage")


class Amount(Struct, frozen=True):
    """So much, and whether it is printed in powers of two."""

    nanos: int
    binary: bool = False

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.nanos + other.nanos, self.binary if self.nanos else other.binary)

    @property
    def text(self) -> str:
        whole, rest = divmod(self.nanos, NANO)
        return quantity.in_bytes(whole) if self.binary and not rest else quantity.canonical(f"{self.nanos}n")


ONE, NOTHING = Amount(NANO), Amount(0)
Amounts = dict[str, Amount]
Sums = dict[str, tuple[int, int, int]]  # in nano units, how many were in powers of two, and how many there are
V = TypeVar("V")


def amount(value: Any) -> Amount:
    """A quantity as it was written."""
    return Amount(quantity.nanos(value), str(value).endswith("i"))


def added(one: Mapping[str, Amount], other: Mapping[str, Amount]) -> Amounts:
    return {name: one.get(name, NOTHING) + other.get(name, NOTHING) for name in {**one, **other}}


def larger(one: Mapping[str, Amount], other: Mapping[str, Amount]) -> Amounts:
    names = {**one, **other}
    return {name: max(one.get(name, NOTHING), other.get(name, NOTHING), key=lambda a: a.nanos) for name in names}


def total(spec: core_v1.PodSpec, part: Callable[[core_v1.ResourceRequirements], Mapping[str, Any]]) -> Amounts:
    """What a pod asks for at most at one time, or may use then: its containers and sidecars together, or one init container
    with the sidecars before it; or what it says of itself as a whole."""

    def of(container: core_v1.Container) -> Amounts:
        return {name: amount(value) for name, value in part(container.resources).items()}

    together: Amounts = {}
    for container in spec.containers:
        together = added(together, of(container))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.init_containers:
        if container.restart_policy == "Always":
            sidecars = added(sidecars, of(container))
            together = added(together, of(container))
            peak = larger(peak, sidecars)
        else:
            peak = larger(peak, added(sidecars, of(container)))
    whole = part(spec.resources) if spec.resources is not None else {}
    return larger(together, peak) | {name: amount(value) for name, value in whole.items()}


def requests(resources: core_v1.ResourceRequirements) -> Mapping[str, Any]:
    return resources.requests


def limits(resources: core_v1.ResourceRequirements) -> Mapping[str, Any]:
    return resources.limits


# --- what one object takes ---


def usage(resource: str, obj: Any, *, now: int) -> Amounts:
    """What an object takes, by the names that quotas have for it. `resource`: its kind ("jobs.batch"); `now`: ns UTC."""
    found = {f"{COUNT}{resource}": ONE}
    if resource == "pods":
        return found | (_of_pod(obj) if counts(obj, now) else {})
    if resource == "services":
        return found | _of_service(obj)
    if resource == "persistentvolumeclaims":
        return found | _of_claim(obj)
    return found | ({resource: ONE} if resource in COUNTED else {})


def counts(pod: Pod, now: int) -> bool:
    """Whether it takes anything still: not at its end, nor when it is kept longer than it was given to end."""
    return pod.status.phase not in TERMINAL and not 0 < overdue_at(pod) < now


def overdue_at(pod: Pod) -> int:
    """From when on (ns UTC) a pod that is being deleted takes nothing any more; 0 for one that is not."""
    meta = pod.metadata
    if not meta.deletion_timestamp or meta.deletion_grace_period_seconds is None:
        return 0
    return parse_time(meta.deletion_timestamp) + meta.deletion_grace_period_seconds * SECOND_NS


def _of_pod(pod: Pod) -> Amounts:
    overhead = {name: amount(value) for name, value in pod.spec.overhead.items()}
    asked, most = total(pod.spec, requests), total(pod.spec, limits)
    return {
        "pods": ONE,
        **prefixed(added(asked, overhead), {**most, **{n: most[n] + overhead[n] for n in overhead if n in most}}),
    }


def prefixed(asked: Mapping[str, V], most: Mapping[str, V]) -> dict[str, V]:
    """Requests and limits by the names that quotas have for them."""
    found: dict[str, V] = {}
    for name, value in asked.items():
        if name in NATIVE or name.startswith("hugepages-"):
            found[name] = value
        found[f"requests.{name}"] = value
    return found | {f"limits.{name}": value for name, value in most.items() if name in NATIVE}


def _of_service(service: Service) -> Amounts:
    found, spec = {"services": ONE}, service.spec
    ports = len(spec.ports)
    if spec.type == "LoadBalancer":
        found["services.loadbalancers"] = ONE
        if spec.allocate_load_balancer_node_ports is False:
            ports = sum(1 for port in spec.ports if port.node_port)
    if spec.type in ("NodePort", "LoadBalancer"):
        found["services.nodeports"] = Amount(ports * NANO)
    return found


def _of_claim(claim: PersistentVolumeClaim) -> Amounts:
    asked = [claim.spec.resources.requests.get("storage"), claim.status.allocated_resources.get("storage")]
    size = max((amount(value) for value in asked if value is not None), key=lambda a: a.nanos, default=None)
    found = {"persistentvolumeclaims": ONE} | ({"requests.storage": size} if size is not None else {})
    name = claim.metadata.annotations.get(BETA_CLASS, claim.spec.storage_class_name or "")
    return found | ({f"{name}{STORAGE_CLASS}{key}": value for key, value in found.items()} if name else {})


# --- which quotas concern it ---


class Traits(Struct, frozen=True):
    """What of a pod scopes go by."""

    best_effort: bool
    terminating: bool
    crosses: bool  # its affinity looks into other namespaces
    priority_class: str


def traits_of(pod: Pod) -> Traits:
    spec = pod.spec
    crosses = any(term.namespaces or term.namespace_selector is not None for term in _terms(spec.affinity))
    ends = spec.active_deadline_seconds is not None
    return Traits(qos_class(spec) == "BestEffort", ends, crosses, spec.priority_class_name)


def concerned(quota: ResourceQuota, resource: str, obj: Any) -> bool:
    """Whether an object is one of those that a quota is about, by its scopes."""
    wanted = _scopes(quota)
    if resource == "pods" and wanted:
        return _is_about(wanted, traits_of(obj))
    if resource == "persistentvolumeclaims":
        names = (obj.spec.volume_attributes_class_name, obj.status.current_volume_attributes_class_name)
        return all(one.scope_name == "VolumeAttributesClass" and any(_selected(one, n or "") for n in names) for one in wanted)
    return not wanted


def _scopes(quota: ResourceQuota) -> list[ScopedResourceSelectorRequirement]:
    chosen = quota.spec.scope_selector
    wanted = [ScopedResourceSelectorRequirement(scope_name=scope, operator="Exists") for scope in quota.spec.scopes]
    return [*wanted, *(chosen.match_expressions if chosen is not None else ())]


def _is_about(wanted: list[ScopedResourceSelectorRequirement], traits: Traits) -> bool:
    return all(_in_scope(one, traits) for one in wanted)


def _in_scope(wanted: ScopedResourceSelectorRequirement, traits: Traits) -> bool:
    match wanted.scope_name:
        case "Terminating" | "NotTerminating":
            return traits.terminating == (wanted.scope_name == "Terminating")
        case "BestEffort" | "NotBestEffort":
            return traits.best_effort == (wanted.scope_name == "BestEffort")
        case "PriorityClass":
            return _selected(wanted, traits.priority_class)
        case "CrossNamespacePodAffinity":
            return traits.crosses
    return False


def _selected(wanted: ScopedResourceSelectorRequirement, name: str) -> bool:
    match wanted.operator:
        case "In":
            return name in wanted.values
        case "NotIn":
            return name not in wanted.values
        case "DoesNotExist":
            return not name
    return bool(name)


def _terms(affinity: core_v1.Affinity | None) -> Iterable[core_v1.PodAffinityTerm]:
    for side in (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity is not None else ():
        if side is not None:
            yield from side.required_during_scheduling_ignored_during_execution
            yield from (one.pod_affinity_term for one in side.preferred_during_scheduling_ignored_during_execution)


# --- what all take ---


class PodsOf(Struct):
    """The pods of one namespace: what those that are alike take together, and those that go, which only time tells of."""

    sums: dict[Traits, Sums] = {}
    going: dict[str, Pod] = {}


class Taken(Struct):
    """What the pods of each namespace take."""

    namespaces: dict[str, PodsOf] = {}

    def evolve(self, before: Entry | None, after: Entry | None) -> None:
        for entry, sign in ((before, -1), (after, 1)):
            if entry is not None:
                self._count(entry.object, sign)

    def _count(self, pod: Pod, sign: int) -> None:
        namespace = pod.metadata.namespace
        there = self.namespaces.setdefault(namespace, PodsOf())
        if overdue_at(pod):
            if sign > 0:
                there.going[pod.metadata.name] = pod
            else:
                there.going.pop(pod.metadata.name, None)
        else:
            traits = traits_of(pod)
            sums = there.sums.setdefault(traits, {})
            for name, value in usage("pods", pod, now=0).items():
                nanos, binaries, number = sums.get(name, (0, 0, 0))
                sums[name] = (nanos + sign * value.nanos, binaries + sign * value.binary, number + sign)
                if not sums[name][2]:
                    del sums[name]
            if not sums:
                del there.sums[traits]
        if not there.sums and not there.going:
            del self.namespaces[namespace]


TAKEN = Projection("what pods take of quotas", ("pods",), Taken, Taken.evolve)


def used(view: View, quota: ResourceQuota, *, now: int) -> Amounts:
    """What all objects of a quota's namespace take of what it limits, by its names; nothing of a kind is 0."""
    hard, found = quota.spec.hard, dict.fromkeys(quota.spec.hard, NOTHING)
    for resource in sorted({resource_of(name) for name in hard}):
        for taken in _taken(view, quota, resource, now):
            found |= {name: found[name] + value for name, value in taken.items() if name in found}
    return found


def _taken(view: View, quota: ResourceQuota, resource: str, now: int) -> Iterator[Amounts]:
    """What objects of a kind take, or several of them together."""
    namespace, wanted = quota.metadata.namespace, _scopes(quota)
    if resource == "pods":
        pods = view.projected(TAKEN).namespaces.get(namespace, PodsOf())
        for traits, sums in pods.sums.items():
            if _is_about(wanted, traits):
                yield {name: Amount(nanos, binaries > 0) for name, (nanos, binaries, _) in sums.items()}
        yield from (usage(resource, pod, now=now) for pod in pods.going.values() if concerned(quota, resource, pod))
    elif resource in ("services", "persistentvolumeclaims"):
        objects = [entry.object for entry in view.entries(resource, namespace)]
        yield from (usage(resource, obj, now=now) for obj in objects if concerned(quota, resource, obj))
    elif not wanted:
        number = Amount(len(view.entries(resource, namespace)) * NANO)
        yield {resource: number, f"{COUNT}{resource}": number}


def resource_of(name: str) -> str:
    """The kind whose objects take of it."""
    if name.startswith(COUNT):
        return name.removeprefix(COUNT)
    if name in ("persistentvolumeclaims", "requests.storage") or STORAGE_CLASS in name:
        return "persistentvolumeclaims"
    if name in COUNTED:
        return name
    return "services" if name == "services" or name.startswith("services.") else "pods"
