"""Roles: what may be done in a namespace."""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.rbac_v1 import Role

from .roles import check_rules


class RoleRules(Strategy):
    about = "What those who are bound to it may do in its namespace."
    columns = (NAME, Column("Created At", "When the API server created the object.", "date"))

    def cells(self, obj: Role, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.metadata.creation_timestamp or None]

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def check(self, faults: Faults, obj: Role) -> None:
        check_rules(faults, obj.rules, namespaced=True)


STRATEGY = RoleRules()
