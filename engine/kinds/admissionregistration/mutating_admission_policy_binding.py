"""Bindings of mutating policies: where they hold, and with which parameters.

Tests: tests/engine/kinds/admissionregistration/test_policies.py
"""

from .policies import BindingRules


class MutatingAdmissionPolicyBindingRules(BindingRules):
    about = "Says where a policy holds, and with which parameters."


STRATEGY = MutatingAdmissionPolicyBindingRules()
