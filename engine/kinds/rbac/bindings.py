"""What both kinds of bindings say where nothing is said, and show."""

from collections.abc import Sequence

from msgspec.structs import replace

from shipslog.store.objects.types.rbac_v1 import RoleRef, Subject

from .roles import GROUP


def defaulted_ref(ref: RoleRef) -> RoleRef:
    return ref if ref.api_group else replace(ref, api_group=GROUP)


def defaulted_subjects(subjects: Sequence[Subject]) -> tuple[Subject, ...]:
    """Users and groups are those of this API's group."""
    return tuple(s if s.api_group or s.kind not in ("User", "Group") else replace(s, api_group=GROUP) for s in subjects)


def named(subjects: Sequence[Subject], kind: str) -> str:
    return ", ".join(s.name for s in subjects if s.kind == kind)


def accounts_of(subjects: Sequence[Subject]) -> str:
    return ", ".join(f"{s.namespace}/{s.name}" for s in subjects if s.kind == "ServiceAccount")
