"""Packet rules of a node whose pods have their network from the runtime: services are ours, pods' traffic is for its plugin to
judge.

Tests: tests/runtime/containers/test_contract.py
"""

from shipslog.runtime.commands import ApplyNetworkPolicies, ApplyRuleset
from shipslog.runtime.node import PacketRules
from shipslog.store.facts import NetworkPoliciesApplied, RulesetApplied, RulesetFailed, RuntimeFact


async def apply(node: str, rules: PacketRules | None, command: ApplyRuleset | ApplyNetworkPolicies) -> RuntimeFact:
    """What came of it. NetworkPolicies are taken note of, so that nobody waits for them."""
    if isinstance(command, ApplyNetworkPolicies):
        return NetworkPoliciesApplied(node=node, digest=command.policies.digest, pods=command.addresses)
    ruleset = command.ruleset
    if rules is not None:
        try:
            await rules.apply(ruleset)
        except Exception as error:
            return RulesetFailed(node=node, digest=ruleset.digest, message=str(error))
    return RulesetApplied(node=node, digest=ruleset.digest, services=len(ruleset.services))
