"""Namespaces as a condition: nothing is made in one that is missing or ending, and some are never deleted.

Source: the NamespaceLifecycle admission plugin.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/commit/test_transitions.py
"""

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Namespace
from shipslog.store.refusals import Cause, not_found


def check_namespace(kind: Kind, name: str, namespace: str, ctx: Admission) -> None:
    """Errors: NotFound when the namespace is not there, Forbidden when it is being terminated."""
    entry = ctx.view.entry("namespaces", namespace)
    if entry is None:
        raise not_found("namespaces", "", namespace)
    found: Namespace = entry.object
    if found.status.phase == "Terminating" or found.metadata.deletion_timestamp:
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace")
        raise forbidden(kind, name, why, (cause,))
