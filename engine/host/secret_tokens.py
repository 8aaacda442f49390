"""Tokens for the Secrets that hold one: signed when a Secret says whose it is (reconcilers/cluster/token_secrets.py).

Such a token does not run out: it holds for as long as its Secret and its account are there (authentication asks for both).
"""

import base64
from functools import partial

from msgspec.structs import replace

from shipslog.engine.auth.account_tokens import AccountTokens, Claims
from shipslog.engine.commit.committer import Committer
from shipslog.engine.time.clock import Clock, Entropy
from shipslog.reconcilers.cluster.token_secrets import ACCOUNT_NAME, ACCOUNT_UID, RECONCILER, TYPE
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectDeleted
from shipslog.store.logger import logger
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Conflict, NotFound, Refusal, Unavailable
from shipslog.store.state import Entry
from shipslog.store.tasks import Tasks

LASTING_S = 100 * 365 * 24 * 3600  # a token has to name an end

log = logger(__name__)


class SecretTokens:
    """Listens to the committer; what was there before is looked at when it is made. `tasks` are the cluster's."""

    def __init__(self, committer: Committer, tokens: AccountTokens, clock: Clock, entropy: Entropy, tasks: Tasks) -> None:
        self._committer, self._tokens, self._clock, self._entropy = committer, tokens, clock, entropy
        self._tasks = tasks
        self._under_way: set[tuple[str, str]] = set()
        committer.listeners.append(self.on_event)
        for secret in committer.view.list(core_v1.Secret):
            self._look(secret)

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A Secret that came or changed may want its token."""
        if entry is not None and isinstance(entry.object, core_v1.Secret) and not isinstance(event.fact, ObjectDeleted):
            self._look(entry.object)

    def _look(self, secret: core_v1.Secret) -> None:
        key = secret.metadata.namespace, secret.metadata.name
        if self._account_of(secret) is not None and key not in self._under_way:
            self._under_way.add(key)
            filling = self._tasks.keep("tokens of secrets", partial(self._fill, *key))
            filling.add_done_callback(lambda _: self._under_way.discard(key))

    def _account_of(self, secret: core_v1.Secret | None) -> core_v1.ServiceAccount | None:
        """Whose token it wants; None where it wants none."""
        if secret is None or secret.type != TYPE or secret.data.get("token") or secret.metadata.deletion_timestamp:
            return None
        meta = secret.metadata
        account = self._committer.view.get(core_v1.ServiceAccount, meta.annotations.get(ACCOUNT_NAME, ""), meta.namespace)
        return account if account is not None and meta.annotations.get(ACCOUNT_UID) == account.metadata.uid else None

    async def _fill(self, namespace: str, name: str) -> None:
        """Until it has its token, or wants none. Errors: Unavailable while the log takes no writes."""
        while True:
            secret = self._committer.view.get(core_v1.Secret, name, namespace)
            account = self._account_of(secret)
            if secret is None or account is None:
                return
            try:
                filled = replace(secret, data={**secret.data, "token": self._token(secret, account)})
                await self._committer.submit(Update(object=filled), actor=RECONCILER.actor, groups=("system:masters",))
            except (Conflict, NotFound):
                continue  # somebody was faster
            except Refusal as refusal:
                if self._committer.closed:
                    return
                log.warning("token_not_written", secret=f"{namespace}/{name}", why=refusal.message)
                if isinstance(refusal, Unavailable):
                    raise
                return

    def _token(self, secret: core_v1.Secret, account: core_v1.ServiceAccount) -> str:
        meta, now_s = secret.metadata, self._clock.now_ns() // 1_000_000_000
        claims = Claims(
            namespace=meta.namespace, account=account.metadata.name, account_uid=account.metadata.uid,
            audiences=(self._tokens.issuer,), expires_at=now_s + LASTING_S, id=self._entropy.uid(), bound_kind="secret",
            bound_name=meta.name, bound_uid=meta.uid,
        )  # fmt: skip
        return base64.b64encode(self._tokens.issue(claims, issued_at=now_s).encode()).decode()
