"""CSI storage capacities: how much room of a storage class there is for some nodes."""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.storage_v1 import CSIStorageCapacity
from shipslog.store.objects.values import quantity


class CSIStorageCapacityRules(Strategy):
    about = "How much room of a storage class there is for some nodes."
    unconditional_update = False
    columns = (NAME, Column("Created At", "When the API server created the object.", "date"))

    def cells(self, obj: CSIStorageCapacity, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.metadata.creation_timestamp or None]

    def check(self, faults: Faults, obj: CSIStorageCapacity) -> None:
        check_label_selector(faults, obj.node_topology, "nodeTopology")
        name = obj.storage_class_name
        faults.invalid_each("storageClassName", name, names.subdomain(name))
        for field, amount in (("capacity", obj.capacity), ("maximumVolumeSize", obj.maximum_volume_size)):
            if amount is not None and quantity.milli(str(amount)) < 0:
                faults.invalid(field, str(amount), "must be greater than or equal to 0")

    def check_update(self, faults: Faults, old: CSIStorageCapacity, new: CSIStorageCapacity, subresource: str) -> None:
        self.check(faults, new)
        check_same(faults, "nodeTopology", old.node_topology, new.node_topology)
        check_same(faults, "storageClassName", old.storage_class_name, new.storage_class_name)


STRATEGY = CSIStorageCapacityRules()
