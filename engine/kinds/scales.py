"""The scale of an object with replicas, whatever its kind: autoscaling/v1 Scale. How it is asked for is the API's.

Tests: tests/engine/api/subresource/test_subresources.py
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shipslog.store.objects import selector
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import autoscaling_v1
from shipslog.store.refusals import Unexpected

from .custom import json_paths


def scale_of(kind: Kind, obj: Any) -> autoscaling_v1.Scale:
    """The Scale of an object with replicas. Errors: Unexpected, a 500 as in Kubernetes, for one that says of none."""
    meta = obj.metadata
    wanted, found, text = _custom(kind, obj) if kind.definition is not None else _builtin(obj)
    metadata = replace(
        meta, generate_name="", generation=0, labels={}, annotations={}, owner_references=(), finalizers=(), managed_fields=()
    )
    return autoscaling_v1.Scale(
        metadata=metadata, spec=autoscaling_v1.ScaleSpec(replicas=wanted),
        status=autoscaling_v1.ScaleStatus(replicas=found, selector=text)
    )  # fmt: skip


def _builtin(obj: Any) -> tuple[int, int, str]:
    """The replicas that are wanted, those that there are, and their selector."""
    chosen = obj.spec.selector
    text = (
        ",".join(f"{k}={v}" for k, v in sorted(chosen.items()))
        if isinstance(chosen, dict)
        else str(selector.of_label_selector(chosen))
    )
    return obj.spec.replicas or 0, obj.status.replicas, text


def _custom(kind: Kind, obj: Any) -> tuple[int, int, str]:
    """The same of an object whose definition says where they stand."""
    paths = kind.definition.scale
    wanted, found = _at(obj, paths.spec_replicas_path), _at(obj, paths.status_replicas_path)
    text = _at(obj, paths.label_selector_path) if paths.label_selector_path else None
    if not isinstance(wanted, int):
        raise Unexpected(f'the spec replicas field "{paths.spec_replicas_path}" does not exist')
    return wanted, found if isinstance(found, int) else 0, text if isinstance(text, str) else ""


def _at(obj: Any, path: str) -> Any:
    found = json_paths.values(path, obj.rest)
    return found[0] if found else None


def with_replicas(kind: Kind, obj: Any, replicas: int) -> Any:
    """The object with so many replicas wanted."""
    if kind.definition is None:
        return replace(obj, spec=replace(obj.spec, replicas=replicas))
    names = json_paths.plain(kind.definition.scale.spec_replicas_path) or ()
    return replace(obj, rest=_put(obj.rest, names, replicas))


def _put(held: Any, names: tuple[str, ...], value: int) -> Any:
    if not names:
        return value
    members: Mapping[str, Any] = held if isinstance(held, Mapping) else {}
    return {**members, names[0]: _put(members.get(names[0]), names[1:], value)}
