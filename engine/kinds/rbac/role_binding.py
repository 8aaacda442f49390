"""Role bindings: who has a role in a namespace."""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age, wide
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.types.rbac_v1 import RoleBinding

from .bindings import accounts_of, defaulted_ref, defaulted_subjects, named
from .roles import check_role_ref, check_subjects

KINDS = ("Role", "ClusterRole")


class RoleBindingRules(Strategy):
    about = "Says who has a role in its namespace."
    columns = (
        NAME,
        Column("Role", "The role that the subjects have."),
        AGE,
        wide("Users", "The users who have it."),
        wide("Groups", "The groups that have it."),
        wide("ServiceAccounts", "The service accounts that have it."),
    )

    def cells(self, obj: RoleBinding, now_ns: int) -> list[Any]:
        role, created = f"{obj.role_ref.kind}/{obj.role_ref.name}", age(obj.metadata.creation_timestamp, now_ns)
        subjects = obj.subjects
        return [obj.metadata.name, role, created, named(subjects, "User"), named(subjects, "Group"), accounts_of(subjects)]

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def default(self, obj: RoleBinding) -> RoleBinding:
        return replace(obj, role_ref=defaulted_ref(obj.role_ref), subjects=defaulted_subjects(obj.subjects))

    def check(self, faults: Faults, obj: RoleBinding) -> None:
        check_role_ref(faults, obj.role_ref, KINDS)
        check_subjects(faults, obj.subjects, namespaced=True)

    def check_update(self, faults: Faults, old: RoleBinding, new: RoleBinding, subresource: str) -> None:
        self.check(faults, new)
        if old.role_ref != new.role_ref:
            faults.invalid("roleRef", new.role_ref, "cannot change roleRef")


STRATEGY = RoleBindingRules()
