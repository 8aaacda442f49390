"""What a pod's spec says of other pods: its (anti-)affinity terms and spread constraints, whom they choose and where.

Tests: tests/reconcilers/scheduler/test_topology.py, tests/reconcilers/scheduler/test_preferences.py
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from shipslog.store.objects.selector import NOTHING, Selector, of_label_selector
from shipslog.store.objects.types import core_v1, meta_v1

from .profile import Spread

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


def weighted(spec: core_v1.PodSpec) -> Iterable[tuple[core_v1.PodAffinityTerm, int]]:
    """Its preferred terms with their weights, of anti-affinity below zero."""
    affinity = spec.affinity
    if affinity is None:
        return
    if affinity.pod_affinity is not None:
        for one in affinity.pod_affinity.preferred_during_scheduling_ignored_during_execution:
            yield one.pod_affinity_term, one.weight
    if affinity.pod_anti_affinity is not None:
        for one in affinity.pod_anti_affinity.preferred_during_scheduling_ignored_during_execution:
            yield one.pod_affinity_term, -one.weight


class Constraint(Struct, frozen=True):
    """How evenly pods are spread over the places that a label makes."""

    key: str
    max_skew: int
    selector: Selector
    min_domains: int = 1
    by_affinity: bool = True  # only nodes count that the pod's node affinity lets it go to
    by_taints: bool = False  # only nodes count whose taints the pod bears


def constraints(spec: core_v1.PodSpec, labels: Mapping[str, str], when: str) -> tuple[Constraint, ...]:
    """Those that a pod with these labels brings."""
    return tuple(
        Constraint(
            c.topology_key,
            c.max_skew,
            selector_of(c.label_selector, labels, c.match_label_keys),
            c.min_domains or 1,
            c.node_affinity_policy != "Ignore",
            c.node_taints_policy == "Honor",
        )
        for c in spec.topology_spread_constraints
        if c.when_unsatisfiable == when
    )


def defaults(spreads: Iterable[Spread], selector: Selector, when: str) -> tuple[Constraint, ...]:
    """Those of a profile, for a pod that is spread with those that the selector chooses."""
    return tuple(Constraint(s.topology_key, s.max_skew, selector) for s in spreads if s.when_unsatisfiable == when)


def depends_on_others(spec: core_v1.PodSpec) -> bool:
    """Whether what other pods do decides where it may go."""
    hard = any(c.when_unsatisfiable == "DoNotSchedule" for c in spec.topology_spread_constraints)
    return hard or bool(required(spec) or required(spec, anti=True))


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
