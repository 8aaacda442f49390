"""From our commands to the CRI's messages. Pure but for the host's resolver file, which pods without a cluster DNS get.

Tests: tests/runtime/containers/test_contract.py
"""

from pathlib import Path
from typing import Any

from shipslog.runtime.commands import Device, RunPodSandbox, StartContainer, VolumeSource
from shipslog.runtime.containers import env_files
from shipslog.runtime.containers.masked import MASKED, READ_ONLY
from shipslog.runtime.volumes.pod_volumes import remove_tree, source_path

from . import mounts, users
from .client import ATTEMPT, CONTAINER, NAMESPACE, POD_NAME, POD_UID
from .mounts import Abilities

SHARES_OF_A_CORE, PERIOD_US = 1024, 100_000
SUB_PATHS = "subpaths"
NOTHING = Abilities()


def sandbox(api: Any, request: RunPodSandbox, directory: Path, attempt: int) -> Any:
    """PodSandboxConfig. `directory` is the pod's."""
    protocols = {"tcp": 0, "udp": 1, "sctp": 2}
    config = api.PodSandboxConfig(
        metadata=api.PodSandboxMetadata(name=request.name, uid=request.pod_uid, namespace=request.namespace, attempt=attempt),
        hostname="" if request.host_network else request.hostname,
        log_directory=str(directory / "containers"),
        port_mappings=[
            api.PortMapping(
                protocol=protocols.get(p.protocol.lower(), 0),
                container_port=p.container_port,
                host_port=p.host_port,
                host_ip=p.host_ip,
            )
            for p in request.port_mappings
        ],
        labels={**request.labels, POD_UID: request.pod_uid, POD_NAME: request.name, NAMESPACE: request.namespace},
        linux=api.LinuxPodSandboxConfig(
            security_context=api.LinuxSandboxSecurityContext(
                namespace_options=namespaces(api, request, users.first_id(directory))
            ),
            sysctls=dict(request.sysctls),
        ),
    )
    if request.dns_servers:
        config.dns_config.CopyFrom(
            api.DNSConfig(servers=request.dns_servers, searches=request.dns_searches, options=request.dns_options)
        )
    return config


def namespaces(api: Any, request: RunPodSandbox, first_id: int) -> Any:
    """`first_id`: of the users that it has of its own; 0 for the machine's."""
    pid = api.NODE if request.host_pid else api.POD if request.share_process_namespace else api.CONTAINER
    return api.NamespaceOption(
        network=api.NODE if request.host_network else api.POD, pid=pid, ipc=api.NODE if request.host_ipc else api.POD,
        userns_options=users.options(api, first_id) if first_id else None,
    )  # fmt: skip


def container(
    api: Any, request: StartContainer, pod: RunPodSandbox, directory: Path, target_id: str = "", can: Abilities = NOTHING
) -> Any:
    """ContainerConfig. `directory` is the pod's: its volumes, and the containers' messages. `target_id`: of the container whose
    processes it sees. `can`: what its runtime can. Errors: OSError, VolumeFailed for what cannot be read or mounted of it."""
    volumes, first_id = {volume.name: volume for volume in pod.volumes}, users.first_id(directory)
    ids = users.mappings(api, first_id)
    more = env_files.values(request.env_files, directory / "volumes") if request.env_files else ()
    message = directory / f"termination-{request.container}-{request.attempt}"
    message.touch()
    message.chmod(0o666)
    pins = directory / SUB_PATHS / request.container / str(request.attempt)
    remove_tree(pins.parent)  # of attempts before: each has bound its own
    seen = [
        api.Mount(container_path=request.termination_message_path, host_path=str(message), uidMappings=ids, gidMappings=ids)
    ]
    for number, asked in enumerate(request.mounts, 1):
        made = mounts.mount(api, asked, request, pod, directory, pins / str(number), can)
        made.uidMappings.extend(ids)
        made.gidMappings.extend(ids)
        seen.append(made)
    return api.ContainerConfig(
        metadata=api.ContainerMetadata(name=request.container, attempt=request.attempt),
        image=api.ImageSpec(image=request.image),
        command=request.command,
        args=request.args,
        working_dir=request.working_dir,
        envs=[api.KeyValue(key=key, value=value) for key, value in (*request.env, *more)],
        mounts=seen,
        devices=[_device(api, device, volumes[device.volume], directory / "volumes") for device in request.devices or ()],
        labels={
            POD_UID: request.pod_uid,
            POD_NAME: request.name,
            NAMESPACE: request.namespace,
            CONTAINER: request.container,
            ATTEMPT: str(request.attempt),
        },
        log_path=log_path(request.container, request.attempt),
        stdin=request.stdin,
        stdin_once=request.stdin_once,
        tty=request.tty,
        linux=api.LinuxContainerConfig(
            resources=_resources(api, request),
            security_context=_security(api, request, namespaces(api, pod, first_id), target_id),
        ),
    )


def _device(api: Any, device: Device, volume: VolumeSource, volumes: Path) -> Any:
    source = source_path(volumes, volume)
    if not source.is_block_device():
        raise OSError(f'the volume "{device.volume}" is no block device')
    return api.Device(container_path=device.path, host_path=str(source), permissions="rm" if volume.read_only else "rwm")


def log_path(name: str, attempt: int) -> str:
    """Below the pod's log directory: a directory an attempt, as the reader of logs wants it."""
    return f"{name}/{attempt}/log"


def _resources(api: Any, request: StartContainer) -> Any:
    quota = request.cpu_limit_milli * PERIOD_US // 1000
    return api.LinuxContainerResources(
        cpu_shares=max(request.cpu_request_milli * SHARES_OF_A_CORE // 1000, 2), cpu_period=PERIOD_US if quota else 0,
        cpu_quota=quota, memory_limit_in_bytes=request.memory_limit_bytes, oom_score_adj=request.oom_score_adj,
    )  # fmt: skip


def _security(api: Any, request: StartContainer, shared: Any, target_id: str) -> Any:
    """`shared`: the namespaces of its pod."""
    security = request.security
    if target_id:
        shared.pid, shared.target_id = api.TARGET, target_id
    made = api.LinuxContainerSecurityContext(
        privileged=security.privileged, readonly_rootfs=security.read_only_root, namespace_options=shared,
        supplemental_groups=security.supplemental_groups, no_new_privs=not security.allow_privilege_escalation,
        capabilities=api.Capability(add_capabilities=security.capabilities_add, drop_capabilities=security.capabilities_drop),
    )  # fmt: skip
    if security.proc_unmasked is not True and not security.privileged:
        made.masked_paths.extend(MASKED)
        made.readonly_paths.extend(READ_ONLY)
    if security.groups_strict is True:
        made.supplemental_groups_policy = api.Strict
    if security.seccomp_default is True:
        made.seccomp.profile_type = api.SecurityProfile.RuntimeDefault
    if security.run_as_user is not None:
        made.run_as_user.value = security.run_as_user
    if security.run_as_group is not None:
        made.run_as_group.value = security.run_as_group
    return made
