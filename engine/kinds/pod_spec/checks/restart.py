"""When a container is started again by its own policy and rules. Source: Kubernetes' validation of KEP-5307.

Tests: tests/engine/kinds/core/pod/test_strategy.py
"""

from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.core_v1 import Container

POLICIES, ACTIONS, OPERATORS = ("Always", "Never", "OnFailure"), ("Restart",), ("In", "NotIn")
MOST_RULES, MOST_CODES = 20, 255


def check_restart(faults: Faults, container: Container, path: str) -> None:
    """Both fields of a container."""
    policy, rules = container.restart_policy, container.restart_policy_rules
    if policy is not None and policy not in POLICIES:
        faults.not_supported(f"{path}.restartPolicy", policy, POLICIES)
    if not rules:
        return
    if policy is None:
        faults.required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")
    if len(rules) > MOST_RULES:
        faults.too_many(f"{path}.restartPolicyRules", len(rules), MOST_RULES)
    for i, rule in enumerate(rules):
        at = f"{path}.restartPolicyRules[{i}]"
        if rule.action not in ACTIONS:
            faults.not_supported(f"{at}.action", rule.action, ACTIONS)
        codes = rule.exit_codes
        if codes is None:
            faults.required(f"{at}.exitCodes", "must be specified")
            continue
        if codes.operator not in OPERATORS:
            faults.not_supported(f"{at}.exitCodes.operator", codes.operator, OPERATORS)
        if not codes.values:
            faults.invalid(f"{at}.exitCodes.values", codes.values, "at least one value must be specified")
        elif len(codes.values) > MOST_CODES:
            faults.too_many(f"{at}.exitCodes.values", len(codes.values), MOST_CODES)
