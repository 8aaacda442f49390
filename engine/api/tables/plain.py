"""Kinds whose tables need a line each."""

from typing import Any

from shipslog.store.objects import coordination_v1, core_v1

from .columns import AGE, NAME, Column, age

Cells = list[Any]

ANY = (NAME, Column("Created At", "When the API server created the object.", "date"))
NAMESPACE = (NAME, Column("Status", "The phase of the namespace: Active or Terminating."), AGE)
CONFIG_MAP = (NAME, Column("Data", "How many keys the config map has."), AGE)
SECRET = (NAME, Column("Type", "What the secret is for."), Column("Data", "How many keys the secret has."), AGE)
SERVICE_ACCOUNT = (NAME, Column("Secrets", "How many secrets the account may use."), AGE)
LEASE = (NAME, Column("Holder", "Who holds the lease."), AGE)


def anything(obj: Any, now_ns: int) -> Cells:
    return [obj.metadata.name, obj.metadata.creation_timestamp or None]


def namespace(obj: core_v1.Namespace, now_ns: int) -> Cells:
    return [obj.metadata.name, obj.status.phase, age(obj.metadata.creation_timestamp, now_ns)]


def config_map(obj: core_v1.ConfigMap, now_ns: int) -> Cells:
    return [obj.metadata.name, len(obj.data) + len(obj.binary_data), age(obj.metadata.creation_timestamp, now_ns)]


def secret(obj: core_v1.Secret, now_ns: int) -> Cells:
    return [obj.metadata.name, obj.type, len(obj.data), age(obj.metadata.creation_timestamp, now_ns)]


def service_account(obj: core_v1.ServiceAccount, now_ns: int) -> Cells:
    return [obj.metadata.name, len(obj.secrets), age(obj.metadata.creation_timestamp, now_ns)]


def lease(obj: coordination_v1.Lease, now_ns: int) -> Cells:
    return [obj.metadata.name, obj.spec.holder_identity or "", age(obj.metadata.creation_timestamp, now_ns)]
