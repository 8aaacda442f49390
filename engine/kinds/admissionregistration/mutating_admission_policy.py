"""Mutating policies: expressions that change what is to be done.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.admissionregistration_v1 import MutatingAdmissionPolicy, Mutation

from .policies import (
    check_constraints,
    check_expression,
    check_failure_policy,
    check_param_kind,
    check_variables,
    default_match,
    shown_kind,
)
from .webhooks import check_conditions

PATCHES, REINVOCATIONS = ("ApplyConfiguration", "JSONPatch"), ("Never", "IfNeeded")


class MutatingAdmissionPolicyRules(WithSpec):
    about = "Expressions that change what is to be done, where a binding says so."
    unconditional_update = False
    columns = (
        NAME,
        Column("Mutations", "How many changes it makes.", "integer"),
        Column("ParamKind", "The kind of its parameters."),
        AGE,
    )

    def cells(self, obj: MutatingAdmissionPolicy, now_ns: int) -> list[Any]:
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, len(obj.spec.mutations), shown_kind(obj.spec.param_kind), created]

    def default(self, obj: MutatingAdmissionPolicy) -> MutatingAdmissionPolicy:
        constraints = default_match(obj.spec.match_constraints)
        policy = obj.spec.failure_policy or "Fail"
        return replace(obj, spec=replace(obj.spec, failure_policy=policy, match_constraints=constraints))

    def check(self, faults: Faults, obj: MutatingAdmissionPolicy) -> None:
        spec = obj.spec
        check_failure_policy(faults, spec.failure_policy, "spec.failurePolicy")
        check_param_kind(faults, spec.param_kind, "spec.paramKind")
        check_constraints(faults, spec.match_constraints, "spec.matchConstraints")
        check_conditions(faults, spec.match_conditions, "spec.matchConditions", compiled=False)
        check_variables(faults, spec.variables, "spec.variables")
        if not spec.mutations:
            faults.required("spec.mutations", "mutations must contain at least one item")
        for i, mutation in enumerate(spec.mutations):
            _check_mutation(faults, mutation, f"spec.mutations[{i}]")
        if not spec.reinvocation_policy:
            faults.required("spec.reinvocationPolicy")
        elif spec.reinvocation_policy not in REINVOCATIONS:
            faults.not_supported("spec.reinvocationPolicy", spec.reinvocation_policy, REINVOCATIONS)
        if not faults:
            _check_expressions(faults, obj)


def _check_expressions(faults: Faults, obj: MutatingAdmissionPolicy) -> None:
    from .compiling import check_policy  # with all that expressions need, when the first comes

    found: list[tuple[str, str, tuple[str, ...]]] = []
    for i, mutation in enumerate(obj.spec.mutations):
        if mutation.apply_configuration is not None:
            text = mutation.apply_configuration.expression
            found.append((f"spec.mutations[{i}].applyConfiguration.expression", text, ("Object",)))
        elif mutation.json_patch is not None:
            text = mutation.json_patch.expression
            found.append((f"spec.mutations[{i}].jsonPatch.expression", text, ("list(JSONPatch)",)))
    check_policy(faults, obj.spec, found, mutating=True)


def _check_mutation(faults: Faults, mutation: Mutation, path: str) -> None:
    """A change is of one form, and has that alone."""
    if not mutation.patch_type:
        faults.required(f"{path}.patchType")
        return
    if mutation.patch_type not in PATCHES:
        faults.not_supported(f"{path}.patchType", mutation.patch_type, PATCHES)
        return
    for form, field, patch in (
        ("ApplyConfiguration", "applyConfiguration", mutation.apply_configuration),
        ("JSONPatch", "jsonPatch", mutation.json_patch),
    ):
        if form != mutation.patch_type:
            if patch is not None:
                faults.invalid(f"{path}.{field}", patch, f"may not be set when patchType is {mutation.patch_type}")
        elif patch is None:
            faults.required(f"{path}.{field}", f"{field} is required when patchType is {mutation.patch_type}")
        else:
            check_expression(faults, patch.expression, f"{path}.{field}.expression")


STRATEGY = MutatingAdmissionPolicyRules()
