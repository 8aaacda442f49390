"""Cluster role bindings: who has a cluster role everywhere."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age, wide
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.rbac_v1 import ClusterRoleBinding

from .bindings import accounts_of, defaulted_ref, defaulted_subjects, named
from .roles import check_role_ref, check_subjects

KINDS = ("ClusterRole",)


class ClusterRoleBindingRules(Strategy):
    about = "Says who has a cluster role, in every namespace."
    columns = (
        NAME,
        Column("Role", "The role that the subjects have."),
        AGE,
        wide("Users", "The users who have it."),
        wide("Groups", "The groups that have it."),
        wide("ServiceAccounts", "The service accounts that have it."),
    )

    def cells(self, obj: ClusterRoleBinding, now_ns: int) -> list[Any]:
        role, created = f"{obj.role_ref.kind}/{obj.role_ref.name}", age(obj.metadata.creation_timestamp, now_ns)
        subjects = obj.subjects
        return [obj.metadata.name, role, created, named(subjects, "User"), named(subjects, "Group"), accounts_of(subjects)]

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def default(self, obj: ClusterRoleBinding) -> ClusterRoleBinding:
        return replace(obj, role_ref=defaulted_ref(obj.role_ref), subjects=defaulted_subjects(obj.subjects))

    def check(self, faults: Faults, obj: ClusterRoleBinding) -> None:
        check_role_ref(faults, obj.role_ref, KINDS)
        check_subjects(faults, obj.subjects, namespaced=False)

    def check_update(self, faults: Faults, old: ClusterRoleBinding, new: ClusterRoleBinding, subresource: str) -> None:
        self.check(faults, new)
        if old.role_ref != new.role_ref:
            faults.invalid("roleRef", new.role_ref, "cannot change roleRef")


STRATEGY = ClusterRoleBindingRules()
