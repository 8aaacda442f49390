"""The bindings of rbac.authorization.k8s.io/v1alpha1: a subject has the version of an API where that of v1 has a group.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Object

from . import meta_v1
from .rbac_v1 import RoleRef


class Subject(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=str)
    api_version: str = field(default="", name="apiVersion")
    name: str = field(default_factory=str)
    namespace: str = ""

    __proto__: ClassVar[dict[str, int]] = {"api_version": 2, "kind": 1, "name": 3, "namespace": 4}
    __required__: ClassVar[tuple[str, ...]] = ("kind", "name")


class ClusterRoleBinding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ClusterRoleBinding")
    api_version: str = field(default_factory=lambda: "rbac.authorization.k8s.io/v1alpha1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    subjects: tuple[Subject, ...] = ()
    role_ref: RoleRef = field(default_factory=RoleRef)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "role_ref": 3, "subjects": 2}
    __required__: ClassVar[tuple[str, ...]] = ("roleRef",)


class RoleBinding(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "RoleBinding")
    api_version: str = field(default_factory=lambda: "rbac.authorization.k8s.io/v1alpha1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    subjects: tuple[Subject, ...] = ()
    role_ref: RoleRef = field(default_factory=RoleRef)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "role_ref": 3, "subjects": 2}
    __required__: ClassVar[tuple[str, ...]] = ("roleRef",)
