"""ConfigMaps and Secrets."""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.core_v1 import ConfigMap, Secret
from shipslog.store.objects.registry import Kind

from .context import Admission
from .defaults.cluster import default_secret
from .fields import Faults
from .strategy import Strategy
from .validation import settings as rules


class ConfigMapStrategy(Strategy):
    def check(self, faults: Faults, obj: ConfigMap) -> None:
        rules.check_config_map(faults, obj)

    def check_update(self, faults: Faults, old: ConfigMap, new: ConfigMap, subresource: str) -> None:
        rules.check_config_map_update(faults, old, new)


class SecretStrategy(Strategy):
    def default(self, obj: Secret) -> Secret:
        return default_secret(obj)

    def update(self, kind: Kind, old: Secret, new: Secret, subresource: str, ctx: Admission) -> Any:
        return new if new.type else replace(new, type=old.type)

    def check(self, faults: Faults, obj: Secret) -> None:
        rules.check_secret(faults, obj)

    def check_update(self, faults: Faults, old: Secret, new: Secret, subresource: str) -> None:
        rules.check_secret_update(faults, old, new)
