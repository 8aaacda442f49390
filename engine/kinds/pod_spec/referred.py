"""What a pod's spec refers to by name: the Secrets and ConfigMaps that its node must be able to read.

Tests: tests/engine/auth/test_node_authority.py
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from shipslog.store.objects.types import core_v1

# A LocalObjectReference in a pod's spec always names a Secret: what pulls its images, and what its volumes are opened with.
NAMES: dict[type[Any], tuple[str, str]] = {
    core_v1.LocalObjectReference: ("secrets", "name"),
    core_v1.SecretEnvSource: ("secrets", "name"),
    core_v1.SecretKeySelector: ("secrets", "name"),
    core_v1.SecretProjection: ("secrets", "name"),
    core_v1.SecretVolumeSource: ("secrets", "secret_name"),
    core_v1.AzureFileVolumeSource: ("secrets", "secret_name"),
    core_v1.ConfigMapEnvSource: ("configmaps", "name"),
    core_v1.ConfigMapKeySelector: ("configmaps", "name"),
    core_v1.ConfigMapProjection: ("configmaps", "name"),
    core_v1.ConfigMapVolumeSource: ("configmaps", "name"),
}


def referred(spec: core_v1.PodSpec) -> frozenset[tuple[str, str]]:
    """(resource, name) of each."""
    return frozenset(_of(spec))


def _of(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, tuple):
        for item in value:
            yield from _of(item)
    elif isinstance(value, Struct):
        if (known := NAMES.get(type(value))) is not None:
            yield known[0], getattr(value, known[1])
        for name in value.__struct_fields__:
            yield from _of(getattr(value, name))
