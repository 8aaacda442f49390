"""A pod's volumes, rendered: directories of the node, and content put together from objects."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from shipslog.runtime.commands import Device, FileContent, Mount, TokenRequest, VolumeSource
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.volume_claims import claim_of

from .bound_pod import AnyContainer, BoundPod
from .environment import config_map_data, secret_data
from .expansion import PATH_BYTES, Room, expanded, references
from .fields import ConfigError, field_value, resource_value
from .remote_volumes import inline, remote, token_request
from .resources import huge_pages, pod_limits
from .security import common_user
from .trust_anchors import trust_anchors
from .volume_claims import claimed

DEFAULT_MODE = 0o644
HUGE = "HugePages"
TOKEN_MODE = 0o600  # the group's bits come with the group
RECURSIVE: Mapping[str, Literal["IfPossible", "Enabled"]] = {"IfPossible": "IfPossible", "Enabled": "Enabled"}
CONTENT_BYTES = 64 * 1024 * 1024  # of all files of a pod's volumes: one config map can be shown any number of times


def volumes(pod: BoundPod) -> tuple[VolumeSource, ...]:
    """All of them, as RunPodSandbox wants them. Errors: ConfigError when one cannot be made (yet)."""
    rendered = []
    content = Content()
    for volume in pod.spec.volumes:
        try:
            rendered.append(_render(pod, volume, content))
        except ConfigError as error:
            raise ConfigError(f'MountVolume.SetUp failed for volume "{volume.name}" : {error}') from error
    return tuple(rendered)


class Content:
    """Counts the files of one pod."""

    def __init__(self) -> None:
        self.size_bytes = 0

    def counted(self, files: Iterator[FileContent]) -> Iterator[FileContent]:
        """The same files. Errors: ConfigError when the pod's volumes come to hold too much."""
        for file in files:
            self.size_bytes += len(file.data)
            if self.size_bytes > CONTENT_BYTES:
                raise ConfigError(f"the files of the pod's volumes would be over {CONTENT_BYTES >> 20} MiB together")
            yield file


def _render(pod: BoundPod, volume: core_v1.Volume, content: Content) -> VolumeSource:
    if volume.empty_dir is not None or volume == core_v1.Volume(name=volume.name):
        source = volume.empty_dir or core_v1.EmptyDirVolumeSource()
        limit = quantity.value(source.size_limit) if source.size_limit is not None else 0
        medium = source.medium if source.medium != HUGE else f"{HUGE}-{_page_size(pod.spec)}"
        if medium not in ("", "Memory") and not medium.startswith(HUGE):
            raise ConfigError(f'unknown storage medium "{medium}"')
        if medium == "Memory":
            limit = _memory_bytes(pod, limit)
        return VolumeSource(name=volume.name, kind="emptyDir", medium=medium, size_limit_bytes=limit)
    if volume.host_path is not None:
        return VolumeSource(
            name=volume.name, kind="hostPath", host_path=volume.host_path.path, host_path_type=volume.host_path.type or ""
        )
    if volume.image is not None:
        return VolumeSource(name=volume.name, kind="image", image=volume.image.reference, read_only=True)
    if claim_of(pod.pod, volume):
        return claimed(pod, volume)
    if volume.csi is not None:
        return inline(pod, volume)
    if (elsewhere := remote(pod, volume)) is not None:
        return elsewhere
    files, tokens, secret = _content(pod, volume, content)
    return VolumeSource(
        name=volume.name, kind="files", files=files, token_requests=tokens, in_memory=secret or bool(tokens), read_only=True
    )


def _memory_bytes(pod: BoundPod, limit: int) -> int:
    """How large a volume in memory may be: no larger than what the pod may use, nor than the node has. Source: the kubelet's
    SizeMemoryBackedVolumes."""
    node = pod.view.get(core_v1.Node, pod.node)
    allocatable = node.status.allocatable.get("memory", 0) if node is not None else 0
    bounds = (limit, pod_limits(pod.spec)[1], quantity.value(allocatable))
    return min((bound for bound in bounds if bound > 0), default=0)


