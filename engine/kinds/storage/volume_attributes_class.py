"""Volume attributes classes: what of a volume can be changed while it is used."""

from typing import Any

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.storage_v1 import VolumeAttributesClass

from .csi_driver import check_driver_name
from .storage_class import check_parameters


class VolumeAttributesClassRules(Strategy):
    about = "What of a volume can be changed while it is used."
    columns = (NAME, Column("DriverName", "The driver that makes the changes."), AGE)

    def cells(self, obj: VolumeAttributesClass, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.driver_name, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: VolumeAttributesClass) -> None:
        check_driver_name(faults, obj.driver_name, "driverName")
        if not obj.parameters:
            faults.required("parameters", "must contain at least one key/value pair")
        check_parameters(faults, obj.parameters, "parameters")

    def check_update(self, faults: Faults, old: VolumeAttributesClass, new: VolumeAttributesClass, subresource: str) -> None:
        for field, was, now in (
            ("driverName", old.driver_name, new.driver_name),
            ("parameters", old.parameters, new.parameters),
        ):
            if was != now:
                faults.invalid(field, now, IMMUTABLE)


STRATEGY = VolumeAttributesClassRules()
