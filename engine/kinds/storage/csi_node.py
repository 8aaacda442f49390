"""CSI nodes: which drivers of storage a node has."""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.storage_v1 import CSINode, CSINodeDriver

from .csi_driver import check_driver_name

LONGEST_NODE_ID = 256


class CSINodeRules(Strategy):
    about = "Which drivers of storage a node has."
    unconditional_update = False
    returns_deleted = True
    columns = (NAME, Column("Drivers", "How many drivers the node has.", "integer"), AGE)

    def cells(self, obj: CSINode, now_ns: int) -> list[Any]:
        return [obj.metadata.name, len(obj.spec.drivers), age(obj.metadata.creation_timestamp, now_ns)]

    def create(self, kind: Kind, obj: CSINode, ctx: Admission) -> CSINode:
        return obj

    def check(self, faults: Faults, obj: CSINode) -> None:
        seen: set[str] = set()
        for i, driver in enumerate(obj.spec.drivers):
            path = f"spec.drivers[{i}]"
            _check_driver(faults, driver, path)
            if driver.name in seen:
                faults.duplicate(f"{path}.name", driver.name)
            seen.add(driver.name)

    def check_update(self, faults: Faults, old: CSINode, new: CSINode, subresource: str) -> None:
        """A driver that stays says what it said; but for how many volumes it takes."""
        self.check(faults, new)
        before = {driver.name: driver for driver in old.spec.drivers}
        for driver in new.spec.drivers:
            was = before.get(driver.name)
            if was is not None and (was.node_id, was.topology_keys) != (driver.node_id, driver.topology_keys):
                faults.invalid("spec.drivers", driver, "field is immutable")


def _check_driver(faults: Faults, driver: CSINodeDriver, path: str) -> None:
    check_driver_name(faults, driver.name, f"{path}.name")
    if not driver.node_id:
        faults.required(f"{path}.nodeID")
    elif len(driver.node_id) > LONGEST_NODE_ID:
        faults.invalid(f"{path}.nodeID", driver.node_id, f"must be {LONGEST_NODE_ID} characters or less")
    most = driver.allocatable.count if driver.allocatable is not None else None
    if most is not None:
        faults.not_negative(f"{path}.allocatable.count", most)
    for i, key in enumerate(driver.topology_keys):
        if not key:
            faults.required(f"{path}.topologyKeys")
        elif key in driver.topology_keys[:i]:
            faults.duplicate(f"{path}.topologyKeys", key)
        faults.invalid_each(f"{path}.topologyKeys", key, names.qualified(key))


STRATEGY = CSINodeRules()
