"""What a pod's spec says of other pods: its (anti-)affinity terms and spread constraints, whom they choose and where.

Tests: tests/reconcilers/scheduler/test_topology.py, tests/reconcilers/scheduler/test_preferences.py
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.objects.selector import NOTHING, Selector, of_label_selector

Namespaces = Mapping[str, Mapping[str, str]]  # the labels of each


def required(spec: core_v1.PodSpec, *, anti: bool = False) -> tuple[core_v1.PodAffinityTerm, ...]:
    """The terms that must hold."""
    affinity = spec.affinity
    if affinity is None:
        return ()
    if anti:
        far = affinity.pod_anti_affinity
        return far.required_during_scheduling_ignored_during_execution if far is not None else ()
    near = affinity.pod_affinity
    return near.required_during_scheduling_ignored_during_execution if near is not None else ()


def weighted(spec: core_v1.PodSpec, *, required_too: bool) -> Iterable[tuple[core_v1.PodAffinityTerm, int]]:
    """Its preferred terms with their weights, of anti-affinity below zero. `required_too`: those of affinity that must hold as
    well, with 1: what a pod that runs needs beside it, it likes beside it."""
    affinity = spec.affinity
    if affinity is None:
        return
    if affinity.pod_affinity is not None:
        for one in affinity.pod_affinity.preferred_during_scheduling_ignored_during_execution:
            yield one.pod_affinity_term, one.weight
        if required_too:
            for term in affinity.pod_affinity.required_during_scheduling_ignored_during_execution:
                yield term, 1
    if affinity.pod_anti_affinity is not None:
        for one in affinity.pod_anti_affinity.preferred_during_scheduling_ignored_during_execution:
            yield one.pod_affinity_term, -one.weight


def constraints(spec: core_v1.PodSpec, when: str = "DoNotSchedule") -> tuple[core_v1.TopologySpreadConstraint, ...]:
    return tuple(c for c in spec.topology_spread_constraints if c.when_unsatisfiable == when)


def depends_on_others(spec: core_v1.PodSpec) -> bool:
    """Whether what other pods do decides where it may go."""
    return bool(required(spec) or required(spec, anti=True) or constraints(spec))


def selector_of(chosen: meta_v1.LabelSelector | None, labels: Mapping[str, str], more: Iterable[str]) -> Selector:
    """None chooses nothing; the keys in `more` must be as the pod with these labels has them."""
    if chosen is None:
        return NOTHING
    same = {key: labels[key] for key in more if key in labels}
    return of_label_selector(replace(chosen, match_labels={**chosen.match_labels, **same}) if same else chosen)


def speaks_in(term: core_v1.PodAffinityTerm, owner: str, namespace: str, namespaces: Namespaces) -> bool:
    """Whether the term of a pod in the namespace `owner` is about pods in `namespace`."""
    if not term.namespaces and term.namespace_selector is None:
        return namespace == owner
    chosen = term.namespace_selector
    if namespace in term.namespaces:
        return True
    return chosen is not None and of_label_selector(chosen).matches(namespaces.get(namespace, {}))


def namespaces_of(term: core_v1.PodAffinityTerm, owner: str, namespaces: Namespaces) -> list[str]:
    """The namespaces whose pods the term of a pod in the namespace `owner` is about."""
    if not term.namespaces and term.namespace_selector is None:
        return [owner]
    found = set(term.namespaces)
    if term.namespace_selector is not None:
        chosen = of_label_selector(term.namespace_selector)
        found.update(name for name, labels in namespaces.items() if chosen.matches(labels))
    return sorted(found)


def asked_keys(spec: core_v1.PodSpec) -> set[str]:
    """The keys of labels of other pods that the spec asks about."""
    found: set[str] = set()
    if spec.affinity is None and not spec.topology_spread_constraints:
        return found
    chosen: list[tuple[meta_v1.LabelSelector | None, Iterable[str]]] = [
        (c.label_selector, c.match_label_keys) for c in spec.topology_spread_constraints
    ]
    for term in all_terms(spec):
        chosen.append((term.label_selector, (*term.match_label_keys, *term.mismatch_label_keys)))
    for selector, more in chosen:
        found.update(more)
        if selector is not None:
            found.update(selector.match_labels)
            found.update(expression.key for expression in selector.match_expressions)
    return found


def all_terms(spec: core_v1.PodSpec) -> Iterable[core_v1.PodAffinityTerm]:
    """Those that must hold and those that are preferred, of affinity and anti-affinity."""
    affinity = spec.affinity
    for half in (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity is not None else ():
        if half is not None:
            yield from half.required_during_scheduling_ignored_during_execution
            for weighted in half.preferred_during_scheduling_ignored_during_execution:
                yield weighted.pod_affinity_term
