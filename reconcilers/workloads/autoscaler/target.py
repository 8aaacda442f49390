"""What an autoscaler scales: its replicas, the pods of its selector, and the change of the one number.

Tests: tests/reconcilers/workloads/autoscaler/test_controller.py
"""

from typing import Any

import msgspec
from msgspec import Struct

from shipslog.store.commands import Patch
from shipslog.store.objects import selector
from shipslog.store.objects.patch import MERGE_PATCH
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.selector import Selector
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.autoscaling_v2 import CrossVersionObjectReference, HorizontalPodAutoscaler
from shipslog.store.view import View


class Target(Struct, frozen=True):
    """Something with a scale."""

    kind: Kind
    obj: Any
    replicas: int  # that are wanted
    found: int  # that there are
    selector: Selector | None  # None where it does not say which its pods are

    def scaled(self, replicas: int) -> Patch:
        """Have it want so many."""
        change: Any = replicas
        for name in reversed(self._path):
            change = {name: change}
        meta = self.obj.metadata
        return Patch(
            resource=self.kind.resource, namespace=meta.namespace, name=meta.name, media_type=MERGE_PATCH,
            body=msgspec.json.encode(change), subresource="scale",
        )  # fmt: skip

    @property
    def _path(self) -> list[str]:
        definition = self.kind.definition
        return ["spec", "replicas"] if definition is None else _names(definition.scale.spec_replicas_path)

    def pods(self, view: View) -> list[core_v1.Pod]:
        """The pods that are its own by its selector, by name."""
        if self.selector is None:
            return []
        found = view.select(core_v1.Pod, self.obj.metadata.namespace, self.selector.exact)
        return [pod for pod in found if self.selector.matches(pod.metadata.labels)]


class NoTarget(Exception):
    """Nothing that could be scaled; the message is for the autoscaler's condition."""


def target_of(view: View, autoscaler: HorizontalPodAutoscaler) -> Target:
    """Errors: NoTarget."""
    ref, namespace = autoscaler.spec.scale_target_ref, autoscaler.metadata.namespace
    kind = _kind(view, ref)
    entry = view.entry(kind.resource, ref.name, namespace)
    if entry is None:
        raise NoTarget(f'{kind.resource} "{ref.name}" not found')
    obj = entry.object
    if kind.definition is None:
        return Target(kind, obj, obj.spec.replicas or 0, obj.status.replicas, selector_of(obj) if obj.spec.selector else None)
    paths = kind.definition.scale
    wanted, there = value_at(obj.rest, paths.spec_replicas_path), value_at(obj.rest, paths.status_replicas_path)
    text = value_at(obj.rest, paths.label_selector_path) if paths.label_selector_path else None
    if not isinstance(wanted, int):
        raise NoTarget(f'the spec replicas field "{paths.spec_replicas_path}" does not exist')
    parsed = selector.parse_labels(text) if isinstance(text, str) and text else None
    return Target(kind, obj, wanted, there if isinstance(there, int) else 0, parsed)


def selector_of(obj: Any) -> Selector:
    """That of what has replicas and is no custom object."""
    chosen = obj.spec.selector
    return selector.of_labels(chosen) if isinstance(chosen, dict) else selector.of_label_selector(chosen)


def _kind(view: View, ref: CrossVersionObjectReference) -> Kind:
    """Of the group that is named, whatever the version. Errors: NoTarget."""
    group = ref.api_version.rpartition("/")[0]
    kind = view.scheme.by_gvk(ref.api_version, ref.kind)
    if kind is None:
        kind = next((kind for kind in view.scheme.kinds() if (kind.group, kind.kind) == (group, ref.kind)), None)
    if kind is None:
        raise NoTarget(f'no matches for kind "{ref.kind}" in group "{group}"')
    stored = view.scheme.by_resource(kind.resource)
    has = "scale" in stored.subresources if stored.definition is None else stored.definition.scale is not None
    if not has:
        raise NoTarget(f"{stored.resource} cannot be scaled")
    return stored


def _names(path: str) -> list[str]:
    """`.spec.replicas`: the plain names of a path."""
    return [name for name in path.split(".") if name]


def value_at(value: Any, path: str) -> Any:
    """What stands at a path of plain names; None where nothing does."""
    for name in _names(path):
        value = value.get(name) if isinstance(value, dict) else None
    return value
