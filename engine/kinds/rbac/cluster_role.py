"""Cluster roles: what may be done in any namespace, to what is in none, and on paths that are no objects."""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.rbac_v1 import ClusterRole

from .roles import check_rules


class ClusterRoleRules(Strategy):
    about = "What those who are bound to it may do, in a namespace or in all."
    columns = (NAME, Column("Created At", "When the API server created the object.", "date"))

    def cells(self, obj: ClusterRole, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.metadata.creation_timestamp or None]

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def check(self, faults: Faults, obj: ClusterRole) -> None:
        check_rules(faults, obj.rules, namespaced=False)
        if (together := obj.aggregation_rule) is None:
            return
        path = "aggregationRule.clusterRoleSelectors"
        if not together.cluster_role_selectors:
            faults.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
        for i, chosen in enumerate(together.cluster_role_selectors):
            check_label_selector(faults, chosen, f"{path}[{i}]")


STRATEGY = ClusterRoleRules()
