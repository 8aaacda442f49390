"""Object commands: what one may ask of the log. The API and the reconcilers speak them alike; the engine commits them.

Tests: tests/engine/commit/test_transitions.py
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from shipslog.store.objects.values.scalars import Object

from .objects.patch import PatchType


class ObjectCommand(Struct, frozen=True, kw_only=True):
    """Base. Whoever submits adds an actor, a cause and whether it is a dry run. Digests on the log know a command by its `tag`
    and fields."""


class Create(ObjectCommand, frozen=True, kw_only=True, tag="Create"):
    """A new object. An empty `name` with a `generateName` gets five random characters."""

    object: Any  # a Struct of a registered kind
    field_manager: str = ""  # who owns what it sets; "": nobody is told to
    api_version: str = ""  # in which it came; "" for the stored one


class Update(ObjectCommand, frozen=True, kw_only=True, tag="Update"):
    """Replace an object. With `metadata.resourceVersion` set, only if it is still the current one (else Conflict)."""

    object: Any
    subresource: str = ""  # "" (spec and metadata; status is kept), "status", "finalize", "ephemeralcontainers"
    field_manager: str = ""
    api_version: str = ""  # in which the manager sees it; "" for the stored one


class Patch(ObjectCommand, frozen=True, kw_only=True, tag="Patch"):
    """Change an object by a patch, computed at commit against the then current state."""

    resource: str
    namespace: str = ""
    name: str
    media_type: PatchType
    body: bytes
    subresource: str = ""
    field_validation: str = "Warn"  # Strict, Warn, Ignore
    api_version: str = ""  # that of which the patch is, "policy/v1beta1"; "" for the stored one
    field_manager: str = ""


class Apply(ObjectCommand, frozen=True, kw_only=True, tag="Apply"):
    """Server-side apply: have the fields that a configuration names, and no more those that it named the last time."""

    resource: str
    namespace: str = ""
    name: str
    body: bytes  # JSON
    field_manager: str
    force: bool = False  # take fields over that others own
    subresource: str = ""
    field_validation: str = "Warn"
    api_version: str = ""  # that of the path; "" for the stored one


class Delete(ObjectCommand, frozen=True, kw_only=True, tag="Delete"):
    """Delete an object; a pod that runs is marked first and goes when its node says so."""

    resource: str
    namespace: str = ""
    name: str
    uid: str | None = None  # precondition
    resource_version: str | None = None  # precondition
    grace_period_s: int | None = None  # None: the object's own
    propagation: Literal["", "Orphan", "Background", "Foreground"] = ""


class Bind(ObjectCommand, frozen=True, kw_only=True, tag="Bind"):
    """Assign a pod to a node. Refused (Conflict) when it has one."""

    namespace: str
    name: str
    node: str
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | UnsetType = UNSET  # put on the pod


class Evict(ObjectCommand, frozen=True, kw_only=True, tag="Evict"):
    """Delete a pod if its disruption budgets allow it (429 otherwise)."""

    namespace: str
    name: str
    grace_period_s: int | None = None
    uid: str | None = None


AnyObjectCommand = Create | Update | Patch | Apply | Delete | Bind | Evict

__all__ = [
    "AnyObjectCommand",
    "Apply",
    "Bind",
    "Create",
    "Delete",
    "Evict",
    "Object",
    "ObjectCommand",
    "Patch",
    "PatchType",
    "Update",
]
