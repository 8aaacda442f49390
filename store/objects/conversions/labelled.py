"""Workloads of extensions/v1beta1 and apps/v1beta1: who says neither selector nor labels means those of the template.

Source: pkg/apis/extensions/v1beta1 and pkg/apis/apps/v1beta1 (defaults) of Kubernetes 1.15.

Tests: tests/store/objects/conversions/test_older.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types.meta_v1 import LabelSelector

FIELDS: dict[str, str] = {}


def to_hub(obj: Any) -> Any:
    """A replica set as it is stored."""
    return labelled(obj)


def from_hub(obj: Any) -> Any:
    return obj


def labelled(obj: Any) -> Any:
    """The selector and the labels that it has where it says none."""
    template = obj.spec.template.metadata.labels
    if not template:
        return obj
    if obj.spec.selector is None:
        obj = replace(obj, spec=replace(obj.spec, selector=LabelSelector(match_labels=dict(template))))
    return obj if obj.metadata.labels else replace(obj, metadata=replace(obj.metadata, labels=dict(template)))


def annotated(obj: Any, key: str, value: str | None) -> Any:
    """The object with an annotation, or without it."""
    annotations = dict(obj.metadata.annotations)
    if value is None:
        annotations.pop(key, None)
    else:
        annotations[key] = value
    if annotations == dict(obj.metadata.annotations):
        return obj
    return replace(obj, metadata=replace(obj.metadata, annotations=annotations))
