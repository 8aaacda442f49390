"""Policies of admission, which are expressions and not somebody who is asked: what both kinds of them mean and may say.

Source: pkg/apis/admissionregistration (defaults, validation) of Kubernetes.
"""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import UNSET
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.store.objects.admissionregistration_v1 import MatchResources, ParamKind, ParamRef, Variable
from shipslog.store.objects.meta_v1 import LabelSelector

from .webhooks import FAILURES, MATCHES, check_rule

NOT_FOUND_ACTIONS = ("Deny", "Allow")
BOTH = "name and selector are mutually exclusive"
RESERVED = frozenset(
    "true false null in as break const continue else for function if import let loop package namespace return var void "
    "while".split()
)  # fmt: skip
is_identifier = re.compile("[_a-zA-Z][_a-zA-Z0-9]*").fullmatch


def default_match(match: MatchResources | None) -> MatchResources | None:
    """What a policy is about: everything that its rules name, in every namespace, and equivalents of it."""
    if match is None:
        return None
    return replace(
        match,
        match_policy=match.match_policy or "Equivalent",
        namespace_selector=match.namespace_selector or LabelSelector(),
        object_selector=match.object_selector or LabelSelector(),
        resource_rules=tuple(replace(rule, scope=rule.scope or "*") for rule in match.resource_rules),
        exclude_resource_rules=tuple(replace(rule, scope=rule.scope or "*") for rule in match.exclude_resource_rules),
    )


def check_failure_policy(faults: Faults, policy: str | None, path: str) -> None:
    if policy is None:
        faults.required(path)
    elif policy not in FAILURES:
        faults.not_supported(path, policy, FAILURES)


def check_constraints(faults: Faults, match: MatchResources | None, path: str) -> None:
    """What a policy is about: it must name something, whose types are then known."""
    if match is None:
        faults.required(path)
        return
    check_match(faults, match, path)
    if not match.resource_rules:
        faults.required(f"{path}.resourceRules")


def check_match(faults: Faults, match: MatchResources | None, path: str) -> None:
    if match is None:
        return
    if match.match_policy is None:
        faults.required(f"{path}.matchPolicy")
    elif match.match_policy not in MATCHES:
        faults.not_supported(f"{path}.matchPolicy", match.match_policy, MATCHES)
    for field, selector in (("namespaceSelector", match.namespace_selector), ("objectSelector", match.object_selector)):
        if selector is None:
            faults.required(f"{path}.{field}")
        check_label_selector(faults, selector, f"{path}.{field}")
    for field, rules in (("resourceRules", match.resource_rules), ("excludeResourceRules", match.exclude_resource_rules)):
        for i, rule in enumerate(rules):
            at = f"{path}.{field}[{i}]"
            for j, name in enumerate(rule.resource_names):
                faults.invalid_each(f"{at}.resourceNames[{j}]", name, names.path_segment(name))
                if name in rule.resource_names[:j]:
                    faults.duplicate(f"{at}.resourceNames[{j}]", name)
            check_rule(faults, rule, at)


def check_param_kind(faults: Faults, kind: ParamKind | None, path: str) -> None:
    """The kind of the objects that a policy takes its parameters from."""
    if kind is None:
        return
    at, whole = f"{path}.apiVersion", kind.api_version
    group, version = whole.split("/", 1) if "/" in whole else ("", whole)
    if not whole:
        faults.required(at)
    elif "/" in version:
        faults.invalid(at, whole, f"unexpected GroupVersion string: {whole}")
    else:
        if group and (messages := names.subdomain(group)):
            faults.invalid(at, group, ",".join(messages))
        if not version:
            faults.invalid(at, whole, "version must be specified")
        elif messages := names.dns_1035(version):
            faults.invalid(at, version, ",".join(messages))
    if not kind.kind:
        faults.required(f"{path}.kind")
    elif messages := names.dns_1035(kind.kind.lower()):
        faults.invalid(f"{path}.kind", kind.kind, f"may have mixed case, but should otherwise match: {','.join(messages)}")


def check_variables(faults: Faults, variables: Sequence[Variable], path: str) -> None:
    for i, variable in enumerate(variables):
        at = f"{path}[{i}]"
        if not variable.name.strip():
            faults.required(f"{at}.name", "name is not specified")
        elif not is_identifier(variable.name) or variable.name in RESERVED:
            faults.invalid(f"{at}.name", variable.name, "name is not a valid CEL identifier")
        check_expression(faults, variable.expression, f"{at}.expression")


def check_expression(faults: Faults, expression: str, path: str) -> None:
    """An expression that must be there. What it means is `compiling`'s."""
    if not expression.strip():
        faults.required(path, f"{path.rpartition('.')[2]} is not specified")


def check_binding(faults: Faults, policy: str, ref: ParamRef | None, match: MatchResources | None) -> None:
    """Which policy is bound, with which parameters, to what."""
    if not policy:
        faults.required("spec.policyName")
    else:
        faults.invalid_each("spec.policyName", policy, names.subdomain(policy))
    if ref is not None:
        _check_param_ref(faults, ref, "spec.paramRef")
    check_match(faults, match, "spec.matchResouces")  # as Kubernetes spells it


def _check_param_ref(faults: Faults, ref: ParamRef, path: str) -> None:
    if ref.name:
        faults.invalid_each(f"{path}.name", ref.name, names.path_segment(ref.name))
        if ref.selector is not None:
            faults.forbidden(f"{path}.name", BOTH)
    if ref.selector is not None:
        check_label_selector(faults, ref.selector, f"{path}.selector")
        if ref.name:
            faults.forbidden(f"{path}.selector", BOTH)
    if not ref.name and ref.selector is None:
        faults.required(path, "one of name or selector must be specified")
    action = ref.parameter_not_found_action
    if not action:
        faults.required(f"{path}.parameterNotFoundAction")
    elif action not in NOT_FOUND_ACTIONS:
        faults.not_supported(f"{path}.parameterNotFoundAction", action, NOT_FOUND_ACTIONS)


def shown_kind(kind: ParamKind | None) -> str:
    """apps/v1/Deployment; <unset> where a policy has no parameters."""
    return UNSET if kind is None else f"{kind.api_version}/{kind.kind}"


def shown_ref(ref: ParamRef | None) -> str:
    """Which parameters a binding names: */NAME where it does not say in which namespace."""
    if ref is None:
        return UNSET
    if ref.name:
        return f"{ref.namespace or '*'}/{ref.name}"
    return UNSET if ref.selector is None else _as_go_prints(ref.selector)


def _as_go_prints(selector: LabelSelector) -> str:
    """A selector in the form of Go's own print of it, which kubectl shows."""
    labels = "".join(f"{key}: {value}," for key, value in sorted(selector.match_labels.items()))
    requirements = "".join(
        f"LabelSelectorRequirement{{Key:{r.key},Operator:{r.operator},Values:[{' '.join(r.values)}],}},"
        for r in selector.match_expressions
    )
    matches = f"MatchExpressions:[]LabelSelectorRequirement{{{requirements}}},"
    return f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},{matches}}}"
