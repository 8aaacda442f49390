"""Bootstrap tokens: read, cleared away when they have expired, and signatures by those that sign."""

import base64
import hmac
import json
from typing import Any

import pytest

from shipslog.reconcilers.cluster import bootstrap_tokens as rules
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.bootstrap_tokens import token_of
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from tests.reconcilers.views import NOW, add, view_of, woken

ID, WORDS = "abcdef", "0123456789abcdef"


def secret(name: str = f"bootstrap-token-{ID}", namespace: str = "kube-system", type_: str = rules.TYPE, **said: str) -> Any:
    data = {"token-id": ID, "token-secret": WORDS} | {key.replace("_", "-"): value for key, value in said.items()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return core_v1.Secret(metadata=meta_v1.ObjectMeta(name=name, namespace=namespace), type=type_, data=encoded)


SIGNS = {"usage_bootstrap_signing": "true"}
LATER, EARLIER = api_time(NOW + 60 * 10**9), api_time(NOW - 10**9)


@pytest.mark.parametrize(
    "wrong",
    [
        secret("other"),
        secret(namespace="default"),
        secret(type_="Opaque"),
        secret(token_id="ABCDEF"),
        secret(token_secret="short"),
        secret(auth_extra_groups="system:masters"),
        secret(auth_extra_groups="system:bootstrappers:"),
    ],
)
def test_what_is_no_token(wrong: core_v1.Secret) -> None:
    assert token_of(wrong) is None


def test_what_a_token_says() -> None:
    held = token_of(secret(auth_extra_groups="system:bootstrappers:a,system:bootstrappers:b:c", **SIGNS))
    assert held is not None and held.signs and not held.authenticates
    assert held.groups == ("system:bootstrappers:a", "system:bootstrappers:b:c")
    unreadable = token_of(secret(expiration="tomorrow"))
    assert unreadable is not None and unreadable.expires_ns == 0, "it counts as expired"


@pytest.mark.parametrize(("expiration", "goes", "again"), [(EARLIER, True, None), (LATER, False, 60.0), ("", False, None)])
def test_expired_ones_go(expiration: str, goes: bool, again: float | None) -> None:
    view = view_of(secret(expiration=expiration))
    decision = rules.clean(view, f"kube-system/bootstrap-token-{ID}", now=NOW)
    assert [type(command) for command in decision.commands] == ([Delete] if goes else [])
    assert decision.requeue_after == again


def info(**data: str) -> core_v1.ConfigMap:
    meta = meta_v1.ObjectMeta(name="cluster-info", namespace="kube-public")
    return core_v1.ConfigMap(metadata=meta, data={"kubeconfig": "text", **data})


def test_it_is_signed_by_those_that_sign_and_by_no_others() -> None:
    view = view_of(info(**{"jws-kubeconfig-gone00": "x", "other": "y"}), secret(expiration=LATER, **SIGNS))
    decision = rules.sign(view, rules.SIGNED, now=NOW)
    (update,) = decision.commands
    assert isinstance(update, Update) and decision.requeue_after == 60.0
    data = update.object.data
    assert set(data) == {"kubeconfig", "other", f"jws-kubeconfig-{ID}"}
    header, nothing, made = data[f"jws-kubeconfig-{ID}"].split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "kid": ID} and not nothing
    whole = f"{header}.{base64.urlsafe_b64encode(b'text').decode().rstrip('=')}".encode()
    expected = hmac.digest(f"{ID}.{WORDS}".encode(), whole, "sha256")
    assert base64.urlsafe_b64decode(made + "==") == expected
    add(view, update.object)
    assert not rules.sign(view, rules.SIGNED, now=NOW).commands
    (later,) = rules.sign(view, rules.SIGNED, now=NOW + 61 * 10**9).commands
    assert isinstance(later, Update) and set(later.object.data) == {"kubeconfig", "other"}


def test_what_wakes_them() -> None:
    view = view_of()
    assert woken(rules.SIGNER.wakes, view, secret()) == woken(rules.SIGNER.wakes, view, info()) == [rules.SIGNED]
    assert woken(rules.SIGNER.wakes, view, secret("x", type_="Opaque")) == []
    assert woken(rules.CLEANER.wakes, view, secret("y")) == ["kube-system/y"]
