"""Mutating policies: expressions that change what is to be done.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

from shipslog.engine.kinds.columns import AGE, NAME, Column
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.admissionregistration_v1 import MutatingAdmissionPolicy, Mutation

from .policies import Expression, PolicyRules, check_expression

PATCHES, REINVOCATIONS = ("ApplyConfiguration", "JSONPatch"), ("Never", "IfNeeded")


class MutatingAdmissionPolicyRules(PolicyRules):
    about = "Expressions that change what is to be done, where a binding says so."
    counted, mutates = "mutations", True
    columns = (
        NAME,
        Column("Mutations", "How many changes it makes.", "integer"),
        Column("ParamKind", "The kind of its parameters."),
        AGE,
    )

    def check_own(self, faults: Faults, obj: MutatingAdmissionPolicy) -> None:
        spec = obj.spec
        if not spec.mutations:
            faults.required("spec.mutations", "mutations must contain at least one item")
        for i, mutation in enumerate(spec.mutations):
            _check_mutation(faults, mutation, f"spec.mutations[{i}]")
        if not spec.reinvocation_policy:
            faults.required("spec.reinvocationPolicy")
        elif spec.reinvocation_policy not in REINVOCATIONS:
            faults.not_supported("spec.reinvocationPolicy", spec.reinvocation_policy, REINVOCATIONS)

    def expressions(self, obj: MutatingAdmissionPolicy) -> list[Expression]:
        found: list[Expression] = []
        for i, mutation in enumerate(obj.spec.mutations):
            if mutation.apply_configuration is not None:
                text = mutation.apply_configuration.expression
                found.append((f"spec.mutations[{i}].applyConfiguration.expression", text, ("Object",)))
            elif mutation.json_patch is not None:
                text = mutation.json_patch.expression
                found.append((f"spec.mutations[{i}].jsonPatch.expression", text, ("list(JSONPatch)",)))
        return found


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
