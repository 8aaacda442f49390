"""Containers of every sort: regular, init, ephemeral; ports, environment, mounts, what each sort may have.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from collections.abc import Collection, Mapping
from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.core_v1 import (
    Container,
    ContainerPort,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    EphemeralContainer,
    FileKeySelector,
    PodSpec,
    Volume,
    VolumeDevice,
    VolumeMount,
)

from .probes import check_lifecycle, check_probe
from .references import ENV_FIELDS, check_field_ref, check_key_ref, check_resource_ref
from .resources import check_requirements
from .restart import check_restart
from .security import check_security_context
from .volumes import check_local_path

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")
RESIZE_POLICIES = ("NotRequired", "RestartContainer")
SIDECAR_ONLY = "may not be set for init containers without restartPolicy=Always"
EPHEMERAL_NEVER = (
    ("ports", "ports"),
    ("resources", "resources"),
    ("resize_policy", "resizePolicy"),
    ("restart_policy", "restartPolicy"),
    ("liveness_probe", "livenessProbe"),
    ("readiness_probe", "readinessProbe"),
    ("startup_probe", "startupProbe"),
    ("lifecycle", "lifecycle"),
)


class Setting:
    """What the containers of one pod are checked against."""

    __slots__ = ("claims", "grace_s", "host_users", "is_pod", "restart_policy", "volumes")

    def __init__(self, spec: PodSpec, volumes: Mapping[str, Volume], *, is_pod: bool) -> None:
        self.volumes, self.is_pod = volumes, is_pod
        self.claims: Collection[str] = {c.name for c in spec.resource_claims if c.name}
        self.grace_s, self.restart_policy = spec.termination_grace_period_seconds, spec.restart_policy
        self.host_users = spec.host_users is not False


def check_containers(faults: Faults, containers: tuple[Container, ...], setting: Setting, path: str) -> None:
    """The regular containers."""
    if not containers:
        faults.required(path)
        return
    seen: set[str] = set()
    host_ports: set[str] = set()
    for i, c in enumerate(containers):
        at = f"{path}[{i}]"
        _check_common(faults, c, setting, at)
        if c.name in seen:
            faults.duplicate(f"{at}.name", c.name)
        seen.add(c.name)
        _check_handlers(faults, c, setting, at)
        check_restart(faults, c, at)
        _check_host_ports(faults, c, host_ports, at)


def check_init_containers(
    faults: Faults, containers: tuple[Container, ...], regular: tuple[Container, ...], setting: Setting, path: str
) -> None:
    """Init containers, and those among them that stay (sidecars)."""
    seen = {c.name for c in regular}
    for i, c in enumerate(containers):
        at = f"{path}[{i}]"
        _check_common(faults, c, setting, at)
        check_restart(faults, c, at)
        if c.name in seen:
            faults.duplicate(f"{at}.name", c.name)
        elif c.name:
            seen.add(c.name)
        _check_host_ports(faults, c, set(), f"{path}[0]")  # one at a time: Kubernetes counts from 0 each time
        if c.restart_policy == "Always":
            _check_handlers(faults, c, setting, at)
        else:
            for name, handler in (
                ("lifecycle", c.lifecycle),
                ("livenessProbe", c.liveness_probe),
                ("readinessProbe", c.readiness_probe),
                ("startupProbe", c.startup_probe),
            ):
                if handler is not None:
                    faults.forbidden(f"{at}.{name}", SIDECAR_ONLY)
        if c.resize_policy:
            faults.invalid(f"{at}.resizePolicy", c.resize_policy, "must not be set for init containers")


def check_ephemeral_containers(faults: Faults, spec: PodSpec, setting: Setting, path: str) -> None:
    """Containers for a look inside: they have no ports, probes, hooks or resources."""
    others = {c.name for c in (*spec.containers, *spec.init_containers)}
    seen = set(others)
    for i, c in enumerate(spec.ephemeral_containers):
        at = f"{path}[{i}]"
        _check_common(faults, c, setting, at)
        if not setting.is_pod:
            check_image_space(faults, c.image, at)
        if c.name in seen:
            faults.duplicate(f"{at}.name", c.name)
        seen.add(c.name)
        if c.target_container_name and c.target_container_name not in others:
            faults.not_found(f"{at}.targetContainerName", c.target_container_name)
        blank = EphemeralContainer()
        for attribute, name in EPHEMERAL_NEVER:
            if getattr(c, attribute) != getattr(blank, attribute):
                faults.forbidden(f"{at}.{name}", "cannot be set for an Ephemeral Container")
        for j, mount in enumerate(c.volume_mounts):
            for name, value in (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr)):
                if value:
                    faults.forbidden(f"{at}.volumeMounts[{j}].{name}", "cannot be set for an Ephemeral Container")


def check_image_space(faults: Faults, image: str, path: str) -> None:
    if image != image.strip():
        faults.invalid(f"{path}.image", image, "must not have leading or trailing whitespace")


def _check_handlers(faults: Faults, c: Container, setting: Setting, path: str) -> None:
    check_lifecycle(faults, c.lifecycle, f"{path}.lifecycle", setting.grace_s)
    check_probe(faults, c.liveness_probe, f"{path}.livenessProbe", once=True)
    check_probe(faults, c.readiness_probe, f"{path}.readinessProbe", once=False, grace=False)
    check_probe(faults, c.startup_probe, f"{path}.startupProbe", once=True)


def _check_common(faults: Faults, c: Container | EphemeralContainer, setting: Setting, path: str) -> None:
    if not c.name:
        faults.required(f"{path}.name")
    elif messages := names.label(c.name):
        faults.invalid_each(f"{path}.name", c.name, messages)
    if not c.image:
        faults.required(f"{path}.image")
    elif setting.is_pod:
        check_image_space(faults, c.image, path)
    if c.termination_message_policy not in MESSAGE_POLICIES:
        faults.not_supported(f"{path}.terminationMessagePolicy", c.termination_message_policy, MESSAGE_POLICIES)
    if c.image_pull_policy not in PULL_POLICIES:
        faults.not_supported(f"{path}.imagePullPolicy", c.image_pull_policy, PULL_POLICIES)
    if c.ports:
        _check_ports(faults, c.ports, f"{path}.ports")
    if c.env:
        _check_env(faults, c.env, setting.volumes, f"{path}.env")
    if c.env_from:
        _check_env_from(faults, c.env_from, f"{path}.envFrom")
    if c.volume_mounts:
        _check_mounts(faults, c, setting.volumes, f"{path}.volumeMounts")
    if c.volume_devices:
        _check_devices(faults, c.volume_devices, c.volume_mounts, setting.volumes, f"{path}.volumeDevices")
    if c.resources.limits or c.resources.requests or c.resources.claims:
        check_requirements(faults, c.resources, f"{path}.resources", setting.claims)
    if c.resize_policy:
        _check_resize(faults, c, setting.restart_policy, f"{path}.resizePolicy")
    if c.security_context is not None:
        at = f"{path}.securityContext"
        check_security_context(faults, c.security_context, at, host_users=setting.host_users)


def _check_ports(faults: Faults, ports: tuple[ContainerPort, ...], path: str) -> None:
    seen: set[str] = set()
    for i, p in enumerate(ports):
        if p.name:
            if messages := names.port_name(p.name):
                faults.invalid_each(f"{path}[{i}].name", p.name, messages)
            elif p.name in seen:
                faults.duplicate(f"{path}[{i}].name", p.name)
            seen.add(p.name)
        if not p.container_port:
            faults.required(f"{path}[{i}].containerPort")
        elif not 1 <= p.container_port <= 65535:
            faults.invalid(f"{path}[{i}].containerPort", p.container_port, names.PORT_RANGE)
        if p.host_port and not 1 <= p.host_port <= 65535:
            faults.invalid(f"{path}[{i}].hostPort", p.host_port, names.PORT_RANGE)
        if p.protocol not in PROTOCOLS:
            faults.not_supported(f"{path}[{i}].protocol", p.protocol, PROTOCOLS)


def _check_host_ports(faults: Faults, c: Container, taken: set[str], path: str) -> None:
    for i, p in enumerate(c.ports):
        if not p.host_port:
            continue
        key = f"{p.protocol}/{p.host_ip}/{p.host_port}"
        if key in taken:
            faults.duplicate(f"{path}.ports[{i}].hostPort", key)
        taken.add(key)


def _check_env(faults: Faults, env: tuple[EnvVar, ...], volumes: Mapping[str, Volume], path: str) -> None:
    for i, e in enumerate(env):
        if not e.name:
            faults.required(f"{path}[{i}].name")
        elif messages := names.env_name(e.name):
            faults.invalid_each(f"{path}[{i}].name", e.name, messages)
        if e.value_from is not None:
            _check_env_source(faults, e.value_from, e.value, volumes, f"{path}[{i}].valueFrom")


def _check_env_source(faults: Faults, source: EnvVarSource, value: str, volumes: Mapping[str, Volume], path: str) -> None:
    count = 0
    if source.field_ref is not None:
        count += 1
        check_field_ref(faults, source.field_ref, ENV_FIELDS, f"{path}.fieldRef")
    if source.resource_field_ref is not None:
        count += 1
        check_resource_ref(faults, source.resource_field_ref, f"{path}.resourceFieldRef", volume=False)
    if source.config_map_key_ref is not None:
        count += 1
        check_key_ref(faults, source.config_map_key_ref, f"{path}.configMapKeyRef")
    if source.secret_key_ref is not None:
        count += 1
        check_key_ref(faults, source.secret_key_ref, f"{path}.secretKeyRef")
    if source.file_key_ref is not None:
        count += 1
        _check_file_ref(faults, source.file_key_ref, volumes, f"{path}.fileKeyRef")
    if not count:
        why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        faults.invalid(path, "", why)
    elif value:
        faults.invalid(path, "", "may not be specified when `value` is not empty")
    elif count > 1:
        faults.invalid(path, "", "may not have more than one field specified at a time")


def _check_file_ref(faults: Faults, ref: FileKeySelector, volumes: Mapping[str, Volume], path: str) -> None:
    """One key of a file in an emptyDir of the pod."""
    if not ref.key:
        faults.required(f"{path}.key")
    else:
        faults.invalid_each(f"{path}.key", ref.key, names.env_name(ref.key))
    if not ref.volume_name:
        faults.required(f"{path}.volumeName")
    elif (volume := volumes.get(ref.volume_name)) is None:
        faults.not_found(f"{path}.volumeName", ref.volume_name)
    elif volume.empty_dir is None:
        faults.invalid(f"{path}.volumeName", ref.volume_name, "referenced volume must be of type emptyDir")
    if not ref.path:
        faults.required(f"{path}.path")
    else:
        check_local_path(faults, ref.path, f"{path}.path")


def _check_env_from(faults: Faults, sources: tuple[EnvFromSource, ...], path: str) -> None:
    for i, source in enumerate(sources):
        if source.prefix:
            faults.invalid_each(f"{path}[{i}].prefix", source.prefix, names.env_name(source.prefix))
        parts: tuple[tuple[str, Any], ...] = (("configMapRef", source.config_map_ref), ("secretRef", source.secret_ref))
        for name, ref in parts:
            if ref is None:
                continue
            if not ref.name:
                faults.required(f"{path}[{i}].{name}.name")
            else:
                faults.invalid_each(f"{path}[{i}].{name}.name", ref.name, names.subdomain(names.as_prefix(ref.name)))
        count = sum(ref is not None for _, ref in parts)
        if not count:
            faults.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif count > 1:
            faults.invalid(path, "", "may not have more than one field specified at a time")


def _check_mounts(faults: Faults, c: Container | EphemeralContainer, volumes: Mapping[str, Volume], path: str) -> None:
    devices = {d.name: d.device_path for d in c.volume_devices}
    taken: set[str] = set()
    for i, mount in enumerate(c.volume_mounts):
        volume = volumes.get(mount.name)
        if not mount.name:
            faults.required(f"{path}[{i}].name")
        if volume is None:
            faults.not_found(f"{path}[{i}].name", mount.name)
        if not mount.mount_path:
            faults.required(f"{path}[{i}].mountPath")
        if mount.mount_path in taken:
            faults.invalid(f"{path}[{i}].mountPath", mount.mount_path, "must be unique")
        taken.add(mount.mount_path)
        if mount.name in devices:
            faults.invalid(f"{path}[{i}].name", mount.name, "must not already exist in volumeDevices")
        if mount.mount_path in devices.values():
            why = "must not already exist as a path in volumeDevices"
            faults.invalid(f"{path}[{i}].mountPath", mount.mount_path, why)
        if mount.sub_path or mount.sub_path_expr:
            _check_sub_paths(faults, mount, volume, path, i)
        if mount.mount_propagation is not None:
            _check_propagation(faults, mount.mount_propagation, c, f"{path}.mountPropagation")
        if mount.recursive_read_only is not None:
            _check_recursive(faults, mount, f"{path}.recursiveReadOnly")


def _check_sub_paths(faults: Faults, mount: VolumeMount, volume: Volume | None, path: str, i: int) -> None:
    """The path of what is wrong in a sub path has no index: Kubernetes' own."""
    parts = (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr))
    if mount.sub_path and mount.sub_path_expr:
        why = "subPathExpr and subPath are mutually exclusive"
        faults.invalid(f"{path}[{i}].subPathExpr", mount.sub_path_expr, why)
    for name, value in parts:
        if value:
            check_local_path(faults, value, f"{path}.{name}")


