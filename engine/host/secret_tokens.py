"""Tokens for the Secrets that hold one: signed when a Secret says whose it is (reconcilers/cluster/token_secrets.py).

Such a token does not run out: it holds for as long as its Secret and its account are there (authentication asks for both).
"""

import asyncio
import base64

from msgspec.structs import replace

from shipslog.engine.auth.account_tokens import AccountTokens, Claims
from shipslog.engine.commit.committer import Committer
from shipslog.engine.time.clock import Clock, Entropy
from shipslog.reconcilers.cluster.token_secrets import ACCOUNT_NAME, ACCOUNT_UID, RECONCILER, TYPE
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted
from shipslog.store.logger import logger
from shipslog.store.objects import core_v1
from shipslog.store.refusals import Refusal
from shipslog.store.state import Entry

LASTING_S = 100 * 365 * 24 * 3600  # a token has to name an end

log = logger(__name__)


class SecretTokens:
    """Listens to the committer; what was there before is looked at when it is made."""

    def __init__(self, committer: Committer, tokens: AccountTokens, clock: Clock, entropy: Entropy) -> None:
        self._committer, self._tokens, self._clock, self._entropy = committer, tokens, clock, entropy
        self._under_way: set[asyncio.Task[None]] = set()
        committer.listeners.append(self.on_event)
        for secret in committer.view.list(core_v1.Secret):
            self._look(secret)

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A Secret that came or changed may want its token."""
        if entry is not None and isinstance(entry.object, core_v1.Secret) and not isinstance(event.fact, ObjectDeleted):
            self._look(entry.object)

    def _look(self, secret: core_v1.Secret) -> None:
        meta = secret.metadata
        if secret.type != TYPE or secret.data.get("token") or meta.deletion_timestamp:
            return
        account = self._committer.view.get(core_v1.ServiceAccount, meta.annotations.get(ACCOUNT_NAME, ""), meta.namespace)
        if account is None or meta.annotations.get(ACCOUNT_UID) != account.metadata.uid:
            return
        task = asyncio.get_running_loop().create_task(self._fill(secret, account))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _fill(self, secret: core_v1.Secret, account: core_v1.ServiceAccount) -> None:
        meta, now_s = secret.metadata, self._clock.now_ns() // 1_000_000_000
        claims = Claims(
            namespace=meta.namespace, account=account.metadata.name, account_uid=account.metadata.uid,
            audiences=(self._tokens.issuer,), expires_at=now_s + LASTING_S, id=self._entropy.uid(), bound_kind="secret",
            bound_name=meta.name, bound_uid=meta.uid,
        )  # fmt: skip
        token = base64.b64encode(self._tokens.issue(claims, issued_at=now_s).encode()).decode()
        filled = replace(secret, data={**secret.data, "token": token})
        try:
            await self._committer.submit(Update(object=filled), actor=RECONCILER.actor, groups=("system:masters",))
        except Refusal as refusal:  # somebody was faster: the change that they made is looked at by itself
            log.debug("token_not_written", secret=f"{meta.namespace}/{meta.name}", why=refusal.message)
        except Exception:
            log.exception("token_not_written", secret=f"{meta.namespace}/{meta.name}")
