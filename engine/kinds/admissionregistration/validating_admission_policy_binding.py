"""Bindings of validating policies: where they hold, with which parameters, and what becomes of what they refuse.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.admissionregistration_v1 import ValidatingAdmissionPolicyBinding

from .policies import BindingRules

ACTIONS = ("Audit", "Deny", "Warn")
TWICE_TOLD = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers "
    "serves no purpose)"
)


class ValidatingAdmissionPolicyBindingRules(BindingRules):
    about = "Says where a policy holds, with which parameters, and what becomes of what it refuses."

    def check(self, faults: Faults, obj: ValidatingAdmissionPolicyBinding) -> None:
        spec, path = obj.spec, "spec.validationActions"
        super().check(faults, obj)
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