def _check_propagation(faults: Faults, mode: str, c: Container | EphemeralContainer, path: str) -> None:
    if mode not in PROPAGATIONS:
        faults.not_supported(path, mode, PROPAGATIONS)
    if mode == "Bidirectional" and not (c.security_context is not None and c.security_context.privileged):
        faults.forbidden(path, "Bidirectional mount propagation is available only to privileged containers")


def _check_recursive(faults: Faults, mount: VolumeMount, path: str) -> None:
    if mount.recursive_read_only not in RECURSIVE:
        faults.not_supported(path, mount.recursive_read_only, RECURSIVE)
    elif mount.recursive_read_only != "Disabled":
        if not mount.read_only:
            faults.forbidden(path, "may only be specified when readOnly is true")
        if mount.mount_propagation not in (None, "None"):
            faults.forbidden(path, "may only be specified when mountPropagation is None or not specified")


def _check_devices(
    faults: Faults, devices: tuple[VolumeDevice, ...], mounts: tuple[VolumeMount, ...], volumes: Mapping[str, Volume], path: str
) -> None:
    mounted = {m.name: m.mount_path for m in mounts}
    used_names: set[str] = set()
    paths: set[str] = set()
    for i, device in enumerate(devices):
        at, volume = f"{path}[{i}]", volumes.get(device.name)
        if not device.name:
            faults.required(f"{at}.name")
        if device.name in used_names:
            faults.invalid(f"{at}.name", device.name, "must be unique")
        if volume is None:
            faults.not_found(f"{at}.name", device.name)
        elif volume.persistent_volume_claim is None and volume.ephemeral is None:
            why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            faults.invalid(f"{at}.name", device.name, why)
        if not device.device_path:
            faults.required(f"{at}.devicePath")
        if device.device_path in paths:
            faults.invalid(f"{at}.devicePath", device.device_path, "must be unique")
        if ".." in device.device_path.split("/"):
            faults.invalid(f"{at}.devicePath", device.device_path, "can not contain backsteps ('..')")
        else:
            paths.add(device.device_path)
        if device.name in mounted:
            faults.invalid(f"{at}.name", device.name, "must not already exist in volumeMounts")
        if device.device_path in mounted.values():
            faults.invalid(f"{at}.devicePath", device.device_path, "must not already exist as a path in volumeMounts")
        if device.name:
            used_names.add(device.name)


def _check_resize(faults: Faults, c: Container | EphemeralContainer, restart_policy: str, path: str) -> None:
    seen: set[str] = set()
    for i, policy in enumerate(c.resize_policy):
        if policy.resource_name in seen:
            faults.duplicate(f"{path}[{i}]", policy.resource_name)
        seen.add(policy.resource_name)
        for value, known in ((policy.resource_name, ("cpu", "memory")), (policy.restart_policy, RESIZE_POLICIES)):
            if not value:
                faults.required(path)
            elif value not in known:
                faults.not_supported(path, value, known)
        if restart_policy == "Never" and policy.restart_policy != "NotRequired":
            faults.invalid(path, policy.restart_policy, "must be 'NotRequired' when `restartPolicy` is 'Never'")
