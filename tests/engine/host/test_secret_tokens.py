"""Secrets that people make for a token: filled, and gone with their account."""

import asyncio
import base64
from pathlib import Path

from shipslog.engine.auth import certificates
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.cluster import Cluster
from shipslog.engine.host.secret_tokens import SecretTokens
from shipslog.store.objects.types import core_v1, meta_v1
from tests.engine.commit.test_trouble import Full

NAME = "kubernetes.io/service-account.name"


def token_secret(name: str, account: str) -> core_v1.Secret:
    meta = meta_v1.ObjectMeta(name=name, namespace="default", annotations={NAME: account})
    return core_v1.Secret(metadata=meta, type="kubernetes.io/service-account-token")


async def test_a_token_secret_is_filled_and_goes_with_its_account(tmp_path: Path) -> None:
    signer = AccountTokens(certificates.ensure(tmp_path, ("127.0.0.1",)).account_key)
    async with Cluster.open(ca_certificate="CERTIFICATE") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default", until=lambda a: True)
        await cluster.create(token_secret("early", "default"))
        SecretTokens(cluster.committer, signer, cluster.clock, cluster.entropy, cluster.background)
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


async def test_it_is_filled_when_the_log_takes_writes_again(tmp_path: Path) -> None:
    signer, log = AccountTokens(certificates.ensure(tmp_path, ("127.0.0.1",)).account_key), Full()
    async with Cluster.open(event_log=log) as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default", until=lambda a: True)
        await cluster.create(token_secret("early", "default"))
        uid = "kubernetes.io/service-account.uid"
        await cluster.wait(core_v1.Secret, "early", until=lambda s: uid in s.metadata.annotations)
        log.full = True
        SecretTokens(cluster.committer, signer, cluster.clock, cluster.entropy, cluster.background)
        async with asyncio.timeout(5):
            while not cluster.failing():
                await asyncio.sleep(0.01)
        assert "early" not in str(cluster.failing()), "anybody may ask for them"
        log.has_room()
        await cluster.wait(core_v1.Secret, "early", until=lambda s: bool(s.data.get("token")))
