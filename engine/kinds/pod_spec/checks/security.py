"""Security contexts of pods and of containers, also those of Windows.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

import re

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.store.objects.types.core_v1 import (
    AppArmorProfile,
    Container,
    EphemeralContainer,
    PodSpec,
    SeccompProfile,
    SecurityContext,
    Sysctl,
    WindowsSecurityContextOptions,
)

from .volumes import check_local_path

PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
SYSCTL = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
# Compiled when they are first needed: few pods name any of these.
NETBIOS = r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}'
USER_DOMAIN = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"


def check_security_context(faults: Faults, context: SecurityContext | None, path: str, *, host_users: bool = True) -> None:
    """Of one container."""
    if context is None:
        return
    for field, value in (("runAsUser", context.run_as_user), ("runAsGroup", context.run_as_group)):
        if value is not None:
            faults.invalid_each(f"{path}.{field}", value, names.user_id(value))
    if context.proc_mount is not None:
        if context.proc_mount not in ("Default", "Unmasked"):
            faults.not_supported(f"{path}.procMount", context.proc_mount, ("Default", "Unmasked"))
        elif host_users and context.proc_mount == "Unmasked":
            faults.invalid(f"{path}.procMount", context.proc_mount, "`hostUsers` must be false to use `Unmasked`")
    check_seccomp(faults, context.seccomp_profile, f"{path}.seccompProfile")
    if context.allow_privilege_escalation is False:
        if context.privileged:
            faults.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        if context.capabilities is not None and "CAP_SYS_ADMIN" in context.capabilities.add:
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            faults.invalid(path, context, why)
    check_windows(faults, context.windows_options, f"{path}.windowsOptions")
    check_app_armor(faults, context.app_armor_profile, f"{path}.appArmorProfile")


def check_pod_security_context(faults: Faults, spec: PodSpec, path: str) -> None:
    """Of a pod, with what depends on its host namespaces."""
    context = spec.security_context
    if spec.share_process_namespace and spec.host_pid:
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        faults.invalid(f"{path}.shareProcessNamespace", True, why)
    if context is None:
        return
    for field, value in (
        ("fsGroup", context.fs_group),
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
    ):
        if value is not None:
            faults.invalid_each(f"{path}.{field}", value, names.user_id(value))
    for i, group in enumerate(context.supplemental_groups):
        faults.invalid_each(f"{path}.supplementalGroups[{i}]", group, names.user_id(group))
    if context.sysctls:
        _check_sysctls(faults, context.sysctls, spec, f"{path}.sysctls")
    for field, setting, known in (
        ("fsGroupChangePolicy", context.fs_group_change_policy, ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", context.supplemental_groups_policy, ("Merge", "Strict")),
        ("seLinuxChangePolicy", context.se_linux_change_policy, ("MountOption", "Recursive")),
    ):
        if setting is not None and setting not in known:
            faults.not_supported(f"{path}.{field}", setting, known)
    check_seccomp(faults, context.seccomp_profile, f"{path}.seccompProfile")
    check_windows(faults, context.windows_options, f"{path}.windowsOptions")
    check_app_armor(faults, context.app_armor_profile, f"{path}.appArmorProfile")


def _check_sysctls(faults: Faults, sysctls: tuple[Sysctl, ...], spec: PodSpec, path: str) -> None:
    seen: set[str] = set()
    for i, sysctl in enumerate(sysctls):
        at, name = f"{path}[{i}].name", sysctl.name
        if not name:
            faults.required(at)
        elif len(name) > 253 or not re.fullmatch(SYSCTL[1:-1], name):
            faults.invalid(at, name, f"must have at most 253 characters and match regex {SYSCTL}")
        elif name in seen:
            faults.duplicate(at, name)
        seen.add(name)
        dotted = name.replace("/", ".")
        if spec.host_network and dotted.startswith("net."):
            faults.invalid(at, name, "may not be specified when 'hostNetwork' is true")
        elif spec.host_ipc and dotted.startswith(("kernel.shm", "kernel.msg", "fs.mqueue.", "kernel.sem")):
            faults.invalid(at, name, "may not be specified when 'hostIPC' is true")


def check_seccomp(faults: Faults, profile: SeccompProfile | None, path: str) -> None:
    if profile is None:
        return
    if not profile.type:
        faults.required(f"{path}.type", "type is required when seccompProfile is set")
    elif profile.type not in PROFILE_TYPES:
        faults.not_supported(f"{path}.type", profile.type, PROFILE_TYPES)
    at = f"{path}.localhostProfile"
    if profile.type == "Localhost":
        if profile.localhost_profile is None:
            faults.required(at, "must be set when seccomp type is Localhost")
        else:
            check_local_path(faults, profile.localhost_profile, at)
    elif profile.localhost_profile is not None:
        faults.invalid(at, profile, "can only be set when seccomp type is Localhost")


def check_app_armor(faults: Faults, profile: AppArmorProfile | None, path: str) -> None:
    if profile is None:
        return
    at, local = f"{path}.localhostProfile", profile.localhost_profile
    if profile.type == "Localhost":
        if local is None or not local:
            faults.required(at, "must be set when AppArmor type is Localhost")
        elif local != local.strip():
            faults.invalid(at, local, "must not be padded with whitespace")
        if local is not None and len(local) > 4095:
            faults.too_long(at, 4095)
    elif profile.type in PROFILE_TYPES:
        if local is not None:
            faults.invalid(at, local, "can only be set when AppArmor type is Localhost")
    elif not profile.type:
        faults.required(f"{path}.type", "type is required when appArmorProfile is set")
    else:
        faults.not_supported(f"{path}.type", profile.type, PROFILE_TYPES)


def check_windows(faults: Faults, options: WindowsSecurityContextOptions | None, path: str) -> None:
    if options is None:
        return
    name, spec = options.gmsa_credential_spec_name, options.gmsa_credential_spec
    if name is not None:
        faults.invalid_each(f"{path}.gmsaCredentialSpecName", name, names.subdomain(name))
    if spec == "":
        faults.invalid(f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec cannot be an empty string")
    elif spec is not None and len(spec) > 64 * 1024:
        faults.invalid(f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec size must be under 64 KiB")
    if options.run_as_user_name is not None:
        for why in _windows_user(options.run_as_user_name):
            faults.invalid(f"{path}.runAsUserName", options.run_as_user_name, why)


def _windows_user(name: str) -> list[str]:
    if not name:
        return ["runAsUserName cannot be an empty string"]
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        return ["runAsUserName cannot contain control characters"]
    if name.count("\\") > 1:
        return ["runAsUserName cannot contain more than one backslash"]
    domain, backslash, user = name.rpartition("\\")
    found = []
    if len(domain) >= 256:
        found.append("runAsUserName's Domain length must be under 256 characters")
    if backslash and not (re.fullmatch(NETBIOS, domain) or re.fullmatch(USER_DOMAIN, domain)):
        found.append("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    if not user:
        found.append("runAsUserName's User cannot be empty")
    elif len(user) > 104:
        found.append("runAsUserName's User length must not be longer than 104 characters")
    if user and not user.strip(". "):
        found.append("runAsUserName's User cannot contain only periods or spaces")
    if re.search(r'["/\\:;|=,+*?<>@\[\]]', user):
        found.append("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return found


def containers_of(spec: PodSpec, path: str) -> list[tuple[str, Container | EphemeralContainer]]:
    """Every container of a pod with its path: init, regular, ephemeral, as Kubernetes visits them."""
    held: tuple[tuple[str, tuple[Container | EphemeralContainer, ...]], ...] = (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
        ("ephemeralContainers", spec.ephemeral_containers),
    )
    return [(f"{path}.{name}[{i}]", c) for name, containers in held for i, c in enumerate(containers)]


def check_host_process(faults: Faults, spec: PodSpec, path: str) -> None:
    """Containers of Windows that run on the host: all of them or none."""
    pod_options = spec.security_context.windows_options if spec.security_context is not None else None
    of_pod = pod_options.host_process if pod_options is not None else None
    everyone = containers_of(spec, path)
    if of_pod is None and not any(
        c.security_context is not None and c.security_context.windows_options is not None for _, c in everyone
    ):
        return
    count = 0
    for at, container in everyone:
        options = container.security_context.windows_options if container.security_context is not None else None
        own = options.host_process if options is not None else None
        if own is not None and of_pod is not None and own != of_pod:
            why = f"pod hostProcess value must be identical if both are specified, was {str(of_pod).lower()}"
            faults.invalid(f"{at}.securityContext.windowsOptions.hostProcess", own, why)
        count += bool(of_pod if own is None else own)
    if not count:
        return
    if count != len(everyone):
        why = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        faults.invalid(path, "", why)
    if not spec.host_network:
        faults.invalid(f"{path}.hostNetwork", False, "hostNetwork must be true if pod contains any hostProcess containers")
