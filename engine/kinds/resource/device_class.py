"""Classes of devices: what claims name, and what its devices have in common.

Tests: tests/engine/kinds/resource/test_devices.py
"""

import re
from typing import Any

from shipslog.engine.kinds.columns import AGE, NAME, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.types.resource_v1 import DeviceClass, DeviceClassConfiguration

from .devices import check_each, check_opaque, check_selectors

MOST = 32
is_extended = re.compile(
    r"(?!requests\.)(?![^/]*kubernetes\.io/)[a-z0-9.-]{1,253}/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
).fullmatch


class DeviceClassRules(WithSpec):
    about = "What claims on devices name: which devices are of the class, and how they are set up."
    columns = (NAME, AGE)

    def cells(self, obj: DeviceClass, now_ns: int) -> list[Any]:
        return [obj.metadata.name, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: DeviceClass) -> None:
        spec = obj.spec
        check_selectors(faults, spec.selectors, "spec.selectors")
        check_each(faults, spec.config, MOST, "spec.config", _check_config)
        if spec.extended_resource_name is not None and not is_extended(spec.extended_resource_name):
            words = "must be a valid extended resource name"
            faults.invalid("spec.extendedResourceName", spec.extended_resource_name, words)


def _check_config(faults: Faults, config: DeviceClassConfiguration, path: str) -> None:
    check_opaque(faults, config.opaque, f"{path}.opaque")


STRATEGY = DeviceClassRules()
