"""What each node said last of the rules for its packets and for its pods' traffic, since the engine started.

Tests: tests/engine/state/test_view.py
"""

from msgspec.structs import replace

from shipslog.store.facts import NetworkPoliciesApplied, NetworkPoliciesFailed, RulesetApplied, RulesetFailed
from shipslog.store.state import NetworkPolicyState, RulesetState

_NO_RULESET = RulesetState()


class NodeRulesets(dict[str, RulesetState]):
    """By node."""

    def of(self, node: str) -> RulesetState:
        return self.get(node, _NO_RULESET)

    def evolve(self, fact: RulesetApplied | RulesetFailed, time_ns: int) -> None:
        if isinstance(fact, RulesetApplied):
            self[fact.node] = RulesetState(digest=fact.digest)
            return
        failures = self.of(fact.node).failures + 1
        self[fact.node] = RulesetState(
            failed_digest=fact.digest, message=fact.message, failed_at_ns=time_ns, failures=failures
        )  # fmt: skip


class NodePolicies(dict[str, NetworkPolicyState]):
    """By node. Rules that could not be applied leave those before them in force."""

    def evolve(self, fact: NetworkPoliciesApplied | NetworkPoliciesFailed, time_ns: int) -> None:
        if isinstance(fact, NetworkPoliciesApplied):
            self[fact.node] = NetworkPolicyState(digest=fact.digest, pods=fact.pods)
            return
        held = self.get(fact.node, NetworkPolicyState())
        self[fact.node] = replace(
            held, failed_digest=fact.digest, message=fact.message, failed_at_ns=time_ns, failures=held.failures + 1
        )
