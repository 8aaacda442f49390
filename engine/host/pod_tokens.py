"""Service account tokens for the volumes of pods: made when the volumes are, from requests that hold no secret themselves."""

from typing import TypeVar

import msgspec
from msgspec.structs import replace

from shipslog.engine.auth.account_tokens import AccountTokens, Claims
from shipslog.engine.time.clock import Clock, Entropy
from shipslog.runtime.commands import FileContent, RefreshVolumes, RemoteVolume, RunPodSandbox, TokenRequest, VolumeSource
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS, api_time
from shipslog.store.refusals import not_found
from shipslog.store.view import View

C = TypeVar("C", RunPodSandbox, RefreshVolumes)
# The lifetime that the default volume asks for. As Kubernetes does, such a token is made to last: many clients read it once.
DEFAULT_S, EXTENDED_S = 3607, 365 * 24 * 3600


class PodTokens:
    """Completes commands with the tokens that their volumes ask for; the dispatcher's `prepare`."""

    def __init__(self, view: View, tokens: AccountTokens, clock: Clock, entropy: Entropy) -> None:
        self._view, self._tokens, self._clock, self._entropy = view, tokens, clock, entropy

    async def complete(self, command: C) -> C:
        """The command with its tokens: as files, and for drivers that ask for them. Errors: NotFound for an account that does
        not exist."""
        if not any(volume.token_requests or _of_driver(volume) for volume in command.volumes):
            return command
        return replace(command, volumes=tuple(self._filled(volume) for volume in command.volumes))

    def _filled(self, volume: VolumeSource) -> VolumeSource:
        if isinstance(volume.remote, RemoteVolume) and (asked := _of_driver(volume)):
            return replace(volume, remote=replace(volume.remote, token_requests=(), tokens=self._told(asked)))
        made = tuple(
            FileContent(path=r.path, data=self._token(r)[0].encode(), mode=r.mode, user=r.user) for r in volume.token_requests
        )
        return replace(volume, files=volume.files + made, token_requests=()) if made else volume

    def _told(self, asked: tuple[TokenRequest, ...]) -> bytes:
        """By audience, as a driver reads it. Source: the kubelet's csi plugin."""
        told = {}
        for request in asked:
            token, until_s = self._token(request)
            told[request.audience] = {"token": token, "expirationTimestamp": api_time(until_s * SECOND_NS)}
        return msgspec.json.encode(told)

    def _token(self, request: TokenRequest) -> tuple[str, int]:
        """-> it, and until when it is valid (s)"""
        account = self._view.get(core_v1.ServiceAccount, request.service_account, request.namespace)
        if account is None:
            raise not_found("serviceaccounts", "", request.service_account)
        issuer, now_s = self._tokens.issuer, self._clock.now_ns() // SECOND_NS
        lasting = request.expiration_s == DEFAULT_S and request.audience in ("", issuer)
        claims = Claims(
            namespace=request.namespace, account=request.service_account, account_uid=account.metadata.uid,
            audiences=(request.audience or issuer,), expires_at=now_s + (EXTENDED_S if lasting else request.expiration_s),
            id=self._entropy.uid(), bound_kind="pod", bound_name=request.pod_name, bound_uid=request.pod_uid,
        )  # fmt: skip
        return self._tokens.issue(claims, issued_at=now_s), claims.expires_at


def _of_driver(volume: VolumeSource) -> tuple[TokenRequest, ...]:
    """The tokens that its CSI driver asks for."""
    return volume.remote.token_requests if isinstance(volume.remote, RemoteVolume) else ()