def _page_size(spec: core_v1.PodSpec) -> str:
    """The size of the huge pages that the pod's containers ask for. Errors: ConfigError where that is not one size."""
    sizes = {size for container in (*spec.init_containers, *spec.containers) for size in huge_pages(container)}
    if len(sizes) != 1:
        found = "none" if not sizes else ", ".join(sorted(sizes))
        raise ConfigError(f"medium {HUGE} wants containers that ask for huge pages of one size; they ask for: {found}")
    return sizes.pop()


def _content(
    pod: BoundPod, volume: core_v1.Volume, content: Content
) -> tuple[tuple[FileContent, ...], tuple[TokenRequest, ...], bool]:
    """The files, the tokens, and whether a secret is among them."""
    if volume.config_map is not None:
        c = volume.config_map
        return tuple(content.counted(_config_map(pod, c.name, c.items, bool(c.optional), _mode(c.default_mode)))), (), False
    if volume.secret is not None:
        s = volume.secret
        return tuple(content.counted(_secret(pod, s.secret_name, s.items, bool(s.optional), _mode(s.default_mode)))), (), True
    if volume.downward_api is not None:
        d = volume.downward_api
        return tuple(content.counted(_downward(pod, d.items, _mode(d.default_mode)))), (), False
    if volume.projected is not None:
        return _projected(pod, volume.projected, content)
    kind = next((f.encode_name for f in msgspec.structs.fields(volume) if f.name != "name" and getattr(volume, f.name)), "")
    raise ConfigError(f"volumes of kind {kind} are not supported on this node")


def _projected(
    pod: BoundPod, projected: core_v1.ProjectedVolumeSource, content: Content
) -> tuple[tuple[FileContent, ...], tuple[TokenRequest, ...], bool]:
    files: list[FileContent] = []
    tokens: list[TokenRequest] = []
    secret, mode = False, _mode(projected.default_mode)
    for source in projected.sources:
        if source.config_map is not None:
            shown = source.config_map
            files += content.counted(_config_map(pod, shown.name, shown.items, bool(shown.optional), mode))
        elif source.secret is not None:
            secret = True
            hidden = source.secret
            files += content.counted(_secret(pod, hidden.name, hidden.items, bool(hidden.optional), mode))
        elif source.downward_api is not None:
            files += content.counted(_downward(pod, source.downward_api.items, mode))
        elif source.service_account_token is not None:
            tokens.append(_token(pod, source.service_account_token, mode))
        elif source.cluster_trust_bundle is not None:
            files += content.counted(iter((_trusted(pod, source.cluster_trust_bundle, mode),)))
        else:
            raise ConfigError("podCertificate projections are not supported on this node")
    return tuple(files), tuple(tokens), secret


def _for_its_user(pod: BoundPod, mode: int) -> tuple[int | UnsetType, int]:
    """(user, mode) of a file for the one user that the pod's containers run as, and for the pod's group, alone; for all where
    there is neither."""
    security = pod.spec.security_context
    user = common_user(pod.pod)
    if user is not None or (security is not None and security.fs_group is not None):
        mode = TOKEN_MODE
    return UNSET if user is None else user, mode


def _trusted(pod: BoundPod, source: core_v1.ClusterTrustBundleProjection, mode: int) -> FileContent:
    user, mode = _for_its_user(pod, mode)
    return FileContent(path=source.path, data=trust_anchors(pod.view, source), mode=mode, user=user)


def _token(pod: BoundPod, source: core_v1.ServiceAccountTokenProjection, mode: int) -> TokenRequest:
    user, mode = _for_its_user(pod, mode)
    return token_request(pod, source.path, source.audience, source.expiration_seconds, mode, user)


