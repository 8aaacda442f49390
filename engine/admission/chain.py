"""The chain that every object passes: admitted to be created, changed, deleted.

The order is Kubernetes': defaults, the namespace, admission rules, what the request may set, validation, allocation.

Tests: tests/engine/kinds/test_goldens.py, tests/engine/commit/test_transitions.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.catalogue import rules_of
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_metadata, check_metadata_update
from shipslog.engine.kinds.strategy import Strategy
from shipslog.store.objects.scheme import Kind

from .limit_ranges import check_limits, with_limits
from .namespace import check_namespace
from .node_restriction import check_node
from .quotas import GROW, check_quotas


def admit_create(kind: Kind, obj: Any, ctx: Admission, *, defaulted: bool = False) -> Any:
    """The object as it will be stored. `defaulted`: it has its defaults already.
    Errors: Invalid, Forbidden, NotFound (its namespace)."""
    strategy = _rules(kind, ctx)
    obj = obj if defaulted else strategy.default(obj)
    if kind.namespaced:
        check_namespace(kind, obj.metadata.name, obj.metadata.namespace, ctx)
    check_node(kind, obj, ctx)
    obj = strategy.create(kind, with_limits(kind, obj, ctx), ctx)
    faults = Faults()
    check_metadata(faults, obj.metadata, namespaced=kind.namespaced, name=strategy.name, strict=strategy.strict_finalizers)
    strategy.check(faults, obj)
    faults.refuse(kind, obj.metadata.name)
    check_limits(kind, obj, ctx)
    check_quotas(kind, None, obj, "", ctx)
    return strategy.allocate(kind, None, _stored(kind, obj, strategy), ctx)


def _rules(kind: Kind, ctx: Admission) -> Strategy:
    """The rules that an object is held to: those of the version in which it came."""
    if ctx.version is None:
        return rules_of(kind)
    return rules_of(ctx.version) if kind.definition is not None else rules_of(kind).of_version(ctx.version)


def _stored(kind: Kind, obj: Any, strategy: Strategy) -> Any:
    """The object with what the stored version has for it, and without what that does not have."""
    own = rules_of(kind)
    return obj if own is strategy else own.default(obj)


def admit_update(kind: Kind, old: Any, new: Any, subresource: str, ctx: Admission) -> Any:
    """The changed object as it will be stored. `subresource`: "", "status", "finalize", "ephemeralcontainers".
    Errors: Invalid, Forbidden."""
    strategy = _rules(kind, ctx)
    new = strategy.default_status(new) if subresource == "status" else strategy.default(new)
    new = strategy.update(kind, old, new, subresource, ctx)
    faults = Faults()
    check_metadata_update(faults, new.metadata, old.metadata, strict=strategy.strict_finalizers)
    strategy.check_update(faults, old, new, subresource)
    faults.refuse(kind, old.metadata.name)
    if kind.resource in GROW:
        if kind.resource != "pods" and not subresource:
            check_limits(kind, new, ctx)
        check_quotas(kind, old, new, subresource, ctx)
    new = _stored(kind, new, strategy)
    return new if subresource else strategy.allocate(kind, old, new, ctx)


def asked_create(kind: Kind, obj: Any, ctx: Admission) -> Any:
    """A new object as those outside are shown it before they may change it: with its defaults and what the cluster adds to it,
    as Kubernetes' own plugins have before webhooks are asked. Errors: NotFound (its namespace), Forbidden."""
    strategy = rules_of(kind)
    obj = strategy.default(obj)
    if kind.namespaced:
        check_namespace(kind, obj.metadata.name, obj.metadata.namespace, ctx)
    check_node(kind, obj, ctx)
    if kind.definition is not None:
        return obj
    obj = with_limits(kind, obj, ctx)
    made = strategy.create(kind, obj, ctx)
    status = {"status": obj.status} if hasattr(obj, "status") else {}
    return replace(made, metadata=obj.metadata, **status)


def asked_update(kind: Kind, old: Any, new: Any, subresource: str, ctx: Admission) -> Any:
    """A changed object as far as its writer may change it, not looked at further."""
    strategy = rules_of(kind)
    new = strategy.default_status(new) if subresource == "status" else strategy.default(new)
    return strategy.update(kind, old, new, subresource, ctx)
