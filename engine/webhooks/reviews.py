"""AdmissionReviews: what is asked, and what an answer may say.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/request and errors.

Tests: tests/engine/webhooks/test_admission.py
"""

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shipslog.engine.admission.matching import CREATE, DELETE, UPDATE, Asked, Place
from shipslog.engine.commit.outside import Asking
from shipslog.store.objects.patch import json_patch
from shipslog.store.objects.wire import json_text
from shipslog.store.refusals import BadRequest, Cause, Internal, Refusal

from .calling import CallFailed

VERSIONS = ("v1", "v1beta1")
KIND = "AdmissionReview"
OPTIONS = {CREATE: "CreateOptions", UPDATE: "UpdateOptions", DELETE: "DeleteOptions"}
JSON_PATCH = "JSONPatch"
PLACE = ("kind", "resource", "subResource")
WARNINGS, WARNING_LENGTH = 100, 4096  # that one answer may say
ANNOTATIONS, ANNOTATION_LENGTH = 64, 1024  # of one answer, on the log
LEAST_CODE, MOST_CODE = 400, 599
DETAILS_BYTES = 64 * 1024  # of a denial


class Answer(Struct, frozen=True):
    """What a webhook said."""

    allowed: bool
    status: Mapping[str, Any] | None
    patch: Sequence[Any]
    annotations: Mapping[str, str]
    warnings: Sequence[str]


def version_of(versions: Sequence[str] | None) -> str:
    """The first that both know. Errors: CallFailed."""
    found = next((version for version in versions or () if version in VERSIONS), None)
    if found is None:
        raise CallFailed(f"webhook does not accept known AdmissionReview versions ({', '.join(VERSIONS)})")
    return found


def question(version: str, asked: Asked, shown: Place, asking: Asking, new: bytes, old: bytes) -> tuple[str, bytes]:
    """(its uid, the review as JSON). `new`, `old`: the objects' JSON in the version that the webhook wants; null for none."""
    uid = str(uuid.uuid4())
    request = {"uid": uid, **request_of(asked, shown, asking), "object": msgspec.Raw(new), "oldObject": msgspec.Raw(old)}
    return uid, msgspec.json.encode({"kind": KIND, "apiVersion": f"admission.k8s.io/{version}", "request": request})


def plain(encoded: bytes) -> Any:
    """An object's JSON as values."""
    return msgspec.json.decode(encoded)


def request_of(asked: Asked, shown: Place, asking: Asking) -> dict[str, Any]:
    """A request without its objects, as plain values."""
    info, operation = asking.request_info, asked.operation
    options = dict(info.options or {"apiVersion": "meta.k8s.io/v1"})
    if operation in OPTIONS:
        options["kind"] = OPTIONS[operation]
    user: dict[str, Any] = {"username": asking.actor, "groups": list(asking.groups)}
    if info.uid:
        user["uid"] = info.uid
    if info.extra:
        user["extra"] = {key: list(values) for key, values in info.extra.items()}
    return {
        **_place("", shown, asked.subresource),
        **_place("request", asked.place, asked.subresource),
        **({"name": asked.name} if asked.name else {}),
        **({"namespace": asked.namespace} if asked.namespace else {}),
        "operation": operation,
        "userInfo": user,
        "dryRun": asking.dry_run,
        "options": options if info.options or operation in OPTIONS else None,
    }


def _place(prefix: str, place: Place, subresource: str) -> dict[str, Any]:
    kind, resource, part = ("requestKind", "requestResource", "requestSubResource") if prefix else PLACE
    made: dict[str, Any] = {
        kind: {"group": place.kind_group, "version": place.kind_version, "kind": place.kind},
        resource: {"group": place.group, "version": place.version, "resource": place.resource},
    }
    return {**made, part: subresource} if subresource else made


