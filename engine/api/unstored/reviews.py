"""Questions about rights and identities, asked as objects that are answered and not kept.

Tests: tests/engine/auth/test_authentication.py
"""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from shipslog.engine.api.request import requests
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import unknown_path
from shipslog.engine.api.response import replies
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.api.server_info.discovery import REVIEW_VERSIONS
from shipslog.engine.auth.attributes import Attributes, Verdict
from shipslog.engine.auth.authentication import Authenticator
from shipslog.engine.auth.authorization import SELF_REVIEWS, authorize
from shipslog.engine.auth.node_authority import NODE_RULES, node_of
from shipslog.engine.auth.users import User
from shipslog.engine.kinds.faults import Faults, invalid
from shipslog.store.objects.types import authentication_v1 as authn
from shipslog.store.objects.types import authorization_v1 as authz
from shipslog.store.objects.types import authorization_v1beta1 as authz_v1beta1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.refusals import BadRequest, Unauthorized


async def handle(call: Call, authenticator: Authenticator) -> Reply:
    """POST of one of the reviews."""
    if call.route.version not in REVIEW_VERSIONS:
        raise unknown_path()
    if call.request.method != "POST" or call.route.name:
        raise requests.method_not_allowed(call)
    if call.route.resource == "tokenreviews":
        return await _token_review(call, authenticator)
    return await REVIEWS[call.route.resource](call)


async def _token_review(call: Call, authenticator: Authenticator) -> Reply:
    review, _ = await requests.decoded(call, authn.TokenReview)
    if not review.spec.token:
        raise BadRequest("token is required for TokenReview in authentication")
    try:
        user, audiences = authenticator.of_token(review.spec.token, review.spec.audiences)
        status = authn.TokenReviewStatus(authenticated=True, user=_info(user), audiences=audiences)
    except Unauthorized:
        status = authn.TokenReviewStatus(error="[invalid bearer token, token lookup failed]")
    return _answered(call, review, status)


async def _self_review(call: Call) -> Reply:
    review, _ = await requests.decoded(call, authn.SelfSubjectReview)
    status = authn.SelfSubjectReviewStatus(user_info=_info(call.user))
    return _answered(call, review, status)


async def _self_access(call: Call) -> Reply:
    review, _ = await requests.decoded(call, authz.SelfSubjectAccessReview)
    _check_review("SelfSubjectAccessReview", review)
    verdict = authorize(call.user, _attributes(review.spec), call.view)
    return _verdict(call, review, verdict)


async def _access(call: Call) -> Reply:
    local = call.route.resource == "localsubjectaccessreviews"
    types = authz if call.route.version == "v1" else authz_v1beta1
    kind: Any = types.LocalSubjectAccessReview if local else types.SubjectAccessReview
    review, _ = await requests.decoded(call, kind)
    _check_review(kind.__name__, review, call.route.namespace if local else None)
    wanted = _attributes(review.spec)
    return _verdict(call, review, authorize(User(review.spec.user, review.spec.groups), wanted, call.view))


async def _rules(call: Call) -> Reply:
    review, _ = await requests.decoded(call, authz.SelfSubjectRulesReview)
    if not review.spec.namespace:
        raise BadRequest("no namespace on request")
    resources, paths = _rules_of(call.user)
    status = authz.SubjectRulesReviewStatus(resource_rules=resources, non_resource_rules=paths)
    if node_of(call.user):
        why = "what a node may read depends on the pods that it runs: ask about one object"
        status = replace(status, incomplete=True, evaluation_error=why)
    return _answered(call, review, status)


REVIEWS: dict[str, Callable[[Call], Awaitable[Reply]]] = {
    "selfsubjectreviews": _self_review,
    "selfsubjectaccessreviews": _self_access,
    "subjectaccessreviews": _access,
    "localsubjectaccessreviews": _access,
    "selfsubjectrulesreviews": _rules,
}


def _rules_of(user: User) -> tuple[tuple[authz.ResourceRule, ...], tuple[authz.NonResourceRule, ...]]:
    if "system:masters" in user.groups:
        rule = authz.ResourceRule(verbs=("*",), api_groups=("*",), resources=("*",))
        return (rule,), (authz.NonResourceRule(verbs=("*",), non_resource_urls=("*",)),)
    groups = ("authorization.k8s.io", "authentication.k8s.io")
    resources = [authz.ResourceRule(verbs=("create",), api_groups=groups, resources=tuple(sorted(SELF_REVIEWS)))]
    if node_of(user):
        for key, verbs in NODE_RULES.items():
            plain, _, sub = key.partition("/")
            plural, _, group = plain.partition(".")
            name = f"{plural}/{sub}" if sub else plural
            resources.append(authz.ResourceRule(verbs=tuple(sorted(verbs)), api_groups=(group,), resources=(name,)))
    urls = (
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    )
    return tuple(resources), (authz.NonResourceRule(verbs=("get",), non_resource_urls=urls),)


def _attributes(spec: Any) -> Attributes:
    """What a review asks about, once it has been checked."""
    resource, path = spec.resource_attributes, spec.non_resource_attributes
    if resource is None:
        return Attributes(path.verb, path.path)
    chosen = resource.field_selector.requirements if resource.field_selector is not None else ()
    fields = tuple((r.key, r.values[0]) for r in chosen if r.operator == "In" and len(r.values) == 1)
    return Attributes(
        resource.verb, "", resource.group, resource.version, resource.resource, resource.subresource, resource.namespace,
        resource.name or dict(fields).get("metadata.name", ""), fields,
    )  # fmt: skip


def _check_review(kind: str, review: Any, namespace: str | None = None) -> None:
    """`namespace`: that of the path, of a review within one. Errors: Invalid."""
    spec, faults = review.spec, Faults()
    resource, path = spec.resource_attributes, spec.non_resource_attributes
    if resource is not None and path is not None:
        faults.invalid("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes")
    if resource is None and path is None:
        words = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        faults.invalid("spec.resourceAttributes", None, words)
    if hasattr(spec, "user") and not spec.user and not spec.groups:
        faults.invalid("spec.user", spec.user, "at least one of user or group must be specified")
    if namespace is None and replace(review.metadata, managed_fields=()) != ObjectMeta():
        faults.invalid("metadata", review.metadata, "must be empty")
    if namespace is not None:
        if resource is not None and resource.namespace != namespace:
            faults.invalid("spec.resourceAttributes.namespace", resource.namespace, "must match metadata.namespace")
        if path is not None:
            faults.invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request")
    if faults.causes:
        raise invalid(kind, "authorization.k8s.io", "", faults.causes)


def _verdict(call: Call, review: Any, verdict: Verdict) -> Reply:
    status = authz.SubjectAccessReviewStatus(allowed=verdict.allowed, reason=verdict.reason)
    return _answered(call, review, status)


def _answered(call: Call, review: Any, status: Any) -> Reply:
    route = call.route
    answered = replace(review, api_version=f"{route.group}/{route.version}", status=status)
    return replies.of_value(answered, 201, wanted=call.wanted_without_table)


def _info(user: User) -> authn.UserInfo:
    return authn.UserInfo(username=user.name, uid=user.uid, groups=user.groups, extra=user.extra)
