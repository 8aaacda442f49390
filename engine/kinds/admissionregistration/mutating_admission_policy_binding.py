"""Bindings of mutating policies: where they hold, and with which parameters.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.admissionregistration_v1 import MutatingAdmissionPolicyBinding

from .policies import check_binding, default_match, shown_ref


class MutatingAdmissionPolicyBindingRules(WithSpec):
    about = "Says where a policy holds, and with which parameters."
    unconditional_update = False
    columns = (
        NAME,
        Column("PolicyName", "The policy."),
        Column("ParamRef", "The objects that it takes its parameters from."),
        AGE,
    )

    def cells(self, obj: MutatingAdmissionPolicyBinding, now_ns: int) -> list[Any]:
        created = age(obj.metadata.creation_timestamp, now_ns)
        return [obj.metadata.name, obj.spec.policy_name, shown_ref(obj.spec.param_ref), created]

    def default(self, obj: MutatingAdmissionPolicyBinding) -> MutatingAdmissionPolicyBinding:
        return replace(obj, spec=replace(obj.spec, match_resources=default_match(obj.spec.match_resources)))

    def check(self, faults: Faults, obj: MutatingAdmissionPolicyBinding) -> None:
        check_binding(faults, obj.spec.policy_name, obj.spec.param_ref, obj.spec.match_resources)


STRATEGY = MutatingAdmissionPolicyBindingRules()
