"""Who is asking: a client certificate, a bearer token, or nobody."""

import hmac
import os
import secrets
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from shipslog.engine.state.view import MemoryView
from shipslog.store.objects import bootstrap_tokens
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest, Unauthorized

from .account_tokens import AccountTokens, Claims, InvalidToken
from .connection import HttpConnection
from .users import User

AUTHENTICATED, ACCOUNTS = "system:authenticated", "system:serviceaccounts"
BOUND_KINDS: dict[str, type[Any]] = {"pod": core_v1.Pod, "secret": core_v1.Secret, "node": core_v1.Node}

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMIN = User("system:admin", ("system:masters", AUTHENTICATED))


class Authenticator:
    """Tells who a request comes from. Certificates are read once a connection."""

    def __init__(
        self, view: MemoryView, tokens: AccountTokens, admin_token: str = "", now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._view, self._tokens, self._admin_token, self._now_ns = view, tokens, admin_token.encode(), now_ns

    def user(self, request: web.BaseRequest) -> User:
        """Who asks; ANONYMOUS without credentials. Errors: Unauthorized for credentials that are wrong."""
        connection = request.protocol
        assert isinstance(connection, HttpConnection)
        user = connection.user
        if user is None:
            user = connection.user = _of_certificate(request.transport)
        if user is not ANONYMOUS:
            return user
        header = request.headers.get("Authorization", "")
        if not header:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("Unauthorized")
        return self.of_token(token.strip())[0]

    def of_token(self, token: str, audiences: tuple[str, ...] = ()) -> tuple[User, tuple[str, ...]]:
        """The bearer of a token, and for which of `audiences` (default: the API server) it is meant. Errors: Unauthorized."""
        if self._admin_token and hmac.compare_digest(token.encode(), self._admin_token):
            return ADMIN, audiences
        if (bootstrapper := self._of_bootstrap_token(token)) is not None:
            return bootstrapper, audiences
        try:
            claims = self._tokens.check(token)
        except InvalidToken as error:
            raise Unauthorized("Unauthorized") from error
        meant = tuple(a for a in (audiences or (self._tokens.issuer,)) if a in claims.audiences)
        if not meant or not self._stands(claims):
            raise Unauthorized("Unauthorized")
        return _of_claims(claims), meant

    def _of_bootstrap_token(self, token: str) -> User | None:
        """Errors: Unauthorized for one that looks like such a token and is none."""
        named = bootstrap_tokens.TOKEN.fullmatch(token)
        if named is None:
            return None
        place = bootstrap_tokens.NAMESPACE
        secret = self._view.get(core_v1.Secret, f"{bootstrap_tokens.PREFIX}{named[1]}", place)
        held = bootstrap_tokens.token_of(secret) if secret is not None else None
        same = held is not None and hmac.compare_digest(held.secret.encode(), named[2].encode())
        if held is None or not same or not held.authenticates or held.expires_ns <= self._now_ns():
            raise Unauthorized("Unauthorized")
        groups = (bootstrap_tokens.BOOTSTRAPPERS, *held.groups, AUTHENTICATED)
        return User(f"system:bootstrap:{held.id}", groups)

    def _stands(self, claims: Claims) -> bool:
        """Whether the account, and what the token is bound to, are still there."""
        account = self._view.get(core_v1.ServiceAccount, claims.account, claims.namespace)
        if account is None or account.metadata.uid != claims.account_uid:
            return False
        if not claims.bound_kind:
            return True
        namespace = "" if claims.bound_kind == "node" else claims.namespace
        bound = self._view.get(BOUND_KINDS[claims.bound_kind], claims.bound_name, namespace)
        return bound is not None and bound.metadata.uid == claims.bound_uid


def impersonated(user: User, request: web.BaseRequest) -> User:
    """Whom the request wants to be (Impersonate-User, Impersonate-Group); whether it may is for the caller to check."""
    name = request.headers.get("Impersonate-User", "")
    groups = request.headers.getall("Impersonate-Group", [])
    if not name and groups:
        raise BadRequest(f"requested {groups} without impersonating a user: send Impersonate-User too")
    if not name:
        return user
    if name.startswith("system:serviceaccount:") and not groups:
        groups = [ACCOUNTS, f"{ACCOUNTS}:{name.split(':')[2]}"]
    return User(name, tuple(dict.fromkeys([*groups, AUTHENTICATED if name != ANONYMOUS.name else "system:unauthenticated"])))


def admin_token(path: Path) -> str:
    """The administrator's token; made and written, readable by its owner only, when the file is not there."""
    if path.exists():
        return path.read_text().strip()
    token = secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")
    return token


def _of_certificate(transport: Any) -> User:
    """The user that a verified client certificate names: CN, and its organizations as groups."""
    channel: ssl.SSLObject | None = transport.get_extra_info("ssl_object") if transport is not None else None
    certificate = channel.getpeercert() if channel is not None else None
    if not certificate:
        return ANONYMOUS
    subject: Any = certificate.get("subject", ())
    pairs = [(str(key), str(value)) for names in subject for key, value in names]
    name = next((value for key, value in pairs if key == "commonName"), "")
    groups = [value for key, value in pairs if key == "organizationName"]
    return User(name, (*groups, AUTHENTICATED)) if name else ANONYMOUS


def _of_claims(claims: Claims) -> User:
    extra: dict[str, tuple[str, ...]] = {}
    if claims.id:
        extra["authentication.kubernetes.io/credential-id"] = (f"JTI={claims.id}",)
    if claims.bound_kind in ("pod", "node"):
        key = f"authentication.kubernetes.io/{claims.bound_kind}"
        extra |= {f"{key}-name": (claims.bound_name,), f"{key}-uid": (claims.bound_uid,)}
    name = f"system:serviceaccount:{claims.namespace}:{claims.account}"
    return User(name, (ACCOUNTS, f"{ACCOUNTS}:{claims.namespace}", AUTHENTICATED), claims.account_uid, extra)
