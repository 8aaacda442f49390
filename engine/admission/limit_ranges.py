"""Limit ranges of a namespace: what containers get that say nothing, and how much pods, containers and claims may ask for.

Source: the LimitRanger admission plugin.

Tests: tests/engine/admission/test_limit_ranges.py
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.reconcilers.cluster.quota_usage import Amount, Amounts, amount, limits, requests, total
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import Container, LimitRange, LimitRangeItem, Pod
from shipslog.store.objects.values import quantity

ANNOTATION = "kubernetes.io/limit-ranger"
POD, CONTAINER, CLAIM = "Pod", "Container", "PersistentVolumeClaim"
LIMITED = ("pods", "persistentvolumeclaims")


def with_limits(kind: Kind, obj: Any, ctx: Admission) -> Any:
    """A new pod with what its containers get that say nothing, and an annotation that tells of it; else the object as it is."""
    if kind.resource != "pods":
        return obj
    for limit_range in ctx.view.list(LimitRange, obj.metadata.namespace):
        obj = _filled_in(obj, limit_range)
    return obj


def _filled_in(pod: Pod, limit_range: LimitRange) -> Pod:
    asked: dict[str, Any] = {}
    most: dict[str, Any] = {}
    for item in limit_range.spec.limits:
        if item.type == CONTAINER:
            asked |= item.default_request
            most |= item.default
    filled: list[str] = []
    containers = tuple(_filled(c, asked, most, "container", filled) for c in pod.spec.containers)
    initial = tuple(_filled(c, asked, most, "init container", filled) for c in pod.spec.init_containers)
    if not filled:
        return pod
    annotations = {**pod.metadata.annotations, ANNOTATION: f"LimitRanger plugin set: {'; '.join(filled)}"}
    spec = replace(pod.spec, containers=containers, init_containers=initial)
    return replace(pod, metadata=replace(pod.metadata, annotations=annotations), spec=spec)


def _filled(container: Container, asked: Mapping[str, Any], most: Mapping[str, Any], what: str, filled: list[str]) -> Container:
    had = container.resources
    for part, there, given in (("request", had.requests, asked), ("limit", had.limits, most)):
        if missing := sorted(name for name in given if name not in there):
            filled.append(f"{', '.join(missing)} {part} for {what} {container.name}")
    made = replace(had, requests={**asked, **had.requests}, limits={**most, **had.limits})
    return container if made == had else replace(container, resources=made)


def check_limits(kind: Kind, obj: Any, ctx: Admission) -> None:
    """Errors: Forbidden, with all that goes beyond the limits of its namespace."""
    if kind.resource not in LIMITED:
        return
    check = _wrong_with_pod if kind.resource == "pods" else _wrong_with_claim
    for limit_range in ctx.view.list(LimitRange, obj.metadata.namespace):
        wrong = [fault for item in limit_range.spec.limits for fault in check(item, obj)]
        if wrong:
            why = wrong[0] if len(wrong) == 1 else f"[{', '.join(dict.fromkeys(wrong))}]"
            raise forbidden(kind, obj.metadata.name, why)


def _wrong_with_pod(item: LimitRangeItem, pod: Pod) -> Iterator[str]:
    if item.type == CONTAINER:
        for container in (*pod.spec.containers, *pod.spec.init_containers):
            resources = container.resources
            asked = {name: amount(value) for name, value in resources.requests.items()}
            most = {name: amount(value) for name, value in resources.limits.items()}
            yield from _wrong(item, asked, most)
    elif item.type == POD:
        yield from _wrong(item, total(pod.spec, requests), total(pod.spec, limits))


def _wrong(item: LimitRangeItem, asked: Amounts, most: Amounts) -> Iterator[str]:
    for name, least in item.min.items():
        yield from _below(item.type, name, least, asked.get(name), most.get(name))
    for name, largest in item.max.items():
        yield from _above(item.type, name, largest, asked.get(name), most.get(name))
    for name, ratio in item.max_limit_request_ratio.items():
        yield from _beyond_ratio(item.type, name, ratio, asked.get(name), most.get(name))


def _below(what: str, name: str, least: Any, asked: Amount | None, most: Amount | None) -> Iterator[str]:
    says, bound = f"minimum {name} usage per {what} is {least}", quantity.nanos(least)
    if asked is None:
        yield f"{says}.  No request is specified"
    elif asked.nanos < bound:
        yield f"{says}, but request is {asked.text}"
    elif most is not None and most.nanos < bound:
        yield f"{says}, but limit is {most.text}"


def _above(what: str, name: str, largest: Any, asked: Amount | None, most: Amount | None) -> Iterator[str]:
    says, bound = f"maximum {name} usage per {what} is {largest}", quantity.nanos(largest)
    if most is None:
        yield f"{says}.  No limit is specified"
    elif most.nanos > bound:
        yield f"{says}, but limit is {most.text}"
    elif asked is not None and asked.nanos > bound:
        yield f"{says}, but request is {asked.text}"


def _beyond_ratio(what: str, name: str, ratio: Any, asked: Amount | None, most: Amount | None) -> Iterator[str]:
    says = f"{name} max limit to request ratio per {what} is {ratio}"
    if asked is None or not asked.nanos:
        yield f"{says}, but no request is specified or request is 0"
    elif most is None or not most.nanos:
        yield f"{says}, but no limit is specified or limit is 0"
    elif most.nanos * quantity.NANO > asked.nanos * quantity.nanos(ratio):
        yield f"{says}, but provided ratio is {most.nanos / asked.nanos:f}"


def _wrong_with_claim(item: LimitRangeItem, claim: Any) -> Iterator[str]:
    if item.type != CLAIM:
        return
    asked = claim.spec.resources.requests
    bounds: tuple[tuple[str, Mapping[str, Any], Callable[[int, int], bool]], ...] = (
        ("minimum", item.min, int.__lt__),
        ("maximum", item.max, int.__gt__),
    )
    for word, amounts, is_wrong in bounds:
        for name, bound in amounts.items():
            says = f"{word} {name} usage per {CLAIM} is {bound}"
            if name not in asked:
                yield f"{says}.  No request is specified"
            elif is_wrong(quantity.nanos(asked[name]), quantity.nanos(bound)):
                yield f"{says}, but request is {asked[name]}"
