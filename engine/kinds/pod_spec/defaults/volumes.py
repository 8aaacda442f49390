"""Defaults of a pod's volumes: an empty directory for no source at all, file modes, downward API versions.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.types.core_v1 import (
    ConfigMapProjection,
    DownwardAPIProjection,
    DownwardAPIVolumeFile,
    EmptyDirVolumeSource,
    KeyToPath,
    ObjectFieldSelector,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    Volume,
    VolumeProjection,
)

from .pull_policy import pull_policy

FILE_MODE = 0o644
TOKEN_LIFE_S = 3600
API_TOKEN_LIFE_S = 3607
# What a pod gets to speak with the API: a token, the authority to check the server by, its own namespace.
API_ACCESS = (
    VolumeProjection(service_account_token=ServiceAccountTokenProjection(expiration_seconds=API_TOKEN_LIFE_S, path="token")),
    VolumeProjection(config_map=ConfigMapProjection(name="kube-root-ca.crt", items=(KeyToPath(key="ca.crt", path="ca.crt"),))),
    VolumeProjection(
        downward_api=DownwardAPIProjection(
            items=(
                DownwardAPIVolumeFile(
                    path="namespace", field_ref=ObjectFieldSelector(api_version="v1", field_path="metadata.namespace")
                ),
            )
        )
    ),
)
SOURCES = tuple(name for name in Volume.__struct_fields__ if name != "name")
# Plain defaults of the other sources: source, field, value where the field says nothing.
PLAIN: dict[str, dict[str, Any]] = {
    "secret": {"default_mode": FILE_MODE},
    "config_map": {"default_mode": FILE_MODE},
    "host_path": {"type": ""},
    "iscsi": {"iscsi_interface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azure_disk": {"caching_mode": "ReadWrite", "kind": "Shared", "fs_type": "ext4", "read_only": False},
    "scale_io": {"storage_mode": "ThinProvisioned", "fs_type": "xfs"},
}


def default_volumes(volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
    return tuple([default_volume(v) for v in volumes])


def default_volume(volume: Volume) -> Volume:
    changes: dict[str, Any] = {}
    empty = True
    for name in SOURCES:
        source = getattr(volume, name)
        if source is None:
            continue
        empty = False
        defaulted = default_source(name, source)
        if defaulted is not source:
            changes[name] = defaulted
    if empty:
        changes["empty_dir"] = EmptyDirVolumeSource()
    return replace(volume, **changes) if changes else volume


def default_source(name: str, source: Any) -> Any:
    if name in PLAIN:
        return fill(source, PLAIN[name])
    match name:
        case "projected":
            return _default_projected(source)
        case "downward_api":
            source = fill(source, {"default_mode": FILE_MODE})
            return replace(source, items=default_files(source.items)) if source.items else source
        case "image":
            return source if source.pull_policy else replace(source, pull_policy=pull_policy(source.reference))
        case "ephemeral" if source.volume_claim_template is not None:
            template = source.volume_claim_template
            spec = fill(template.spec, {"volume_mode": "Filesystem"})
            return replace(source, volume_claim_template=replace(template, spec=spec))
    return source


def fill(obj: Any, values: dict[str, Any]) -> Any:
    """The object with each of these fields that is unset (None, or the empty text) set."""
    changes = {field: value for field, value in values.items() if getattr(obj, field) in (None, "") and value is not None}
    changes = {field: value for field, value in changes.items() if getattr(obj, field) != value}
    return replace(obj, **changes) if changes else obj


def _default_projected(source: ProjectedVolumeSource) -> ProjectedVolumeSource:
    sources = tuple([_default_projection(p) for p in source.sources])
    mode = FILE_MODE if source.default_mode is None else source.default_mode
    return replace(source, sources=sources, default_mode=mode)


def _default_projection(projection: VolumeProjection) -> VolumeProjection:
    token, downward = projection.service_account_token, projection.downward_api
    if token is not None and token.expiration_seconds is None:
        projection = replace(projection, service_account_token=replace(token, expiration_seconds=TOKEN_LIFE_S))
    if downward is not None and downward.items:
        projection = replace(projection, downward_api=replace(downward, items=default_files(downward.items)))
    return projection


def default_files(files: tuple[DownwardAPIVolumeFile, ...]) -> tuple[DownwardAPIVolumeFile, ...]:
    out = []
    for file in files:
        if file.field_ref is not None and not file.field_ref.api_version:
            file = replace(file, field_ref=default_field_ref(file.field_ref))
        out.append(file)
    return tuple(out)


def default_field_ref(ref: ObjectFieldSelector) -> ObjectFieldSelector:
    return ref if ref.api_version else replace(ref, api_version="v1")
