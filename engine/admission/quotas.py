"""Quotas of a namespace: what an object would take beyond one is refused.

It is counted against what is there at the command's turn, so two that come at once cannot both have the last of something. What
a quota's status says is the rule's (reconcilers/cluster/resource_quotas.py), and nobody waits for it.

Source: the ResourceQuota admission plugin.

Tests: tests/engine/admission/test_quotas.py
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.reconcilers.cluster.quota_usage import NOTHING, TO_BE_SPECIFIED, Amount, amount, concerned, prefixed, usage, used
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Pod, ResourceQuota, ResourceRequirements
from shipslog.store.objects.values import quantity

UNCOUNTED = ("events",)
GROW = {"pods": "resize", "services": "", "persistentvolumeclaims": ""}  # what may take more when it changes, and by which part


def check_quotas(kind: Kind, old: Any, new: Any, subresource: str, ctx: Admission) -> None:
    """`old`: as it was; None for what is made. Errors: Forbidden."""
    resource, namespace = kind.resource, new.metadata.namespace
    if resource in UNCOUNTED or not namespace or (old is not None and GROW.get(resource) != subresource):
        return
    for quota in ctx.view.list(ResourceQuota, namespace):
        if concerned(quota, resource, new):
            _check(kind, old, new, quota, ctx)


def _check(kind: Kind, old: Any, new: Any, quota: ResourceQuota, ctx: Admission) -> None:
    resource, hard = kind.resource, quota.spec.hard
    if resource == "pods" and old is None and (missing := _unspecified(new, TO_BE_SPECIFIED & hard.keys())):
        raise forbidden(kind, new.metadata.name, f"failed quota: {quota.metadata.name}: must specify {missing}")
    wanted = {name: value for name, value in usage(resource, new, now=ctx.now_ns).items() if name in hard}
    if old is not None and concerned(quota, resource, old):
        before = usage(resource, old, now=ctx.now_ns)
        wanted = {name: Amount(value.nanos - before.get(name, NOTHING).nanos, value.binary) for name, value in wanted.items()}
    wanted = {name: value for name, value in wanted.items() if value.nanos > 0}
    if not wanted:
        return
    there = used(ctx.view, quota, now=ctx.now_ns)
    beyond = sorted(name for name, value in wanted.items() if there[name].nanos + value.nanos > quantity.nanos(hard[name]))
    if beyond:
        limited = {name: amount(hard[name]) for name in beyond}
        amounts = (
            f"requested: {_printed(wanted, beyond)}, used: {_printed(there, beyond)}, limited: {_printed(limited, beyond)}"
        )
        raise forbidden(kind, new.metadata.name, f"exceeded quota: {quota.metadata.name}, {amounts}")


def _unspecified(pod: Pod, names: Iterable[str]) -> str:
    """What neither containers say of what they have to, nor the pod for all: `limits.memory for: c; requests.cpu for: c,d`."""
    whole, unspecified = pod.spec.resources or ResourceRequirements(), []
    for name in sorted(set(names) - prefixed(whole.requests, whole.limits).keys()):
        silent = [
            container.name
            for container in (*pod.spec.containers, *pod.spec.init_containers)
            if name not in prefixed(container.resources.requests, container.resources.limits)
        ]
        if silent:
            unspecified.append(f"{name} for: {','.join(sorted(silent))}")
    return "; ".join(unspecified)


def _printed(amounts: Mapping[str, Amount], names: Iterable[str]) -> str:
    return ",".join(f"{name}={amounts[name].text}" for name in names)
