"""Every namespace has a ServiceAccount `default` and the cluster's CA certificate in a ConfigMap."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Update
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.view import View

ACCOUNT, CA = "default", "kube-root-ca.crt"
SOURCE = "kube-system"  # the engine writes the certificate there


def _namespace_of(view: View, obj: Any) -> Iterable[str]:
    """The namespace whose account or certificate something is; all of them for the certificate that the others copy."""
    meta = obj.metadata
    if meta.name != (ACCOUNT if isinstance(obj, core_v1.ServiceAccount) else CA):
        return ()
    if isinstance(obj, core_v1.ConfigMap) and meta.namespace == SOURCE:
        return [n.metadata.name for n in view.list(core_v1.Namespace)]
    return (meta.namespace,)


WAKES = rule(core_v1.Namespace).watches(core_v1.ServiceAccount, core_v1.ConfigMap, to=_namespace_of)


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
    name="service-account", actor="system:controller:service-account-controller",
    wakes=WAKES, decide=decide,
)  # fmt: skip
