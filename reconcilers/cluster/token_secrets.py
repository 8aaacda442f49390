"""Secrets of type service-account-token that people make: they get the CA's certificate, the namespace and the account's uid.

The token itself is signed by the engine, when the account's uid stands there (engine/host/secret_tokens.py): a rule holds no
key. Without its account such a Secret goes. Source: Kubernetes' tokens controller.

Tests: tests/engine/host/test_secret_tokens.py
"""

import base64
from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from .service_account import CA, SOURCE

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"


def _secrets_of(view: View, account: core_v1.ServiceAccount) -> Iterable[str]:
    """The token Secrets of an account."""
    for secret in view.list(core_v1.Secret, account.metadata.namespace):
        if secret.type == TYPE and secret.metadata.annotations.get(ACCOUNT_NAME) == account.metadata.name:
            yield key_of(secret)


def _with_certificate(view: View, source: core_v1.ConfigMap) -> Iterable[str]:
    """All token Secrets, when the certificate that they hold has changed."""
    if (source.metadata.namespace, source.metadata.name) == (SOURCE, CA):
        yield from (key_of(secret) for secret in view.list(core_v1.Secret) if secret.type == TYPE)


WAKES = rule(core_v1.Secret).watches(core_v1.ServiceAccount, to=_secrets_of).watches(core_v1.ConfigMap, to=_with_certificate)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Fill in what is public, or let go of what belongs to nobody."""
    namespace, _, name = key.partition("/")
    secret = view.get(core_v1.Secret, name, namespace)
    if secret is None or secret.type != TYPE or secret.metadata.deletion_timestamp:
        return Decision(reason="it is no token, or it goes")
    meta = secret.metadata
    account = view.get(core_v1.ServiceAccount, meta.annotations.get(ACCOUNT_NAME, ""), namespace)
    uid = account.metadata.uid if account is not None else ""
    if meta.annotations.get(ACCOUNT_UID, uid) != uid or account is None:
        gone = Delete(resource="secrets", namespace=namespace, name=name, uid=meta.uid)
        return Decision(reason="its account is not there", commands=(gone,))
    source = view.get(core_v1.ConfigMap, CA, SOURCE)
    data = {**secret.data, "namespace": _encoded(namespace)}
    if source is not None and source.data.get("ca.crt"):
        data["ca.crt"] = _encoded(source.data["ca.crt"])
    annotations = {**meta.annotations, ACCOUNT_UID: uid}
    if data == secret.data and annotations == meta.annotations:
        return Decision(reason="it says whose it is")
    filled = replace(secret, metadata=replace(meta, annotations=annotations), data=data)
    return Decision(reason="what it should hold is missing", commands=(Update(object=filled),))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


RECONCILER = Reconciler(name="token-secrets", actor="system:controller:tokens-controller", wakes=WAKES, decide=decide)
