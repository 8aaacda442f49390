"""Pods that a client of earlier years sends back without what it does not know: with a new label, a volume has lost its source.

Kubernetes takes that for a change of the spec, and refuses it. With `--serve-old-clients` what was lost is put back.

Tests: tests/engine/api/test_old_clients.py
"""

from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from shipslog.store.objects.types.core_v1 import EmptyDirVolumeSource, Pod, Volume
from shipslog.store.objects.values.scalars import as_json


def restored(old: Pod, new: Pod) -> Pod:
    """The new pod with the projected volumes of the old one, where it has those less what its client does not know."""
    had = {volume.name: volume for volume in old.spec.volumes if volume.projected is not None}
    volumes = tuple(had[v.name] if v.name in had and _is_less(v, had[v.name]) else v for v in new.spec.volumes)
    return new if volumes == new.spec.volumes else replace(new, spec=replace(new.spec, volumes=volumes))


def _is_less(new: Volume, old: Volume) -> bool:
    if new.projected is None:  # an emptied volume is one that is empty at its start
        return new in (Volume(name=new.name), Volume(name=new.name, empty_dir=EmptyDirVolumeSource()))
    return _within(to_builtins(new.projected, enc_hook=as_json), to_builtins(old.projected, enc_hook=as_json))


def _within(new: Any, old: Any) -> bool:
    """Whether all that one says the other says too, each item of a list at its place."""
    if isinstance(new, dict) and isinstance(old, dict):
        return all(not value or _within(value, old.get(key)) for key, value in new.items())
    if isinstance(new, list | tuple) and isinstance(old, list | tuple):
        return len(new) == len(old) and all(map(_within, new, old))
    return bool(new == old)
