"""Secrets: what each type must hold, and what may not change.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.sizes import FROZEN_WORDS, LIMIT_BYTES, decoded_size
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Secret

ACCOUNT_NAME = "kubernetes.io/service-account.name"


class SecretStrategy(Strategy):
    about = "Confidential values for pods, base64-encoded."
    columns = (NAME, Column("Type", "What the secret is for."), Column("Data", "How many keys the secret has."), AGE)
    selectable = {"type": lambda o: o.type}

    def cells(self, obj: Secret, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.type, len(obj.data), age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: Secret) -> Secret:
        return default_secret(obj)

    def update(self, kind: Kind, old: Secret, new: Secret, subresource: str, ctx: Admission) -> Any:
        return new if new.type else replace(new, type=old.type)

    def check(self, faults: Faults, obj: Secret) -> None:
        check_secret(faults, obj)

    def check_update(self, faults: Faults, old: Secret, new: Secret, subresource: str) -> None:
        check_secret_update(faults, old, new)


def default_secret(secret: Secret) -> Secret:
    """Plain texts join the data; the type is Opaque."""
    if secret.string_data:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in secret.string_data.items()}
        secret = replace(secret, data=secret.data | encoded, string_data={})
    return secret if secret.type else replace(secret, type="Opaque")


def check_secret(faults: Faults, secret: Secret) -> None:
    for key in secret.data:
        if messages := names.config_key(key):
            faults.invalid_each(f"data[{key}]", key, messages)
    if decoded_size("data", secret.data) > LIMIT_BYTES:
        faults.too_long("data", LIMIT_BYTES)
    data = secret.data
    match secret.type:
        case "kubernetes.io/service-account-token":
            if not secret.metadata.annotations.get(ACCOUNT_NAME):
                faults.required(f"metadata.annotations[{ACCOUNT_NAME}]")
        case "kubernetes.io/dockercfg":
            _check_json(faults, data, ".dockercfg")
        case "kubernetes.io/dockerconfigjson":
            _check_json(faults, data, ".dockerconfigjson")
        case "kubernetes.io/basic-auth":
            if "username" not in data and "password" not in data:
                faults.required("data[%s][username]")  # the placeholder is Kubernetes' own
                faults.required("data[%s][password]")
        case "kubernetes.io/ssh-auth":
            if not data.get("ssh-privatekey"):
                faults.required("data[%s][ssh-privatekey]")
        case "kubernetes.io/tls":
            for key in ("tls.crt", "tls.key"):
                if key not in data:
                    faults.required(f"data[{key}]")


def _check_json(faults: Faults, data: Mapping[str, str], key: str) -> None:
    if key not in data:
        faults.required(f"data[{key}]")
        return
    try:
        held = json.loads(binascii.a2b_base64(data[key]))
    except ValueError as error:
        faults.invalid(f"data[{key}]", "<secret contents redacted>", str(error))
        return
    if held is not None and not isinstance(held, dict):
        why = f"json: cannot unmarshal {type(held).__name__} into Go value of type map[string]interface {{}}"
        faults.invalid(f"data[{key}]", "<secret contents redacted>", why)


def check_secret_update(faults: Faults, old: Secret, new: Secret) -> None:
    if new.type != old.type:
        faults.invalid("type", new.type, IMMUTABLE)
    if old.immutable:
        if not new.immutable:
            faults.forbidden("immutable", FROZEN_WORDS)
        if new.data != old.data:
            faults.forbidden("data", FROZEN_WORDS)
    check_secret(faults, new)


STRATEGY = SecretStrategy()
