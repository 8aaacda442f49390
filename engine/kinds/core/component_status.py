"""Component statuses: how the parts of the control plane are. Nothing writes them here: the parts are one process.

Tests: tests/engine/kinds/test_contract.py
"""

from typing import Any

from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.core_v1 import ComponentStatus


class ComponentStatusRules(Strategy):
    about = "How a part of the control plane is. Deprecated since 1.19; there are none here."
    columns = (
        NAME,
        Column("Status", "Whether it works."),
        Column("Message", "What it says."),
        Column("Error", "What is wrong with it."),
    )

    def cells(self, obj: ComponentStatus, now_ns: int) -> list[Any]:
        found = next((c for c in obj.conditions if c.type == "Healthy"), None)
        if found is None:
            return [obj.metadata.name, "Unhealthy", "", ""]
        return [obj.metadata.name, "Healthy" if found.status == "True" else "Unhealthy", found.message, found.error]


STRATEGY = ComponentStatusRules()