def _config_map(
    pod: BoundPod, name: str, items: tuple[core_v1.KeyToPath, ...], optional: bool, mode: int
) -> Iterator[FileContent]:
    data = config_map_data(pod.view, pod.pod.metadata.namespace, name, optional)
    yield from _items(data or {}, items, optional, mode)


def _secret(pod: BoundPod, name: str, items: tuple[core_v1.KeyToPath, ...], optional: bool, mode: int) -> Iterator[FileContent]:
    data = secret_data(pod.view, pod.pod.metadata.namespace, name, optional)
    yield from _items(data or {}, items, optional, mode)


def _items(data: Mapping[str, bytes], items: tuple[core_v1.KeyToPath, ...], optional: bool, mode: int) -> Iterator[FileContent]:
    if not items:
        yield from (FileContent(path=key, data=value, mode=mode) for key, value in sorted(data.items()))
        return
    for item in items:
        if item.key in data:
            yield FileContent(path=item.path, data=data[item.key], mode=item.mode if item.mode is not None else mode)
        elif not optional:
            raise ConfigError(f"references non-existent config key: {item.key}")


def _downward(pod: BoundPod, items: tuple[core_v1.DownwardAPIVolumeFile, ...], mode: int) -> Iterator[FileContent]:
    for item in items:
        if item.field_ref is not None:
            text = field_value(pod, item.field_ref.field_path)
        elif item.resource_field_ref is not None:
            text = resource_value(pod, item.resource_field_ref, None)
        else:
            text = ""
        yield FileContent(path=item.path, data=text.encode(), mode=item.mode if item.mode is not None else mode)


def _mode(mode: int | None) -> int:
    return DEFAULT_MODE if mode is None else mode


def mounts(pod: core_v1.Pod, container: AnyContainer, env: Mapping[str, str]) -> tuple[Mount, ...]:
    """Where the container sees the pod's volumes. Errors: ConfigError for a volume that the pod has not."""
    known = {volume.name for volume in pod.spec.volumes}
    for mount in container.volume_mounts:
        if mount.name not in known:
            raise ConfigError(f'cannot find volume "{mount.name}" to mount into container "{container.name}"')
    return tuple(
        Mount(
            volume=mount.name,
            path=mount.mount_path,
            read_only=mount.read_only,
            propagation=mount.mount_propagation or "",
            recursive=RECURSIVE.get(mount.recursive_read_only or "", UNSET) if mount.read_only else UNSET,
            sub_path=_expanded(mount, env) if mount.sub_path_expr else mount.sub_path,
        )
        for mount in container.volume_mounts
    )


def devices(pod: core_v1.Pod, container: AnyContainer) -> tuple[Device, ...]:
    """The block devices that the container sees. Errors: ConfigError for one that is no claim's, as a kubelet's."""
    claims = {volume.name for volume in pod.spec.volumes if claim_of(pod, volume)}
    for device in container.volume_devices:
        if device.name not in claims:
            raise ConfigError(f'cannot find volume "{device.name}" to map into container "{container.name}"')
    return tuple(Device(volume=device.name, path=device.device_path) for device in container.volume_devices)


def _expanded(mount: core_v1.VolumeMount, env: Mapping[str, str]) -> str:
    """The path with its variables. Errors: ConfigError for one that the container has not, and for a path out of the volume."""
    missing = [name for name in references(mount.sub_path_expr) if name not in env]
    if missing:
        why = f'missing value for "{missing[0]}"'
        raise ConfigError(f"failed to expand subPathExpr of volumeMount {mount.name}: {why}")
    path = expanded(mount.sub_path_expr, env, Room(string_bytes=PATH_BYTES), f"subPathExpr of volumeMount {mount.name}")
    if path.startswith("/"):
        raise ConfigError(f"error SubPath `{path}` must not be an absolute path")
    if ".." in path.split("/"):
        raise ConfigError(f"unable to provision SubPath `{path}`: must not contain '..'")
    return path
