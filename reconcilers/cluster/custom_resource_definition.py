"""CustomResourceDefinitions: one whose names are free is served; one that is deleted is emptied first and then let go.

Source: Kubernetes' naming, establishing and finalizing controllers of apiextensions.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Delete, Update
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.conditions import dated, find_condition, set_condition
from shipslog.store.objects.custom import FINALIZER, holds
from shipslog.store.objects.types import apiextensions_v1 as api
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import group_resource
from shipslog.store.view import View
from shipslog.store.wording import counted

from .api_approval import APPROVED, approval_of

RESOURCE = "customresourcedefinitions.apiextensions.k8s.io"
Definition = api.CustomResourceDefinition
Condition = api.CustomResourceDefinitionCondition
DELETED_AT_ONCE = 500  # objects of one decision


def _of_the_group(view: View, obj: Any) -> Iterable[str]:
    """All definitions of a group: what one lets go of, another may have."""
    for entry in view.entries(RESOURCE):
        if entry.object.spec.group == obj.spec.group:
            yield entry.object.metadata.name


def _that_goes(view: View, obj: Any) -> Iterable[str]:
    """The definition of what is there, while it is being deleted."""
    kind = view.scheme.by_gvk(obj.api_version, obj.kind)
    if kind is None or kind.definition is None:
        return ()
    crd = view.entry(RESOURCE, kind.resource)
    return (kind.resource,) if crd is not None and crd.object.metadata.deletion_timestamp else ()


WAKES = (
    rule(RESOURCE)
    .watches(RESOURCE, to=_of_the_group)
    .watches_every_kind(to=_that_goes, by=lambda obj: obj.kind, of=lambda kind: kind.definition is not None)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Accept its names and serve it; empty and release what is being deleted."""
    entry = view.entry(RESOURCE, key)
    if entry is None:
        return Decision(reason="there is no such definition")
    crd: Definition = entry.object
    if crd.metadata.deletion_timestamp:
        return _emptied(view, crd, now)
    status = _accepted(view, crd, api_time(now))
    if status == crd.status:
        return Decision(reason="its status says how it is")
    why = "its names are free" if holds(replace(crd, status=status), "NamesAccepted") else "its names are taken"
    return Decision(reason=why, commands=(Update(object=replace(crd, status=status), subresource="status"),))


# --- names ---


def _accepted(view: View, crd: Definition, at: str) -> api.CustomResourceDefinitionStatus:
    """The status with the names that the definition may have: each that nobody else of its group has."""
    wanted, had = crd.spec.names, crd.status.accepted_names
    taken = _taken(view, crd)
    conflict = _conflict(wanted, taken)
    conditions = crd.status.conditions
    if conflict is None:
        accepted = wanted
        conditions = _with(conditions, "NamesAccepted", "True", "NoConflicts", "no conflicts found", at)
    else:
        reason, message = conflict
        accepted = had
        conditions = _with(conditions, "NamesAccepted", "False", reason, message, at)
    if conflict is None:
        conditions = _with(
            conditions, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", at
        )
    elif not holds(crd, "Established"):
        conditions = _with(conditions, "Established", "False", "NotAccepted", "not all names are accepted", at)
    found, words = approval_of(crd)
    if found:
        yes = "True" if found == APPROVED else "False"
        conditions = _with(conditions, "KubernetesAPIApprovalPolicyConformant", yes, f"{found}Annotation", words, at)
    return replace(crd.status, conditions=conditions, accepted_names=accepted)


def _taken(view: View, crd: Definition) -> dict[str, str]:
    """The names that others of the group have, and that who has waited for longer gets now: each with whose it is."""
    taken: dict[str, str] = {}
    waiting: list[Definition] = []
    for kind in BUILTIN.served():
        if kind.group == crd.spec.group:
            own = (kind.plural, kind.singular, kind.kind, kind.list_kind, *kind.short_names)
            taken.update(dict.fromkeys(own, kind.resource))
    for entry in view.entries(RESOURCE):
        other: Definition = entry.object
        if other.spec.group != crd.spec.group or other.metadata.name == crd.metadata.name:
            continue
        if holds(other, "NamesAccepted") or holds(other, "Established"):
            taken.update(dict.fromkeys((name for _, name in _names(other.status.accepted_names)), other.metadata.name))
        elif _turn(other) < _turn(crd) and not other.metadata.deletion_timestamp:
            waiting.append(other)
    for other in sorted(waiting, key=_turn):  # or all that wait for a name would have it at once when it is free
        if _conflict(other.spec.names, taken) is None:
            taken.update(dict.fromkeys((name for _, name in _names(other.spec.names)), other.metadata.name))
    return taken


def _turn(crd: Definition) -> tuple[str, str]:
    """In which order definitions get names."""
    return crd.metadata.creation_timestamp, crd.metadata.name


def _names(names: api.CustomResourceDefinitionNames) -> Iterator[tuple[str, str]]:
    yield from (("Plural", names.plural), ("Singular", names.singular))
    yield from (("ShortNames", short) for short in names.short_names)
    yield from (("Kind", names.kind), ("ListKind", names.list_kind))


def _conflict(wanted: api.CustomResourceDefinitionNames, taken: dict[str, str]) -> tuple[str, str] | None:
    for what, name in _names(wanted):
        if name and name in taken:
            return f"{what}Conflict", f'"{name}" is already in use'
    return None


def _with(
    conditions: tuple[Condition, ...], type_: str, status: str, reason: str, message: str, at: str
) -> tuple[Condition, ...]:
    """The conditions with one, in its place."""
    held = find_condition(conditions, type_)
    new = Condition(type=type_, status=status, reason=reason, message=message)
    if held is None:
        return set_condition(conditions, new, at)
    return tuple(dated(new, held, at) if c.type == type_ else c for c in conditions)


# --- going ---


def _emptied(view: View, crd: Definition, now: Instant) -> Decision:
    """Delete the objects of the kind, then let the definition go."""
    if FINALIZER not in crd.metadata.finalizers:
        return Decision(reason="it is empty; others hold it")
    resource = group_resource(crd.spec.names.plural, crd.spec.group)
    left = view.entries(resource) if holds(crd, "Established") else []
    commands: list[AnyObjectCommand] = []
    if not holds(crd, "Terminating"):
        words = "CustomResource deletion is in progress"
        conditions = _with(crd.status.conditions, "Terminating", "True", "InstanceDeletionInProgress", words, api_time(now))
        commands.append(Update(object=replace(crd, status=replace(crd.status, conditions=conditions)), subresource="status"))
        return Decision(reason="no more objects of it are taken", commands=tuple(commands))
    if left:
        waiting = [e.object.metadata for e in left if not e.object.metadata.deletion_timestamp]
        commands += [
            Delete(resource=resource, namespace=m.namespace, name=m.name, uid=m.uid, propagation="Background")
            for m in waiting[:DELETED_AT_ONCE]
        ]
        return Decision(reason=f"{counted(len(left), 'object of it is', 'objects of it are')} left", commands=tuple(commands))
    finalizers = tuple(f for f in crd.metadata.finalizers if f != FINALIZER)
    done = replace(crd, metadata=replace(crd.metadata, finalizers=finalizers))
    return Decision(reason="no objects of it are left", commands=(Update(object=done),))


RECONCILER = Reconciler(
    name="custom-resource-definition",
    actor="system:controller:custom-resource-definition-controller",
    wakes=WAKES,
    decide=decide,
    version=2,
)
