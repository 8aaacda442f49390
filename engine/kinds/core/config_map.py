"""Config maps: settings for pods, as keys and values.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.sizes import FROZEN_WORDS, LIMIT_BYTES, decoded_size, size_of
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.core_v1 import ConfigMap


class ConfigMapStrategy(Strategy):
    about = "Settings for pods, as keys and values."
    columns = (NAME, Column("Data", "How many keys the config map has."), AGE)

    def cells(self, obj: ConfigMap, now_ns: int) -> list[Any]:
        return [obj.metadata.name, len(obj.data) + len(obj.binary_data), age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: ConfigMap) -> None:
        check_config_map(faults, obj)

    def check_update(self, faults: Faults, old: ConfigMap, new: ConfigMap, subresource: str) -> None:
        check_config_map_update(faults, old, new)


def check_config_map(faults: Faults, config: ConfigMap) -> None:
    total = decoded_size("binaryData", config.binary_data)
    for key, value in config.data.items():
        if messages := names.config_key(key):
            faults.invalid_each(f"data[{key}]", key, messages)
        if key in config.binary_data:
            faults.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
        total += size_of(value)
    for key in config.binary_data:
        if messages := names.config_key(key):
            faults.invalid_each(f"binaryData[{key}]", key, messages)
    if total > LIMIT_BYTES:
        faults.too_long("", LIMIT_BYTES)


def check_config_map_update(faults: Faults, old: ConfigMap, new: ConfigMap) -> None:
    if old.immutable:
        if not new.immutable:
            faults.forbidden("immutable", FROZEN_WORDS)
        if new.data != old.data:
            faults.forbidden("data", FROZEN_WORDS)
        if new.binary_data != old.binary_data:
            faults.forbidden("binaryData", FROZEN_WORDS)
    check_config_map(faults, new)


STRATEGY = ConfigMapStrategy()
