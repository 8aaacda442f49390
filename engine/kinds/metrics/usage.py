"""NodeMetrics and PodMetrics in a table. Source: metrics-server, pkg/api/table.go.

Tests: tests/engine/api/unstored/test_pod_and_node_metrics.py
"""

from typing import Any

from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.values import quantity

RESOURCES = ("cpu", "memory")


class UsageStrategy(Strategy):
    """The resources in the order of their names, a pod's summed over its containers."""

    columns = (
        NAME,
        Column("cpu", "Cores in use, over the window.", format="quantity"),
        Column("memory", "Bytes of the working set.", format="quantity"),
        Column("Window", "The time over which was measured.", format="duration"),
    )

    def cells(self, obj: Any, now_ns: int) -> list[Any]:
        used = [one.usage for one in obj.containers] if hasattr(obj, "containers") else [obj.usage]
        cpu = sum(quantity.nanos(one.get("cpu", 0)) for one in used)
        memory = sum(quantity.value(one.get("memory", 0)) for one in used)
        cells = (quantity.canonical(f"{cpu}n"), quantity.canonical(f"{memory // 1024}Ki"))
        return [obj.metadata.name, *cells, obj.window]


STRATEGY = UsageStrategy()
STRATEGY.about = "What a node or a pod uses of its resources at present; measured when it is asked for, and not stored."
