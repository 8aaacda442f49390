"""Refusals: what a caller did wrong, typed. Over HTTP each is a Kubernetes `Status` with the same code, reason and causes.

Tests: tests/engine/commit/test_transitions.py, tests/engine/api/verbs/test_writes.py
"""

from typing import Any

from msgspec import Struct


class Cause(Struct, frozen=True):
    """One field that is wrong. `reason` as Kubernetes names it: FieldValueInvalid, FieldValueRequired..."""

    reason: str
    message: str
    field: str

    def as_json(self) -> dict[str, str]:
        """As a Status has it: without what it does not say."""
        fields = {"reason": self.reason, "message": self.message, "field": self.field}
        return {name: text for name, text in fields.items() if text}


class Refusal(Exception):
    """A request that was refused; nothing was written. `message` says why, `causes` name the fields."""

    code = 500
    reason = ""

    def __init__(
        self,
        message: str,
        *,
        name: str = "",
        group: str = "",
        kind: str = "",
        uid: str = "",
        causes: tuple[Cause, ...] = (),
        retry_after_s: int = 0,
    ) -> None:
        super().__init__(message)
        self.message, self.name, self.group, self.kind, self.uid = message, name, group, kind, uid
        self.causes, self.retry_after_s = causes, retry_after_s

    def status(self) -> dict[str, Any]:
        """The Status object, as plain JSON values."""
        details: dict[str, Any] = {
            "name": self.name,
            "group": self.group,
            "kind": self.kind,
            "uid": self.uid,
            "retryAfterSeconds": self.retry_after_s,
            "causes": [cause.as_json() for cause in self.causes],
        }
        details = {k: v for k, v in details.items() if v}
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        reason = {"reason": self.reason} if self.reason else {}
        return status | reason | ({"details": details} if details else {}) | {"code": self.code}


class Unexpected(Refusal):
    """What Kubernetes answers with a plain error: 500, and no reason."""


class Internal(Refusal):
    """A failure of the server, not of its caller: 500. What it says is meant for the caller (see `internal_error`)."""

    reason = "InternalError"


class BadRequest(Refusal):
    code, reason = 400, "BadRequest"


class Unauthorized(Refusal):
    code, reason = 401, "Unauthorized"


class Forbidden(Refusal):
    code, reason = 403, "Forbidden"


class NotFound(Refusal):
    code, reason = 404, "NotFound"


class MethodNotAllowed(Refusal):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(Refusal):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(Refusal):
    code, reason = 409, "AlreadyExists"


class Conflict(Refusal):
    code, reason = 409, "Conflict"


class Expired(Refusal):
    code, reason = 410, "Expired"


class Gone(Refusal):
    code, reason = 410, "Gone"


class TooLarge(Refusal):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(Refusal):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(Refusal):
    code, reason = 422, "Invalid"


class TooManyRequests(Refusal):
    code, reason = 429, "TooManyRequests"


class Unavailable(Refusal):
    code, reason = 503, "ServiceUnavailable"


class TimedOut(Refusal):
    code, reason = 504, "Timeout"


def internal_error(failure_id: str, note: str = "") -> Internal:
    """The answer where something went wrong that nobody foresaw. It tells nothing of the exception: the server's log does, in
    the line with this id. `note`: what the caller has to know."""
    return Internal(f"internal error {failure_id}{note}: the server's log says under this id what went wrong")


def group_resource(resource: str, group: str) -> str:
    """How an error names a resource, and its key on the log: `pods`, `leases.coordination.k8s.io`."""
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, group: str, name: str) -> NotFound:
    """404 for an object that does not exist; `resource` is the plural: `pods "x" not found`."""
    return NotFound(f'{group_resource(resource, group)} "{name}" not found', name=name, group=group, kind=resource)


def conflict(resource: str, group: str, name: str, why: str) -> Conflict:
    """409 for a change that was computed on an older state."""
    message = f'Operation cannot be fulfilled on {group_resource(resource, group)} "{name}": {why}'
    return Conflict(message, name=name, group=group, kind=resource)


STALE = "the object has been modified; please apply your changes to the latest version and try again"
