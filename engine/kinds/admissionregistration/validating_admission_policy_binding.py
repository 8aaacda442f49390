"""Bindings of validating policies: where they hold, with which parameters, and what becomes of what they refuse.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.admissionregistration_v1 import ValidatingAdmissionPolicyBinding

from .policies import check_binding, default_match, shown_ref

ACTIONS = ("Audit", "Deny", "Warn")
TWICE_TOLD = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers "
    "serves no purpose)"
)


class ValidatingAdmissionPolicyBindingRules(WithSpec):
    about = "Says where a policy holds, with which parameters, and what becomes of what it refuses."
    unconditional_update = False
    columns = (
        NAME,
        Column("PolicyName", "The policy."),
        Column("ParamRef", "The objects that it takes its parameters from."),
        AGE,
    )

    def cells(self, obj: ValidatingAdmissionPolicyBinding, now_ns: int) -> list[Any]:
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, obj.spec.policy_name, shown_ref(obj.spec.param_ref), created]

    def default(self, obj: ValidatingAdmissionPolicyBinding) -> ValidatingAdmissionPolicyBinding:
        return replace(obj, spec=replace(obj.spec, match_resources=default_match(obj.spec.match_resources)))

    def check(self, faults: Faults, obj: ValidatingAdmissionPolicyBinding) -> None:
        spec, path = obj.spec, "spec.validationActions"
        check_binding(faults, spec.policy_name, spec.param_ref, spec.match_resources)
        for i, action in enumerate(spec.validation_actions):
            if action not in ACTIONS:
                faults.not_supported(f"{path}[{i}]", action, ACTIONS)
            if action in spec.validation_actions[:i]:
                faults.duplicate(f"{path}[{i}]", action)
        if {"Deny", "Warn"} <= set(spec.validation_actions):
            faults.invalid(path, spec.validation_actions, TWICE_TOLD)
        if not spec.validation_actions:
            faults.required(path, "at least one validation action is required")


STRATEGY = ValidatingAdmissionPolicyBindingRules()
