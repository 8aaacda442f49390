"""Service accounts: who the processes in pods are.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.subresources import Token
from shipslog.store.objects.types.core_v1 import ObjectReference, ServiceAccount


class ServiceAccountStrategy(Strategy):
    about = "An identity for the processes in pods."
    create_on_update = True
    subresources = {"token": Token()}
    returns_deleted = True
    columns = (NAME, Column("Secrets", "How many secrets the account may use."), AGE)

    def cells(self, obj: ServiceAccount, now_ns: int) -> list[Any]:
        return [obj.metadata.name, len(obj.secrets), age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: ServiceAccount) -> ServiceAccount:
        """Of the secrets it lists only the names are kept."""
        plain = tuple(ObjectReference(name=s.name) for s in obj.secrets)
        return obj if plain == obj.secrets else replace(obj, secrets=plain)


STRATEGY = ServiceAccountStrategy()
