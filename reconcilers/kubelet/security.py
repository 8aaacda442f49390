"""The security context of a container: its own settings before the pod's.

Tests: tests/runtime/containers/test_contract.py, tests/reconcilers/kubelet/test_lifecycle.py
"""

from msgspec import UNSET

from shipslog.runtime.commands import Security
from shipslog.store.objects.types import core_v1

from .bound_pod import AnyContainer, full_name
from .fields import ConfigError


def security(pod: core_v1.Pod, container: AnyContainer) -> Security:
    """What the container's process may do. Errors: ConfigError for root where root is refused."""
    whole = pod.spec.security_context or core_v1.PodSecurityContext()
    own = container.security_context or core_v1.SecurityContext()
    user = own.run_as_user if own.run_as_user is not None else whole.run_as_user
    group = own.run_as_group if own.run_as_group is not None else whole.run_as_group
    non_root = own.run_as_non_root if own.run_as_non_root is not None else whole.run_as_non_root
    if non_root and user == 0:
        name = full_name(pod)
        raise ConfigError(f'container\'s runAsUser breaks non-root policy (pod: "{name}", container: {container.name})')
    capabilities = own.capabilities or core_v1.Capabilities()
    groups = whole.supplemental_groups + ((whole.fs_group,) if whole.fs_group is not None else ())
    profile = own.seccomp_profile or whole.seccomp_profile
    confined = profile.type if profile is not None and not own.privileged else "Unconfined"
    return Security(
        privileged=bool(own.privileged),
        run_as_user=user,
        run_as_group=group,
        run_as_non_root=bool(non_root),
        supplemental_groups=groups,
        capabilities_add=capabilities.add,
        capabilities_drop=capabilities.drop,
        read_only_root=bool(own.read_only_root_filesystem),
        allow_privilege_escalation=own.allow_privilege_escalation is not False,
        seccomp_profile=(profile.localhost_profile or "") if profile is not None and confined == "Localhost" else "",
        seccomp_default=True if confined == "RuntimeDefault" else UNSET,
        proc_unmasked=True if own.proc_mount == "Unmasked" else UNSET,
        groups_strict=True if whole.supplemental_groups_policy == "Strict" else UNSET,
    )


def common_user(pod: core_v1.Pod) -> int | None:
    """The user that all containers are told to run as; None where one is not told, or two differ (kubelet's FsUserFrom)."""
    whole = pod.spec.security_context.run_as_user if pod.spec.security_context is not None else None
    users = set()
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        own = container.security_context.run_as_user if container.security_context is not None else None
        users.add(whole if own is None else own)
    return users.pop() if len(users) == 1 else None
