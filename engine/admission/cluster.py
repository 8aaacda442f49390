"""Namespaces, nodes, service accounts, leases and API events."""

from msgspec.structs import replace

from shipslog.store.objects.coordination_v1 import Lease
from shipslog.store.objects.core_v1 import Event, Namespace, NamespaceStatus, Node, ServiceAccount, Taint
from shipslog.store.objects.registry import Kind

from . import names
from .context import Admission
from .defaults.cluster import default_namespace, default_node, default_service_account
from .fields import Faults
from .strategy import Strategy
from .validation import cluster as rules
from .validation.events import check_event

NOT_READY = Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")


class NamespaceStrategy(Strategy):
    def name(self, value: str) -> names.Messages:
        return names.label(value)

    def default(self, obj: Namespace) -> Namespace:
        return default_namespace(obj)

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
        rules.check_namespace(faults, obj)

    def check_update(self, faults: Faults, old: Namespace, new: Namespace, subresource: str) -> None:
        rules.check_namespace_update(faults, new, subresource)


class NodeStrategy(Strategy):
    def default(self, obj: Node) -> Node:
        return default_node(obj)

    def create(self, kind: Kind, obj: Node, ctx: Admission) -> Node:
        """A new node takes no pods before its lifecycle has found it ready."""
        if any(t.key == NOT_READY.key and t.effect == NOT_READY.effect for t in obj.spec.taints):
            return obj
        return replace(obj, spec=replace(obj.spec, taints=(*obj.spec.taints, NOT_READY)))

    def update(self, kind: Kind, old: Node, new: Node, subresource: str, ctx: Admission) -> Node:
        return replace(new, spec=old.spec) if subresource == "status" else replace(new, status=old.status)

    def check(self, faults: Faults, obj: Node) -> None:
        rules.check_node(faults, obj)

    def check_update(self, faults: Faults, old: Node, new: Node, subresource: str) -> None:
        rules.check_node_update(faults, old, new)


class ServiceAccountStrategy(Strategy):
    def default(self, obj: ServiceAccount) -> ServiceAccount:
        return default_service_account(obj)


class LeaseStrategy(Strategy):
    strict_finalizers = False

    def check(self, faults: Faults, obj: Lease) -> None:
        rules.check_lease(faults, obj)


class EventStrategy(Strategy):
    strict_finalizers = False

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def check(self, faults: Faults, obj: Event) -> None:
        check_event(faults, obj)
