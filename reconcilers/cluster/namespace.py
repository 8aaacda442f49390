"""Namespaces: those that every cluster has are made; one that is deleted is emptied first and then let go.

Source: Kubernetes' namespace lifecycle controller and its deletion conditions.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.conditions import dated
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.values.times import api_time
from shipslog.store.state import Entry
from shipslog.store.view import View
from shipslog.store.wording import counted

ALWAYS = ("default", "kube-node-lease", "kube-public", "kube-system")
FINALIZER = "kubernetes"
GOOD = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    ("NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
)


def _namespace_that_goes(view: View, obj: Any) -> Iterable[str]:
    """The namespace that something is in, while it is being emptied."""
    name = obj.metadata.namespace
    namespace = view.get(core_v1.Namespace, name) if name else None
    return (name,) if namespace is not None and namespace.metadata.deletion_timestamp else ()


WAKES = rule(core_v1.Namespace, always=ALWAYS).watches_every_kind(
    to=_namespace_that_goes, by=lambda obj: obj.metadata.namespace, of=lambda kind: kind.namespaced
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make what must exist; empty and release what is being deleted."""
    namespace = view.get(core_v1.Namespace, key)
    if namespace is None:
        if key in ALWAYS:
            made = core_v1.Namespace(metadata=meta_v1.ObjectMeta(name=key))
            return Decision(reason="every cluster has it", commands=(Create(object=made),))
        return Decision(reason="there is no such namespace")
    if not namespace.metadata.deletion_timestamp:
        return Decision(reason="it stays")
    left = [entry for resource in view.resources() for entry in view.entries(resource, key)]
    if left:
        return _empty(namespace, left, now)
    if FINALIZER in namespace.spec.finalizers:
        others = tuple(f for f in namespace.spec.finalizers if f != FINALIZER)
        done = replace(namespace, spec=replace(namespace.spec, finalizers=others))
        return Decision(reason="it is empty", commands=(Update(object=done, subresource="finalize"),))
    return Decision(reason="it is empty; others hold it")


def _empty(namespace: core_v1.Namespace, left: list[Entry], now: Instant) -> Decision:
    """Delete what is there, pods first: what controls them is going too, so nothing replaces them."""
    commands: list[AnyObjectCommand] = []
    for entry in left:
        meta = entry.object.metadata
        if not meta.deletion_timestamp:
            commands.append(
                Delete(
                    resource=entry.resource, namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background"
                )
            )
    status = replace(namespace.status, phase="Terminating", conditions=_conditions(namespace, left, now))
    if status != namespace.status:
        commands.append(Update(object=replace(namespace, status=status), subresource="status"))
    return Decision(reason=f"{counted(len(left), 'object is', 'objects are')} left in it", commands=tuple(commands))


def _conditions(namespace: core_v1.Namespace, left: list[Entry], now: Instant) -> tuple[core_v1.NamespaceCondition, ...]:
    counts: dict[str, int] = {}
    finalizers: dict[str, int] = {}
    for entry in left:
        counts[entry.resource] = counts.get(entry.resource, 0) + 1
        for finalizer in entry.object.metadata.finalizers:
            finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
    waiting = [e for e in left if e.resource != "pods" or e.object.status.phase not in TERMINAL]
    wanted = [(type_, "False", reason, message) for type_, reason, message in GOOD]
    remain = ", ".join(sorted(f"{_with_group(name)} has {count} resource instances" for name, count in counts.items()))
    held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
    wanted.append(
        (
            "NamespaceContentRemaining",
            "True" if waiting else "False",
            "SomeResourcesRemain",
            f"Some resources are remaining: {remain}",
        )
    )
    if held:
        message = f"Some content in the namespace has finalizers remaining: {held}"
        wanted.append(("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message))
    else:
        message = "All content-preserving finalizers finished"
        wanted.append(("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", message))
    old = {c.type: c for c in namespace.status.conditions}
    stamp = api_time(now)
    return tuple(
        dated(core_v1.NamespaceCondition(type=type_, status=status, reason=reason, message=message), old.get(type_), stamp)
        for type_, status, reason, message in wanted
    )


def _with_group(resource: str) -> str:
    """`RESOURCE.GROUP`, as Kubernetes names them here: with the dot also where the group is empty."""
    return resource if "." in resource else f"{resource}."


RECONCILER = Reconciler(name="namespace", actor="system:controller:namespace-controller", wakes=WAKES, decide=decide, version=2)
