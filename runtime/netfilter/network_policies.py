"""The adapter that has the kernel judge pods' traffic by NetworkPolicies: a table of its own beside that of services.

It looks at what is forwarded, so after services have become pods, and before addresses are hidden. What the node itself sends
and gets is not forwarded: it always passes, as Kubernetes wants it. The first rules after a start take the place of what an
earlier daemon left, in one transaction; connections that exist go on.
"""

from shipslog.runtime.commands import NetworkPolicyRules
from shipslog.store.logger import logger

from .adapter import NetfilterFailed
from .family import FAMILIES, Family, machine_has
from .guarded_table import GuardedTable
from .policy_ruleset_text import PolicyRuleset, change, families_of, gone, table_of, whole
from .service_ruleset_text import table_name

log = logger(__name__)


class NetworkPolicyAdapter:
    """Keeps the tables `shipslog_policies_INSTANCE`, one of each family that pods have, in a network namespace (see
    NftablesAdapter) while there are policies; without any there is no table, no thread and nobody who listens."""

    def __init__(self, instance: str = "", *, netns: str | None = None) -> None:
        self.table = table_name(f"policies_{instance}" if instance else "policies")
        self._kept = GuardedTable(self.table, self._restore, netns=netns)
        self._loaded: dict[Family, PolicyRuleset] | None = None

    async def apply(self, policies: NetworkPolicyRules) -> None:
        """All of them in one transaction. Errors: NetfilterFailed, RuntimeUnavailable; then the rules are as before."""
        if policies.pods:
            await self._kept.run(self._apply, policies)
        else:
            await self._kept.close(self._remove)

    async def close(self, *, remove: bool) -> None:
        """Let go; the rules stay, unless `remove`."""
        await self._kept.close(self._remove if remove else None)
        self._loaded = None

    # --- below runs in the thread ---

    def _apply(self, policies: NetworkPolicyRules) -> None:
        try:
            wanted = {family: table_of(policies, family) for family in families_of(policies)}
        except ValueError as error:
            raise NetfilterFailed(f"policies {policies.digest} not applied, the rules are as before: {error}") from error
        if self._loaded is None:
            self._load(wanted)
            return
        text = "".join(gone(self.table, family) for family in self._loaded if family not in wanted)
        for family, table in wanted.items():
            had = self._loaded.get(family)
            text += whole(self.table, table, family) if had is None else change(self.table, had, table, family)
        if text:
            try:
                self._kept.change(text)
            except NetfilterFailed as error:
                log.warning("network_policies_drifted", table=self.table, why=str(error))
                self._load(wanted)
        self._loaded = wanted

    def _load(self, wanted: dict[Family, PolicyRuleset]) -> None:
        left = "".join(gone(self.table, family) for family in _of_machine() if family not in wanted)
        self._kept.change("".join(whole(self.table, table, family) for family, table in wanted.items()) + left)
        self._loaded = wanted

    def _restore(self) -> None:
        if self._loaded is not None:
            self._load(self._loaded)

    def _remove(self) -> None:
        self._kept.change("".join(gone(self.table, family) for family in _of_machine()))
        self._loaded = None


def _of_machine() -> list[Family]:
    return [family for family in FAMILIES.values() if machine_has(family)]
