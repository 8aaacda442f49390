"""Policies of admission, which are expressions and not somebody who is asked: what both kinds of them mean and may say.

Source: pkg/apis/admissionregistration (defaults, validation) of Kubernetes.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, UNSET, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.admissionregistration_v1 import MatchResources, ParamKind, ParamRef, Variable
from shipslog.store.objects.types.meta_v1 import LabelSelector

from .webhooks import FAILURES, MATCHES, check_conditions, check_rule

NOT_FOUND_ACTIONS = ("Deny", "Allow")
BOTH = "name and selector are mutually exclusive"
RESERVED = frozenset(
    "true false null in as break const continue else for function if import let loop package namespace return var void "
    "while".split()
)  # fmt: skip
Expression = tuple[str, str, tuple[str, ...]]  # its path, its text, the types that it may come to
is_identifier = re.compile("[_a-zA-Z][_a-zA-Z0-9]*").fullmatch


class PolicyRules(WithSpec, ABC):
    """What both kinds of policies keep. `counted`: the field whose items their table counts; `mutates`: whether their
    expressions make objects."""

    unconditional_update = False
    counted: ClassVar[str]
    mutates: ClassVar[bool] = False

    def cells(self, obj: Any, now_ns: int) -> list[Any]:
        spec, created = obj.spec, age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, len(getattr(spec, self.counted)), shown_kind(spec.param_kind), created]

    def default(self, obj: Any) -> Any:
        constraints = _default_match(obj.spec.match_constraints)
        policy = obj.spec.failure_policy or "Fail"
        return replace(obj, spec=replace(obj.spec, failure_policy=policy, match_constraints=constraints))

    def check(self, faults: Faults, obj: Any) -> None:
        spec = obj.spec
        _check_failure_policy(faults, spec.failure_policy, "spec.failurePolicy")
        _check_param_kind(faults, spec.param_kind, "spec.paramKind")
        _check_constraints(faults, spec.match_constraints, "spec.matchConstraints")
        check_conditions(faults, spec.match_conditions, "spec.matchConditions", compiled=False)
        _check_variables(faults, spec.variables, "spec.variables")
        self.check_own(faults, obj)
        if not faults:
            from .compiling import check_policy  # with all that expressions need, when the first comes

            check_policy(faults, spec, self.expressions(obj), mutating=self.mutates)

    @abstractmethod
    def check_own(self, faults: Faults, obj: Any) -> None:
        """What is wrong with what one kind of policies has."""

    @abstractmethod
    def expressions(self, obj: Any) -> list[Expression]:
        """Those that a policy has besides its variables and conditions."""


class BindingRules(WithSpec):
    """What the bindings of both kinds of policies keep."""

    unconditional_update = False
    columns = (
        NAME,
        Column("PolicyName", "The policy."),
        Column("ParamRef", "The objects that it takes its parameters from."),
        AGE,
    )

    def cells(self, obj: Any, now_ns: int) -> list[Any]:
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, obj.spec.policy_name, shown_ref(obj.spec.param_ref), created]

    def default(self, obj: Any) -> Any:
        return replace(obj, spec=replace(obj.spec, match_resources=_default_match(obj.spec.match_resources)))

    def check(self, faults: Faults, obj: Any) -> None:
        """Which policy is bound, with which parameters, to what."""
        policy, ref = obj.spec.policy_name, obj.spec.param_ref
        if not policy:
            faults.required("spec.policyName")
        else:
            faults.invalid_each("spec.policyName", policy, names.subdomain(policy))
        if ref is not None:
            _check_param_ref(faults, ref, "spec.paramRef")
        _check_match(faults, obj.spec.match_resources, "spec.matchResouces")  # as Kubernetes spells it


def _default_match(match: MatchResources | None) -> MatchResources | None:
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


def _check_failure_policy(faults: Faults, policy: str | None, path: str) -> None:
    if policy is None:
        faults.required(path)
    elif policy not in FAILURES:
        faults.not_supported(path, policy, FAILURES)


def _check_constraints(faults: Faults, match: MatchResources | None, path: str) -> None:
    """What a policy is about: it must name something, whose types are then known."""
    if match is None:
        faults.required(path)
        return
    _check_match(faults, match, path)
    if not match.resource_rules:
        faults.required(f"{path}.resourceRules")


def _check_match(faults: Faults, match: MatchResources | None, path: str) -> None:
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


def _check_param_kind(faults: Faults, kind: ParamKind | None, path: str) -> None:
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


def _check_variables(faults: Faults, variables: Sequence[Variable], path: str) -> None:
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
