"""Bootstrap tokens: Secrets with which a machine that is not known yet may ask for its certificate.

Source: Kubernetes' cluster-bootstrap (Secrets of type bootstrap.kubernetes.io/token in kube-system).

Tests: tests/reconcilers/cluster/test_bootstrap_tokens.py
"""

import base64
import binascii
import re

from msgspec import Struct

from shipslog.store.objects.types.core_v1 import Secret
from shipslog.store.objects.values.times import parse_time

TYPE, NAMESPACE, PREFIX = "bootstrap.kubernetes.io/token", "kube-system", "bootstrap-token-"
BOOTSTRAPPERS = "system:bootstrappers"
TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")
NEVER = 1 << 62


class BootstrapToken(Struct, frozen=True):
    """What such a Secret says."""

    id: str
    secret: str
    expires_ns: int = NEVER
    authenticates: bool = False
    signs: bool = False
    groups: tuple[str, ...] = ()


def token_of(secret: Secret) -> BootstrapToken | None:
    """The token that a Secret holds; None for one that is none, or says something wrong."""
    meta = secret.metadata
    if secret.type != TYPE or meta.namespace != NAMESPACE or meta.deletion_timestamp:
        return None
    fields = {key: _text(value) for key, value in secret.data.items()}
    id_, words = fields.get("token-id", ""), fields.get("token-secret", "")
    if meta.name != f"{PREFIX}{id_}" or TOKEN.fullmatch(f"{id_}.{words}") is None:
        return None
    groups = tuple(group for group in fields.get("auth-extra-groups", "").split(",") if group)
    if not all(GROUP.fullmatch(group) for group in groups):
        return None
    expires = _expires_ns(fields.get("expiration", ""))
    return BootstrapToken(
        id_, words, expires, fields.get("usage-bootstrap-authentication") == "true",
        fields.get("usage-bootstrap-signing") == "true", groups,
    )  # fmt: skip


def _text(value: object) -> str:
    try:
        return base64.b64decode(str(value)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _expires_ns(text: str) -> int:
    """When it ends; a time that cannot be read is past."""
    try:
        return parse_time(text) if text else NEVER
    except ValueError:
        return 0
