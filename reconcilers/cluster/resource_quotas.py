"""Quotas say how much of what they limit is taken. What would go beyond one is refused elsewhere: engine/admission/quotas.py.

Source: Kubernetes' resource quota controller.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import Update
from shipslog.store.objects.types.core_v1 import ResourceQuota, ResourceQuotaStatus
from shipslog.store.objects.values.scalars import Quantity
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.view import View

from .quota_usage import TAKEN, overdue_at, resource_of, used


def _of_its_namespace(view: View, obj: Any) -> Iterable[str]:
    """The quotas that may be about an object."""
    namespace = obj.metadata.namespace
    return [key_of(quota) for quota in view.list(ResourceQuota, namespace)] if namespace else ()


WAKES = rule(ResourceQuota).watches_every_kind(to=_of_its_namespace, by=lambda obj: obj.metadata.namespace)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    namespace, _, name = key.partition("/")
    quota = view.get(ResourceQuota, name, namespace)
    if quota is None:
        return Decision(reason="it is not there")
    again = _again_s(view, quota, now)
    taken: dict[str, Quantity] = {name: amount.text for name, amount in used(view, quota, now=now).items()}
    status = ResourceQuotaStatus(hard=dict(quota.spec.hard), used=taken)
    if status == quota.status:
        return Decision(reason="its status says what is taken", requeue_after=again)
    update = Update(object=replace(quota, status=status), subresource="status")
    return Decision(reason="other amounts are taken than its status says", commands=(update,), requeue_after=again)


def _again_s(view: View, quota: ResourceQuota, now: Instant) -> float | None:
    """How long until a pod that is kept beyond its time takes nothing any more."""
    if not any(resource_of(name) == "pods" for name in quota.spec.hard):
        return None
    pods = view.projected(TAKEN).namespaces.get(quota.metadata.namespace)
    ends = [overdue_at(pod) for pod in pods.going.values()] if pods is not None else []
    waits = [at - now for at in ends if at >= now]
    return (min(waits) + 1) / SECOND_NS if waits else None


RECONCILER = Reconciler(name="resource-quotas", actor="system:controller:resourcequota-controller", wakes=WAKES, decide=decide)
