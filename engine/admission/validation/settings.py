"""ConfigMaps and Secrets: keys, sizes, what each type of secret must hold, what may not change."""

import binascii
import json
from collections.abc import Mapping

from shipslog.store.objects.core_v1 import ConfigMap, Secret
from shipslog.store.refusals import BadRequest

from .. import names
from ..fields import IMMUTABLE, Faults

LIMIT_BYTES = 1024 * 1024
FROZEN_WORDS = "field is immutable when `immutable` is set"
ACCOUNT_NAME = "kubernetes.io/service-account.name"


def size_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def decoded_size(path: str, data: Mapping[str, str]) -> int:
    """The bytes that base64 values stand for. Errors: BadRequest when one is not base64: it cannot be decoded at all."""
    total = 0
    for key, value in data.items():
        try:
            total += len(binascii.a2b_base64(value, strict_mode=True)) if value else 0
        except binascii.Error as error:
            raise BadRequest(f"illegal base64 data in {path}[{key}]: {error}") from error
    return total


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