def answer(value: Any, uid: str, version: str, *, mutating: bool) -> Answer:
    """What a review says that came back. Errors: CallFailed, for one that is not what was asked for."""
    invalid = "received invalid webhook response: "
    if not isinstance(value, dict):
        raise CallFailed(f"{invalid}it is no object")
    given = str(value.get("apiVersion") or ""), str(value.get("kind") or "")
    wanted = f"admission.k8s.io/{version}", KIND
    if given != wanted and (version == "v1" or any(given)):
        group, _, number = given[0].rpartition("/")
        got = f"{group[:64]}/{number[:64]}, Kind={given[1][:64]}"
        raise CallFailed(f"{invalid}expected webhook response of {wanted[0]}, Kind={KIND}, got {got}")
    response = value.get("response")
    if not isinstance(response, dict):
        raise CallFailed(f"{invalid}webhook response was absent")
    if version == "v1" and response.get("uid") != uid:
        raise CallFailed(f'{invalid}expected response.uid="{uid}", got "{str(response.get("uid") or "")[:64]}"')
    patch, patch_type = response.get("patch"), response.get("patchType")
    if mutating and version == "v1":
        if patch and patch_type is None:
            raise CallFailed(f"{invalid}webhook returned response.patch but not response.patchType")
        if patch_type is not None and not patch:
            raise CallFailed(f"{invalid}webhook returned response.patchType but not response.patch")
        if patch_type == "":
            raise CallFailed(f'{invalid}webhook returned invalid response.patchType of ""')
    elif not mutating and version == "v1":
        if patch:
            raise CallFailed(f"{invalid}validating webhook may not return response.patch")
        if patch_type is not None:
            raise CallFailed(f"{invalid}validating webhook may not return response.patchType")
    if patch and patch_type not in (None, JSON_PATCH) and version == "v1":
        raise CallFailed(f'unsupported patch type "{str(patch_type)[:64]}"')
    status = response.get("status") or response.get("result")
    allowed = response.get("allowed", False)
    if not isinstance(allowed, bool):
        raise CallFailed(f"{invalid}response.allowed is no boolean")
    return Answer(
        allowed, status if isinstance(status, dict) else None, _operations(patch) if mutating and allowed else (),
        _texts(response.get("auditAnnotations")), _lines(response.get("warnings")),
    )  # fmt: skip


def _operations(patch: Any) -> Sequence[Any]:
    """The patch in it. Errors: Internal for what is none, as Kubernetes answers."""
    if not patch:
        return ()
    try:
        operations = json_text.parse(base64.b64decode(str(patch), validate=True))
    except (binascii.Error, ValueError) as error:
        raise internal(f"error decoding patch: {error}") from error
    if not isinstance(operations, list):
        raise internal("error decoding patch: a JSON patch is an array of operations")
    return operations


def patched(document: dict[str, Any], operations: Sequence[Any]) -> dict[str, Any]:
    """What a patch makes of a document, which is changed in place. Errors: Internal where it cannot be applied."""
    try:
        return json_patch.apply(document, operations)
    except Refusal as refusal:
        raise internal(refusal.message) from refusal


def _texts(found: Any) -> dict[str, str]:
    items = list(found.items()) if isinstance(found, dict) else []
    return {
        str(key)[:WARNING_LENGTH]: value[:ANNOTATION_LENGTH] for key, value in items[:ANNOTATIONS] if isinstance(value, str)
    }


def _lines(found: Any) -> tuple[str, ...]:
    items = found[:WARNINGS] if isinstance(found, list) else []
    return tuple(line[:WARNING_LENGTH] for line in items if isinstance(line, str))


# --- what is told to who asked ---


def internal(why: str) -> Internal:
    """500 as Kubernetes words what went wrong inside or with others."""
    message = f"Internal error occurred: {why}"
    return Internal(message, causes=(Cause("", why, ""),))


def not_called(hook: str, why: str) -> Internal:
    """The answer where a webhook that must be asked could not be."""
    return internal(f'failed calling webhook "{hook}": {why}')


def no_dry_run(hook: str) -> BadRequest:
    return BadRequest(f'admission webhook "{hook}" does not support dry run')


class Denied(Refusal):
    """A webhook said no: with its own code and reason."""

    def __init__(self, message: str, code: int, reason: str, details: Mapping[str, Any] | None) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason
        self._details = dict(details or {})

    def status(self) -> dict[str, Any]:
        made = super().status()
        return {**made, "details": self._details} if self._details else made


def denied(hook: str, status: Mapping[str, Any] | None) -> Denied:
    """Source: k8s.io/apiserver/pkg/admission/plugin/webhook/errors."""
    fields = status or {}
    code = fields.get("code")
    code = code if isinstance(code, int) and not isinstance(code, bool) else 0
    code = min(max(code, LEAST_CODE), MOST_CODE)
    text, reason = (str(fields.get(word) or "")[:WARNING_LENGTH] for word in ("message", "reason"))
    by = f'admission webhook "{hook}" denied the request'
    message = f"{by}: {text or reason}" if text or reason else f"{by} without explanation"
    details = fields.get("details")
    carried = isinstance(details, dict) and len(msgspec.json.encode(details)) <= DETAILS_BYTES
    return Denied(message, code, reason, details if carried else None)
