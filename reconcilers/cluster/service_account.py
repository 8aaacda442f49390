"""Every namespace has a ServiceAccount `default` and the cluster's CA certificate in a ConfigMap."""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.store.commands import AnyObjectCommand, Create, Update
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.objects import core_v1, meta_v1
from shipslog.store.state import View

ACCOUNT, CA = "default", "kube-root-ca.crt"
SOURCE = "kube-system"  # the engine writes the certificate there


def keys_for(view: View, event: Event) -> Iterable[str]:
    """The namespace of what changed; all of them when the certificate did."""
    fact = event.fact
    if not isinstance(fact, ObjectFact):
        return ()
    if fact.resource == "namespaces":
        return (fact.name,)
    if (fact.resource, fact.name) == ("serviceaccounts", ACCOUNT):
        return (fact.namespace,)
    if (fact.resource, fact.name) == ("configmaps", CA):
        return all_keys(view) if fact.namespace == SOURCE else (fact.namespace,)
    return ()


def all_keys(view: View) -> Iterable[str]:
    return [n.metadata.name for n in view.list(core_v1.Namespace)]


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make what is missing in the namespace."""
    namespace = view.get(core_v1.Namespace, key)
    if namespace is None or namespace.metadata.deletion_timestamp:
        return Decision(reason="the namespace goes or is gone")
    commands: list[AnyObjectCommand] = []
    if view.get(core_v1.ServiceAccount, ACCOUNT, key) is None:
        commands.append(Create(object=core_v1.ServiceAccount(metadata=meta_v1.ObjectMeta(name=ACCOUNT, namespace=key))))
    source, copy = view.get(core_v1.ConfigMap, CA, SOURCE), view.get(core_v1.ConfigMap, CA, key)
    if source is not None and copy is None:
        note = {"kubernetes.io/description": "Contains the CA certificate that verifies this cluster's API server."}
        meta = meta_v1.ObjectMeta(name=CA, namespace=key, annotations=note)
        commands.append(Create(object=core_v1.ConfigMap(metadata=meta, data=source.data)))
    elif source is not None and copy is not None and copy.data != source.data:
        commands.append(Update(object=replace(copy, data=source.data)))
    return Decision(reason="missing: made" if commands else "it has both", commands=tuple(commands))


RECONCILER = Reconciler(
    name="service-account", actor="system:controller:service-account-controller", keys_for=keys_for, all_keys=all_keys,
    decide=decide, resources=frozenset({"namespaces", "serviceaccounts", "configmaps"}),
)  # fmt: skip
