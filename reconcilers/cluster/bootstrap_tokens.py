"""Bootstrap tokens go when they have expired, and those that may sign have a signature on kube-public/cluster-info.

A machine that knows a token can tell by it that the addresses and the certificate in there are the cluster's. The signature is
a detached JWS (RFC 7515, appendix F) by HMAC: what it is made with stands in the objects, so a rule makes it.
Source: Kubernetes' token cleaner and bootstrap signer.
"""

import base64
import hmac
import json
from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.bootstrap_tokens import NAMESPACE, NEVER, TYPE, token_of
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.view import View

PUBLIC, INFO, KUBECONFIG, SIGNATURE = "kube-public", "cluster-info", "kubeconfig", "jws-kubeconfig-"
SIGNED = f"{PUBLIC}/{INFO}"


def _token(view: View, secret: core_v1.Secret) -> Iterable[str]:
    return (key_of(secret),) if secret.type == TYPE and secret.metadata.namespace == NAMESPACE else ()


def _info(view: View, obj: core_v1.Secret | core_v1.ConfigMap) -> Iterable[str]:
    if isinstance(obj, core_v1.Secret):
        return (SIGNED,) if list(_token(view, obj)) else ()
    return (SIGNED,) if key_of(obj) == SIGNED else ()


def clean(view: View, key: str, *, now: Instant) -> Decision:
    """Delete a token that has expired."""
    namespace, _, name = key.partition("/")
    secret = view.get(core_v1.Secret, name, namespace)
    token = token_of(secret) if secret is not None else None
    if secret is None or token is None or token.expires_ns == NEVER:
        return Decision(reason="it is no token that expires")
    if token.expires_ns > now:
        return Decision(reason="it has not expired", requeue_after=(token.expires_ns - now) / SECOND_NS)
    gone = Delete(resource="secrets", namespace=namespace, name=name, uid=secret.metadata.uid)
    return Decision(reason="it has expired", commands=(gone,))


def sign(view: View, key: str, *, now: Instant) -> Decision:
    """Have one signature for each token that signs, and no others."""
    info = view.get(core_v1.ConfigMap, INFO, PUBLIC)
    text = info.data.get(KUBECONFIG) if info is not None else None
    if info is None or text is None:
        return Decision(reason="there is nothing to sign")
    tokens = [token for s in view.list(core_v1.Secret, NAMESPACE) if (token := token_of(s)) is not None]
    good = [token for token in tokens if token.signs and token.expires_ns > now]
    wanted = {f"{SIGNATURE}{token.id}": signature(text, token.id, f"{token.id}.{token.secret}") for token in good}
    data = {k: v for k, v in info.data.items() if not k.startswith(SIGNATURE)} | wanted
    ends = [token.expires_ns for token in good if token.expires_ns != NEVER]
    again = (min(ends) - now) / SECOND_NS if ends else None
    if data == info.data:
        return Decision(reason="it is signed by all that sign", requeue_after=again)
    return Decision(reason="tokens have changed", commands=(Update(object=replace(info, data=data)),), requeue_after=again)


def signature(text: str, key_id: str, token: str) -> str:
    """The detached JWS of a text: HEADER..SIGNATURE."""
    header = _url(json.dumps({"alg": "HS256", "kid": key_id}, separators=(",", ":")).encode())
    made = hmac.digest(token.encode(), f"{header}.{_url(text.encode())}".encode(), "sha256")
    return f"{header}..{_url(made)}"


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


CLEANER = Reconciler(
    name="token-cleaner", actor="system:controller:token-cleaner", decide=clean,
    wakes=rule().watches(core_v1.Secret, to=_token, at_start=True),
)  # fmt: skip
SIGNER = Reconciler(
    name="bootstrap-signer", actor="system:controller:bootstrap-signer", decide=sign,
    wakes=rule(always=(SIGNED,)).watches(core_v1.Secret, core_v1.ConfigMap, to=_info),
)  # fmt: skip
