"""The service account of a new pod: it exists, its token is mounted, its pull secrets are used.

Source: the ServiceAccount admission plugin, with projected tokens as since 1.21.

Tests: tests/engine/kinds/core/pod/test_strategy.py
"""

from msgspec.structs import replace

from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import forbidden
from shipslog.engine.kinds.pod_spec.checks.spec import MIRROR
from shipslog.engine.kinds.pod_spec.defaults.volumes import API_ACCESS, FILE_MODE
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import (
    Container,
    Namespace,
    Pod,
    ProjectedVolumeSource,
    ServiceAccount,
    Volume,
    VolumeMount,
)
from shipslog.store.objects.values.times import SECOND_NS, parse_time

DEFAULT = "default"
VOLUME_PREFIX = "kube-api-access-"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
PATIENCE_S = 60  # a namespace so young may still be waiting for its default account
NO_ACCOUNT = ServiceAccount()


def admit_service_account(kind: Kind, pod: Pod, ctx: Admission) -> Pod:
    """Errors: Forbidden when the account does not exist, and for a pod from a node's file that refers to one."""
    if MIRROR in pod.metadata.annotations:
        if pod.spec.service_account_name:
            raise forbidden(kind, pod.metadata.name, "a mirror pod may not reference service accounts")
        return pod
    spec, namespace = pod.spec, pod.metadata.namespace
    name = spec.service_account_name or DEFAULT
    entry = ctx.view.entry("serviceaccounts", name, namespace)
    if entry is None and not _awaits_default(name, namespace, ctx):
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden(kind, pod.metadata.name, why)
    account: ServiceAccount = entry.object if entry is not None else NO_ACCOUNT
    spec = replace(
        spec, service_account_name=name, service_account=name,
        image_pull_secrets=spec.image_pull_secrets or account.image_pull_secrets,
    )  # fmt: skip
    pod = replace(pod, spec=spec)
    mounts = spec.automount_service_account_token
    if mounts is None:
        mounts = account.automount_service_account_token
    return pod if mounts is False else _mount_token(pod, ctx)


def _awaits_default(name: str, namespace: str, ctx: Admission) -> bool:
    """Whether the account is the one that each namespace is about to get: a pod made with its namespace must not fail."""
    if name != DEFAULT:
        return False
    found = ctx.view.entry("namespaces", namespace)
    if found is None:
        return False
    made: Namespace = found.object
    try:
        made_ns = parse_time(made.metadata.creation_timestamp)
    except ValueError:
        return False
    return ctx.now_ns // SECOND_NS - made_ns // SECOND_NS <= PATIENCE_S


def _mount_token(pod: Pod, ctx: Admission) -> Pod:
    spec = pod.spec
    there = next((v.name for v in spec.volumes if v.name.startswith(VOLUME_PREFIX)), "")
    volume = there or VOLUME_PREFIX + ctx.entropy.suffix()
    mount = VolumeMount(name=volume, read_only=True, mount_path=MOUNT_PATH)
    containers = tuple([_mounted(c, mount) for c in spec.containers])
    init_containers = tuple([_mounted(c, mount) for c in spec.init_containers])
    volumes = spec.volumes
    if not there and (containers != spec.containers or init_containers != spec.init_containers):
        source = ProjectedVolumeSource(sources=API_ACCESS, default_mode=FILE_MODE)
        volumes = (*volumes, Volume(name=volume, projected=source))
    return replace(pod, spec=replace(spec, containers=containers, init_containers=init_containers, volumes=volumes))


def _mounted(container: Container, mount: VolumeMount) -> Container:
    if any(m.mount_path == MOUNT_PATH for m in container.volume_mounts):
        return container
    return replace(container, volume_mounts=(*container.volume_mounts, mount))
