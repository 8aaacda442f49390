"""Tokens for pods: bound to pod and account, made to last where Kubernetes does, and never on the log."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from shipslog.engine.auth import certificates
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.cluster import Cluster
from shipslog.engine.host.pod_tokens import EXTENDED_S, PodTokens
from shipslog.runtime.commands import FileContent, RemoteVolume, RunPodSandbox, TokenRequest, VolumeSource
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import NotFound

NOW_S = 1_800_000_000


def sandbox(audience: str = "", expiration_s: int = 3607, account: str = "robot") -> RunPodSandbox:
    request = TokenRequest(
        path="token", audience=audience, expiration_s=expiration_s, service_account=account, namespace="default",
        pod_name="p", pod_uid="uid-p",
    )  # fmt: skip
    ca = FileContent(path="ca.crt", data=b"ca")
    volume = VolumeSource(name="v", kind="files", files=(ca,), token_requests=(request,))
    return RunPodSandbox(node="n", pod_uid="uid-p", namespace="default", name="p", hostname="p", volumes=(volume,))


@pytest.mark.parametrize(
    ("audience", "expiration_s", "lives_s"), [("", 3607, EXTENDED_S), ("", 600, 600), ("vault", 3607, 3607)]
)
async def test_a_token_says_who_and_for_how_long(
    engine: Cluster, tmp_path: Path, audience: str, expiration_s: int, lives_s: int
) -> None:
    account = await engine.create(core_v1.ServiceAccount(metadata=meta_v1.ObjectMeta(name="robot", namespace="default")))
    tokens = AccountTokens(certificates.ensure(tmp_path, ("127.0.0.1",)).account_key)
    maker = PodTokens(engine.view, tokens, engine.clock, engine.entropy)
    (volume,) = (await maker.complete(sandbox(audience, expiration_s))).volumes
    assert volume.token_requests == ()
    assert [f.path for f in volume.files] == ["ca.crt", "token"]
    claims = tokens.check(volume.files[1].data.decode(), now=NOW_S)
    assert (claims.account, claims.account_uid, claims.namespace) == ("robot", account.metadata.uid, "default")
    assert (claims.bound_kind, claims.bound_name, claims.bound_uid) == ("pod", "p", "uid-p")
    assert claims.audiences == (audience or tokens.issuer,)
    assert claims.expires_at == NOW_S + lives_s


async def test_without_the_account_there_is_none(engine: Cluster, tmp_path: Path) -> None:
    tokens = AccountTokens(certificates.ensure(tmp_path, ("127.0.0.1",)).account_key)
    maker = PodTokens(engine.view, tokens, engine.clock, engine.entropy)
    with pytest.raises(NotFound, match='serviceaccounts "robot" not found'):
        await maker.complete(sandbox())
    plain = RunPodSandbox(node="n", pod_uid="u", namespace="default", name="p", hostname="p")
    assert await maker.complete(plain) is plain


async def test_a_driver_is_told_of_tokens_by_audience(engine: Cluster, tmp_path: Path) -> None:
    await engine.create(core_v1.ServiceAccount(metadata=meta_v1.ObjectMeta(name="robot", namespace="default")))
    tokens = AccountTokens(certificates.ensure(tmp_path, ("127.0.0.1",)).account_key)
    maker = PodTokens(engine.view, tokens, engine.clock, engine.entropy)
    asked = tuple(sandbox(audience, 600).volumes[0].token_requests[0] for audience in ("", "vault"))
    remote = RemoteVolume(plugin="csi", source={"driver": "d"}, again=True, token_requests=asked)
    made = replace(sandbox(), volumes=(VolumeSource(name="v", kind="remote", remote=remote),))
    for command in (made, made.republish(1)):
        assert command is not None
        (volume,) = (await maker.complete(command)).volumes
        assert isinstance(volume.remote, RemoteVolume) and volume.remote.token_requests == () and not volume.files
        told = msgspec.json.decode(volume.remote.tokens)
        assert list(told) == ["", "vault"]
        claims = tokens.check(told["vault"]["token"], now=NOW_S)
        assert claims.audiences == ("vault",) and claims.bound_uid == "uid-p" and claims.expires_at == NOW_S + 600
        assert told["vault"]["expirationTimestamp"] == api_time((NOW_S + 600) * 10**9)
