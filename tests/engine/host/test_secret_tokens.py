"""Secrets that people make for a token: filled, and gone with their account."""

import base64
from pathlib import Path

from shipslog.engine.auth import certificates
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.cluster import Cluster
from shipslog.engine.host.secret_tokens import SecretTokens
from shipslog.store.objects import core_v1, meta_v1

NAME = "kubernetes.io/service-account.name"


def token_secret(name: str, account: str) -> core_v1.Secret:
    meta = meta_v1.ObjectMeta(name=name, namespace="default", annotations={NAME: account})
    return core_v1.Secret(metadata=meta, type="kubernetes.io/service-account-token")


async def test_a_token_secret_is_filled_and_goes_with_its_account(tmp_path: Path) -> None:
    signer = AccountTokens(certificates.ensure(tmp_path, ("127.0.0.1",)).account_key)
    async with Cluster.open(ca_certificate="CERTIFICATE") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default", until=lambda a: True)
        await cluster.create(token_secret("early", "default"))
        SecretTokens(cluster.committer, signer, cluster.clock, cluster.entropy)
        await cluster.create(token_secret("late", "default"))
        for name in ("early", "late"):
            held = await cluster.wait(core_v1.Secret, name, until=lambda s: bool(s.data.get("token")))
            data = {key: base64.b64decode(value).decode() for key, value in held.data.items()}
            assert (data["ca.crt"], data["namespace"]) == ("CERTIFICATE", "default")
            claims = signer.check(data["token"], now=cluster.clock.now_ns() / 1e9)
            assert (claims.account, claims.bound_kind, claims.bound_name) == ("default", "secret", name)
            assert claims.bound_uid == held.metadata.uid
            assert held.metadata.annotations["kubernetes.io/service-account.uid"] == claims.account_uid
        await cluster.create(token_secret("nobody", "stranger"))
        await cluster.gone(core_v1.Secret, "nobody")
