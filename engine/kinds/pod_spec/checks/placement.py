"""Where a pod may go: affinity, tolerations, spreading.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from collections import Counter

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.store.objects.types.core_v1 import (
    Affinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    Toleration,
    TopologySpreadConstraint,
)
from shipslog.store.objects.types.meta_v1 import LabelSelector

from ..defaults.spec import NODE_FAILURES

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
NOT_AN_OPERATOR = "not a valid selector operator"
POSITIVE = "must be greater than zero"


def check_affinity(faults: Faults, affinity: Affinity | None, path: str) -> None:
    if affinity is None:
        return
    node = affinity.node_affinity
    if node is not None:
        if node.required_during_scheduling_ignored_during_execution is not None:
            required = node.required_during_scheduling_ignored_during_execution
            check_node_selector(faults, required, f"{path}.nodeAffinity.{REQUIRED}")
        for i, term in enumerate(node.preferred_during_scheduling_ignored_during_execution):
            at = f"{path}.nodeAffinity.{PREFERRED}[{i}]"
            _check_weight(faults, term.weight, at)
            _check_term(faults, term.preference, f"{at}.preference", values=False)
    if affinity.pod_affinity is not None:
        _check_pod_affinity(faults, affinity.pod_affinity, f"{path}.podAffinity")
    if affinity.pod_anti_affinity is not None:
        _check_pod_affinity(faults, affinity.pod_anti_affinity, f"{path}.podAntiAffinity")


def _check_weight(faults: Faults, weight: int, path: str) -> None:
    if not 1 <= weight <= 100:
        faults.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def check_node_selector(faults: Faults, selector: NodeSelector, path: str) -> None:
    if not selector.node_selector_terms:
        faults.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for i, term in enumerate(selector.node_selector_terms):
        _check_term(faults, term, f"{path}.nodeSelectorTerms[{i}]", values=True)


def _check_term(faults: Faults, term: NodeSelectorTerm, path: str, *, values: bool) -> None:
    for i, requirement in enumerate(term.match_expressions):
        _check_requirement(faults, requirement, f"{path}.matchExpressions[{i}]", values)
    for i, requirement in enumerate(term.match_fields):
        _check_field_requirement(faults, requirement, f"{path}.matchFields[{i}]")


def _check_requirement(faults: Faults, requirement: NodeSelectorRequirement, path: str, values: bool) -> None:
    operator, given = requirement.operator, requirement.values
    if operator in ("In", "NotIn"):
        if not given:
            faults.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if given:
            faults.forbidden(f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt"):
        if len(given) != 1:
            faults.required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
    else:
        faults.invalid(f"{path}.operator", operator, NOT_AN_OPERATOR)
    faults.invalid_each(f"{path}.key", requirement.key, names.qualified(requirement.key))
    if values:
        for i, value in enumerate(given):
            faults.invalid_each(f"{path}.values[{i}]", value, names.label_value(value))


def _check_field_requirement(faults: Faults, requirement: NodeSelectorRequirement, path: str) -> None:
    if requirement.operator not in ("In", "NotIn"):
        faults.invalid(f"{path}.operator", requirement.operator, NOT_AN_OPERATOR)
    elif len(requirement.values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        faults.required(f"{path}.values", why)
    if requirement.key != "metadata.name":
        faults.invalid(f"{path}.key", requirement.key, "not a valid field selector key")
        return
    for i, value in enumerate(requirement.values):
        faults.invalid_each(f"{path}.values[{i}]", value, names.subdomain(value))


def _check_pod_affinity(faults: Faults, affinity: PodAffinity | PodAntiAffinity, path: str) -> None:
    for i, term in enumerate(affinity.required_during_scheduling_ignored_during_execution):
        _check_pod_term(faults, term, f"{path}.{REQUIRED}[{i}]")
    for i, weighted in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        _check_weight(faults, weighted.weight, f"{path}.{PREFERRED}[{i}]")
        _check_pod_term(faults, weighted.pod_affinity_term, f"{path}.{PREFERRED}[{i}].podAffinityTerm")


def _check_pod_term(faults: Faults, term: PodAffinityTerm, path: str) -> None:
    check_label_selector(faults, term.label_selector, f"{path}.labelSelector")
    check_label_selector(faults, term.namespace_selector, f"{path}.namespaceSelector")
    for name in term.namespaces:
        faults.invalid_each(f"{path}.namespace", name, names.label(name))
    for field, keys in (("matchLabelKeys", term.match_label_keys), ("mismatchLabelKeys", term.mismatch_label_keys)):
        if keys and term.label_selector is None:
            faults.forbidden(f"{path}.{field}", "must not be specified when labelSelector is not set")
        elif keys:
            for i, key in enumerate(keys):
                faults.invalid_each(f"{path}.{field}[{i}]", key, names.qualified(key))
    for i, key in enumerate(term.match_label_keys):
        if key in term.mismatch_label_keys:
            faults.invalid(f"{path}.matchLabelKeys[{i}]", key, "exists in both matchLabelKeys and mismatchLabelKeys")
    if not term.topology_key:
        faults.required(f"{path}.topologyKey", "can not be empty")
    faults.invalid_each(f"{path}.topologyKey", term.topology_key, names.qualified(term.topology_key))


def check_tolerations(faults: Faults, tolerations: tuple[Toleration, ...], path: str) -> None:
    if tolerations is NODE_FAILURES:
        return  # made by admission itself, for nearly every pod
    for i, t in enumerate(tolerations):
        at = f"{path}[{i}]"
        if t.key:
            if messages := names.qualified(t.key):
                faults.invalid_each(f"{at}.key", t.key, messages)
        elif t.operator != "Exists":
            why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            faults.invalid(f"{at}.operator", t.operator, why)
        if t.toleration_seconds is not None and t.effect != "NoExecute":
            faults.invalid(f"{at}.effect", t.effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if t.operator in ("Equal", ""):
            if messages := names.label_value(t.value):
                faults.invalid(f"{at}.operator", t.value, ";".join(messages))
        elif t.operator == "Exists":
            if t.value:
                faults.invalid(f"{at}.operator", t.value, "value must be empty when `operator` is 'Exists'")
        else:
            faults.not_supported(f"{at}.operator", t.operator, ("Equal", "Exists"))
        if t.effect and t.effect not in TAINT_EFFECTS:
            faults.not_supported(f"{at}.effect", t.effect, TAINT_EFFECTS)


def check_spreading(faults: Faults, constraints: tuple[TopologySpreadConstraint, ...], path: str) -> None:
    to_come = Counter((c.topology_key, c.when_unsatisfiable) for c in constraints)
    for i, c in enumerate(constraints):
        at = f"{path}[{i}]"
        if c.max_skew <= 0:
            faults.invalid(f"{at}.maxSkew", c.max_skew, POSITIVE)
        if not c.topology_key:
            faults.required(f"{at}.topologyKey", "can not be empty")
        if c.when_unsatisfiable not in ("DoNotSchedule", "ScheduleAnyway"):
            faults.not_supported(f"{at}.whenUnsatisfiable", c.when_unsatisfiable, ("DoNotSchedule", "ScheduleAnyway"))
        pair = (c.topology_key, c.when_unsatisfiable)
        to_come[pair] -= 1
        if to_come[pair]:
            faults.duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{pair[0]}, {pair[1]}}}")
        if c.min_domains is not None:
            if c.min_domains <= 0:
                faults.invalid(f"{at}.minDomains", c.min_domains, POSITIVE)
            if c.when_unsatisfiable != "DoNotSchedule":
                why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {c.when_unsatisfiable}"
                faults.invalid(f"{at}.minDomains", c.min_domains, why)
        for field, policy in (("nodeAffinityPolicy", c.node_affinity_policy), ("nodeTaintsPolicy", c.node_taints_policy)):
            if policy is not None and policy not in ("Honor", "Ignore"):
                faults.not_supported(f"{at}.{field}", policy, ("Honor", "Ignore"))
        _check_spread_keys(faults, c.match_label_keys, c.label_selector, f"{at}.matchLabelKeys")
        check_label_selector(faults, c.label_selector, f"{at}.labelSelector")


def _check_spread_keys(faults: Faults, keys: tuple[str, ...], selector: LabelSelector | None, path: str) -> None:
    if keys and selector is None:
        faults.forbidden(path, "must not be specified when labelSelector is not set")
    named = {*selector.match_labels, *(e.key for e in selector.match_expressions)} if selector is not None else set()
    for i, key in enumerate(keys):
        faults.invalid_each(f"{path}[{i}]", key, names.qualified(key))
        if key in named:
            faults.invalid(f"{path}[{i}]", key, "exists in both matchLabelKeys and labelSelector")
