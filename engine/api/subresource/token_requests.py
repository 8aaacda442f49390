"""POST of /token: a token of a service account, for a time and perhaps bound to a pod, a secret or a node.

Source: pkg/registry/core/serviceaccount/storage/token.go of Kubernetes 1.32. What it says: `engine/auth/account_tokens.py`.
Tests: tests/engine/auth/test_authentication.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.admission.matching import CREATE
from shipslog.engine.api.request import requests
from shipslog.engine.api.request.requests import Call, entry_of
from shipslog.engine.api.response import replies
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.auth.account_tokens import AccountTokens, Claims
from shipslog.engine.auth.authentication import BOUND_KINDS
from shipslog.engine.auth.node_authority import node_of
from shipslog.engine.kinds.faults import forbidden
from shipslog.store.objects.types import authentication_v1, core_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import BadRequest, Cause, Invalid, conflict, not_found

from .admission import admitted

SHORTEST_TOKEN_S, LONGEST_TOKEN_S, USUAL_TOKEN_S = 600, 1 << 32, 3600


async def handle(call: Call, tokens: AccountTokens) -> Reply:
    """Errors: NotFound, Invalid, BadRequest, Conflict, Forbidden."""
    entry = entry_of(call)
    account: core_v1.ServiceAccount = entry.object
    request, _ = await requests.decoded(call, authentication_v1.TokenRequest)
    requests.expect(request, "TokenRequest", "authentication.k8s.io/v1")
    request, warnings = await admitted(call, request, CREATE)
    _check_named(request, account)
    seconds = USUAL_TOKEN_S if request.spec.expiration_seconds is None else request.spec.expiration_seconds
    _check_life(seconds)
    bound = request.spec.bound_object_ref
    _check_node(call, bound)
    uid = _bound_uid(call, bound) if bound is not None else ""
    now = call.now_ns // 1_000_000_000
    audiences = request.spec.audiences or (tokens.issuer,)
    claims = Claims(
        namespace=account.metadata.namespace, account=account.metadata.name, account_uid=account.metadata.uid,
        audiences=audiences,
        expires_at=now + seconds, id=_entropy(call), bound_kind=bound.kind.lower() if bound is not None else "",
        bound_name=bound.name if bound is not None else "", bound_uid=uid,
    )  # fmt: skip
    status = authentication_v1.TokenRequestStatus(
        token=tokens.issue(claims, issued_at=now), expiration_timestamp=api_time((now + seconds) * 1_000_000_000)
    )
    metadata = replace(request.metadata, name=account.metadata.name, namespace=account.metadata.namespace)
    spec = replace(request.spec, audiences=audiences, expiration_seconds=seconds)
    made = replace(request, metadata=metadata, spec=spec, status=status)
    return replies.of_value(made, 201, wanted=call.wanted_without_table, warnings=warnings)


def _entropy(call: Call) -> str:
    entropy: Any = getattr(call.cluster, "entropy", None)
    return str(entropy.uid()) if entropy is not None else ""


def _check_node(call: Call, bound: authentication_v1.BoundObjectReference | None) -> None:
    """A node gets tokens for its own pods alone, and bound to them. Source: NodeRestriction. Errors: Forbidden."""
    node = node_of(call.user)
    if not node:
        return
    why = ""
    if bound is None or bound.kind != "Pod":
        why = "node requested token not bound to a pod"
    elif not bound.uid:
        why = "node requested token with a pod binding without a uid"
    else:
        entry = call.view.entry("pods", bound.name, call.route.namespace)
        if entry is not None and entry.object.spec.node_name != node:
            why = "node requested token bound to a pod scheduled on a different node"
    if why:
        raise forbidden(call.kind, call.route.name, why)


def _check_named(request: authentication_v1.TokenRequest, account: core_v1.ServiceAccount) -> None:
    """What the body says of its name must be what the URL says."""
    for field, given, wanted, what in (
        ("name", request.metadata.name, account.metadata.name, "service account"),
        ("namespace", request.metadata.namespace, account.metadata.namespace, "service account's namespace"),
    ):
        if given not in ("", wanted):
            message = f'Invalid value: "{given}": must match the {what} if specified'
            raise Invalid(
                f'TokenRequest.authentication.k8s.io "" is invalid: metadata.{field}: {message}',
                group="authentication.k8s.io", kind="TokenRequest",
                causes=(Cause("FieldValueInvalid", message, f"metadata.{field}"),),
            )  # fmt: skip


def _check_life(seconds: int) -> None:
    if SHORTEST_TOKEN_S <= seconds <= LONGEST_TOKEN_S:
        return
    limit = "may not specify a duration less than 10 minutes"
    if seconds > LONGEST_TOKEN_S:
        limit = f"may not specify a duration larger than {LONGEST_TOKEN_S} seconds"
    raise Invalid(
        f'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: {limit}',
        group="authentication.k8s.io", kind="TokenRequest",
        causes=(Cause("FieldValueInvalid", f"Invalid value: {seconds}: {limit}", "spec.expirationSeconds"),),
    )  # fmt: skip


def _bound_uid(call: Call, bound: authentication_v1.BoundObjectReference) -> str:
    """The uid of what a token is to be bound to. Errors: BadRequest, NotFound, Conflict."""
    kind = BOUND_KINDS.get(bound.kind.lower())
    if kind is None or bound.api_version not in ("", "v1"):
        raise BadRequest(f"cannot bind token for serviceaccount to type {bound.api_version}, Kind={bound.kind}")
    plural = f"{bound.kind.lower()}s"
    namespace = "" if plural == "nodes" else call.route.namespace
    entry = call.view.entry(plural, bound.name, namespace)
    if entry is None:
        raise not_found(plural, "", bound.name)
    uid: str = entry.object.metadata.uid
    account = call.route.name
    if plural == "pods" and (entry.object.spec.service_account_name or "default") != account:
        raise BadRequest(f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name')
    if bound.uid and bound.uid != uid:
        raise conflict(
            plural,
            "",
            bound.name,
            f"the UID in the bound object reference ({bound.uid}) does not match the UID in record ({uid})",
        )
    return uid
