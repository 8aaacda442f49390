"""Whose an object is: what a controller adopts because its selector matches, and lets go of because it no longer does.

Source: Kubernetes' ControllerRefManager.

Tests: tests/reconcilers/workloads/test_replication_controller.py, tests/reconcilers/workloads/test_replica_set.py
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import controller_of, owner_reference
from shipslog.reconcilers.rule.wakes import Keys, key_of
from shipslog.store.commands import AnyObjectCommand, Update
from shipslog.store.objects.selector import Selector
from shipslog.store.view import View

T = TypeVar("T")


def adopters(kind: type[Any], selector_of: Callable[[Any], Selector]) -> Keys:
    """For `watches`: the controllers that would adopt an object, those whose selectors match if nobody controls it."""

    def to(view: View, obj: Any) -> Iterable[str]:
        if controller_of(obj) is not None:
            return ()
        labels = obj.metadata.labels
        return [key_of(c) for c in view.list(kind, obj.metadata.namespace) if selector_of(c).matches(labels)]

    return to


def controlled(view: View, owner: Any, kind: type[T]) -> list[T]:
    """The objects of a kind that `owner` controls, by name."""
    uid = owner.metadata.uid
    found = [entry.object for entry in view.owned(uid) if isinstance(entry.object, kind)]
    return [obj for obj in found if (held := controller_of(obj)) is not None and held.uid == uid]


def claimed(
    view: View, owner: Any, selector: Selector, kind: type[T], adoptable: Callable[[T], bool], finalizer: str = ""
) -> tuple[Sequence[T], list[AnyObjectCommand]]:
    """The objects that `owner` controls and its selector means, and what adopts and releases others.

    `finalizer` is put on what is adopted, and taken off what is released."""
    meta = owner.metadata
    mine: list[T] = []
    commands: list[AnyObjectCommand] = []
    for obj in controlled(view, owner, kind):
        held: Any = obj
        if selector.matches(held.metadata.labels):
            mine.append(obj)
        elif not held.metadata.deletion_timestamp and not meta.deletion_timestamp:
            left = tuple(f for f in held.metadata.finalizers if f != finalizer)
            commands.append(_owned_by(held, tuple(o for o in held.metadata.owner_references if o.uid != meta.uid), left))
    if meta.deletion_timestamp or not selector:
        return mine, commands
    for obj in view.select(kind, meta.namespace, selector.exact):
        held = obj
        if controller_of(held) is None and adoptable(obj) and selector.matches(held.metadata.labels):
            more = (finalizer,) if finalizer and finalizer not in held.metadata.finalizers else ()
            owners = (*held.metadata.owner_references, owner_reference(owner))
            commands.append(_owned_by(held, owners, (*held.metadata.finalizers, *more)))
    return mine, commands


def _owned_by(obj: Any, owners: tuple[Any, ...], finalizers: tuple[str, ...]) -> Update:
    return Update(object=replace(obj, metadata=replace(obj.metadata, owner_references=owners, finalizers=finalizers)))
