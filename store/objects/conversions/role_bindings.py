"""Bindings of rbac.authorization.k8s.io/v1alpha1: its subjects name a version of an API, and the user `*` is all who logged in.

Source: pkg/apis/rbac/v1alpha1 (conversion, defaults) of Kubernetes 1.21.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

from shipslog.store.objects.types import rbac_v1 as v1
from shipslog.store.objects.types import rbac_v1alpha1 as old

from .copies import copied

FIELDS: dict[str, str] = {}
GROUP = "rbac.authorization.k8s.io"
PEOPLE = ("User", "Group")


def to_hub(binding: Any) -> Any:
    """As it is stored."""
    subjects = tuple(_subject(subject) for subject in binding.subjects)
    return copied(binding, getattr(v1, binding.kind), subjects=subjects)


def from_hub(binding: Any) -> Any:
    """As v1alpha1 shows it."""
    subjects = tuple(_older(subject) for subject in binding.subjects)
    return copied(binding, getattr(old, binding.kind), subjects=subjects)


def _subject(subject: old.Subject) -> v1.Subject:
    if subject.kind == "User" and subject.name == "*":
        return v1.Subject(kind="Group", api_group=GROUP, name="system:authenticated", namespace=subject.namespace)
    if subject.kind == "ServiceAccount":
        group = ""
    else:
        group = GROUP if subject.kind in PEOPLE else _group(subject.api_version)
    return v1.Subject(kind=subject.kind, api_group=group, name=subject.name, namespace=subject.namespace)


def _group(version: str) -> str:
    """That of `group/version`; none of what is no such thing, as of the core's `v1`."""
    group, slash, rest = version.partition("/")
    return group if slash and "/" not in rest else ""


def _older(subject: v1.Subject) -> old.Subject:
    if subject.kind == "ServiceAccount" and not subject.api_group:
        version = "v1"
    elif subject.kind in PEOPLE and subject.api_group == GROUP:
        version = f"{GROUP}/v1alpha1"
    else:
        version = f"{subject.api_group}/" if subject.api_group else ""
    return old.Subject(kind=subject.kind, api_version=version, name=subject.name, namespace=subject.namespace)
