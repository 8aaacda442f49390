"""Namespaces: active until they are deleted, and gone when what is in them is.

Tests: tests/engine/kinds/test_small_kinds.py, tests/engine/kinds/test_tables.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults, forbidden
from shipslog.engine.kinds.metadata import check_namespace_finalizer
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.subresources import Part
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Namespace, NamespaceStatus
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.refusals import Conflict

NAME_LABEL = "kubernetes.io/metadata.name"
PROTECTED = frozenset({"default", "kube-system", "kube-public"})


class NamespaceStrategy(Strategy):
    about = "A scope for names. Deleting it deletes what is in it."
    columns = (NAME, Column("Status", "The phase of the namespace: Active or Terminating."), AGE)
    selectable = {"status.phase": lambda o: o.status.phase, "name": lambda o: o.metadata.name}
    subresources = {"finalize": Part(verbs=("update",))}
    is_in_itself = True
    first = tuple(Namespace(metadata=ObjectMeta(name=name)) for name in ("kube-system", "default"))

    def cells(self, obj: Namespace, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.status.phase, age(obj.metadata.creation_timestamp, now_ns)]

    def name(self, value: str) -> names.Messages:
        return names.label(value)

    def default(self, obj: Namespace) -> Namespace:
        """The label with its name, and Active until it is deleted."""
        meta = obj.metadata
        if meta.name and meta.labels.get(NAME_LABEL) != meta.name:
            obj = replace(obj, metadata=replace(meta, labels=meta.labels | {NAME_LABEL: meta.name}))
        if not obj.status.phase:
            obj = replace(obj, status=replace(obj.status, phase="Active"))
        return obj

    def create(self, kind: Kind, obj: Namespace, ctx: Admission) -> Namespace:
        finalizers = obj.spec.finalizers
        if "kubernetes" not in finalizers:
            finalizers = (*finalizers, "kubernetes")
        return replace(obj, spec=replace(obj.spec, finalizers=finalizers), status=NamespaceStatus(phase="Active"))

    def update(self, kind: Kind, old: Namespace, new: Namespace, subresource: str, ctx: Admission) -> Namespace:
        if subresource == "status":
            return replace(new, spec=old.spec)
        if subresource == "finalize":
            return replace(new, status=old.status)
        return replace(new, spec=old.spec, status=old.status)

    def check(self, faults: Faults, obj: Namespace) -> None:
        for finalizer in obj.spec.finalizers:
            check_namespace_finalizer(faults, finalizer, "spec.finalizers")

    def check_update(self, faults: Faults, old: Namespace, new: Namespace, subresource: str) -> None:
        if subresource == "finalize":
            for i, finalizer in enumerate(new.spec.finalizers):
                check_namespace_finalizer(faults, finalizer, f"spec.finalizers[{i}]")
        elif subresource == "status":
            wanted = "Terminating" if new.metadata.deletion_timestamp else "Active"
            if new.status.phase != wanted:
                state = "not empty" if new.metadata.deletion_timestamp else "empty"
                faults.invalid("status.Phase", new.status.phase, f"may only be '{wanted}' if `deletionTimestamp` is {state}")

    def admit_delete(self, kind: Kind, old: Namespace, ctx: Admission) -> None:
        name = old.metadata.name
        if name in PROTECTED:
            raise forbidden(kind, name, "this namespace may not be deleted")
        if old.metadata.deletion_timestamp and old.spec.finalizers:
            raise Conflict(
                f'Operation cannot be fulfilled on namespaces "{name}": The system is ensuring all content is '
                "removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.",
                name=name, kind="namespaces",
            )  # fmt: skip

    def is_held(self, obj: Namespace) -> bool:
        return bool(obj.spec.finalizers)

    def marked(self, obj: Namespace) -> Namespace:
        return replace(obj, status=replace(obj.status, phase="Terminating"))


STRATEGY = NamespaceStrategy()
