"""Pods and templates of pods: all of PodSpec, and the annotations that mean something.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from collections.abc import Mapping

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_annotations, check_labels
from shipslog.store.objects.types.core_v1 import (
    Pod,
    PodDNSConfig,
    PodResourceClaim,
    PodSecurityContext,
    PodSpec,
    PodTemplateSpec,
    ResourceRequirements,
    SecurityContext,
)

from .containers import (
    Setting,
    check_containers,
    check_ephemeral_containers,
    check_init_containers,
)
from .placement import check_affinity, check_spreading, check_tolerations
from .resources import check_pod_resources, check_requirements
from .security import PROFILE_TYPES, check_host_process, check_pod_security_context, containers_of
from .volumes import check_local_path, check_volumes

RESTART_POLICIES = ("Always", "OnFailure", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION = ("PreemptLowerPriority", "Never")
MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
MOST_SECONDS = 2**31 - 1
MOST_OF_A_HOSTNAME = 64
DEADLINE_WORDS = f"must be between 1 and {MOST_SECONDS}, inclusive"


def check_pod(faults: Faults, pod: Pod) -> None:
    """A pod, new or changed, beyond its metadata."""
    spec = pod.spec
    if pod.metadata.annotations:
        check_pod_annotations(faults, pod.metadata.annotations, spec, "metadata.annotations")
    check_pod_spec(faults, spec, "spec", pod_name=pod.metadata.name, is_pod=True)
    if not spec.service_account_name:
        for i, volume in enumerate(spec.volumes):
            for j, source in enumerate(volume.projected.sources if volume.projected is not None else ()):
                if source.service_account_token is not None:
                    at = f"spec.volumes[{i}].projected.sources[{j}].serviceAccountToken"
                    faults.forbidden(at, "must not be specified when serviceAccountName is not set")


def check_new_pod(faults: Faults, pod: Pod) -> None:
    check_pod(faults, pod)
    if pod.spec.ephemeral_containers:
        faults.forbidden("spec.ephemeralContainers", "cannot be set on create")
    if pod.spec.node_name and pod.spec.scheduling_gates:
        faults.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")
    if pod.metadata.annotations:
        _check_profiles_match(faults, pod.metadata.annotations, pod.spec, "spec")


def check_template(faults: Faults, template: PodTemplateSpec, path: str) -> None:
    meta = template.metadata
    check_labels(faults, meta.labels, f"{path}.labels")  # without metadata: Kubernetes' own path
    if meta.annotations:
        check_annotations(faults, meta.annotations, f"{path}.annotations")
        check_pod_annotations(faults, meta.annotations, template.spec, f"{path}.annotations")
    check_pod_spec(faults, template.spec, f"{path}.spec", pod_name="", is_pod=False)
    if meta.annotations:
        _check_profiles_match(faults, meta.annotations, template.spec, f"{path}.spec")
    if template.spec.ephemeral_containers:
        faults.forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def check_pod_spec(faults: Faults, spec: PodSpec, path: str, *, pod_name: str, is_pod: bool) -> None:
    volumes = check_volumes(faults, spec.volumes, f"{path}.volumes", pod_name) if spec.volumes else {}
    setting = Setting(spec, volumes, is_pod=is_pod)
    if spec.resource_claims:
        _check_claims(faults, spec.resource_claims, f"{path}.resourceClaims")
    check_containers(faults, spec.containers, setting, f"{path}.containers")
    if spec.init_containers:
        check_init_containers(faults, spec.init_containers, spec.containers, setting, f"{path}.initContainers")
    if spec.ephemeral_containers:
        check_ephemeral_containers(faults, spec, setting, f"{path}.ephemeralContainers")
    if spec.host_network:
        _check_host_network(faults, spec, f"{path}.containers", is_pod)
    for field, value, known in (
        ("restartPolicy", spec.restart_policy, RESTART_POLICIES),
        ("dnsPolicy", spec.dns_policy, DNS_POLICIES),
    ):
        if value not in known:
            faults.not_supported(f"{path}.{field}", value, known)
    if spec.node_selector:
        check_labels(faults, spec.node_selector, f"{path}.nodeSelector")
    check_pod_security_context(faults, spec, f"{path}.securityContext")
    check_affinity(faults, spec.affinity, f"{path}.affinity")
    if spec.dns_config is not None or spec.dns_policy == "None":
        _check_dns(faults, spec.dns_config, spec.dns_policy, f"{path}.dnsConfig")
    for i, gate in enumerate(spec.readiness_gates):
        faults.invalid_each(
            f"{path}.readinessGates[{i}].conditionType", gate.condition_type, names.qualified(gate.condition_type)
        )
    _check_scheduling_gates(faults, spec, f"{path}.schedulingGates")
    check_spreading(faults, spec.topology_spread_constraints, f"{path}.topologySpreadConstraints")
    check_host_process(faults, spec, path)
    _check_host_users(faults, spec, path)
    _check_scalars(faults, spec, path)
    if spec.tolerations:
        check_tolerations(faults, spec.tolerations, f"{path}.tolerations")
    check_pod_resources(faults, spec, f"{path}.resources")
    if spec.overhead:
        check_requirements(faults, ResourceRequirements(limits=spec.overhead), f"{path}.overhead")
    if spec.os is not None:
        _check_os(faults, spec, path)


def _check_hostname_override(faults: Faults, spec: PodSpec, path: str) -> None:
    name = spec.hostname_override or ""
    if messages := names.subdomain(name):
        faults.invalid_each(path, name, messages)
    if len(name) > MOST_OF_A_HOSTNAME:
        faults.too_long(path, MOST_OF_A_HOSTNAME)
    if spec.host_network:
        faults.forbidden(path, "may not be set when hostNetwork is true")
    if spec.set_hostname_as_fqdn:
        faults.forbidden(path, "may not be set when setHostnameAsFQDN is true")


def _check_scalars(faults: Faults, spec: PodSpec, path: str) -> None:
    """Names and numbers that stand for themselves."""
    for field, value, check in (
        ("serviceAccountName", spec.service_account_name, names.subdomain),
        ("nodeName", spec.node_name, names.subdomain),
        ("hostname", spec.hostname, names.label),
        ("subdomain", spec.subdomain, names.label),
        ("priorityClassName", spec.priority_class_name, names.subdomain),
        ("runtimeClassName", spec.runtime_class_name, names.subdomain),
    ):
        given = value or (value == "" and field == "runtimeClassName")
        if given and (messages := check(value or "")):
            faults.invalid_each(f"{path}.{field}", value, messages)
    if spec.hostname_override is not None:
        _check_hostname_override(faults, spec, f"{path}.hostnameOverride")
    deadline = spec.active_deadline_seconds
    if deadline is not None and not 1 <= deadline <= MOST_SECONDS:
        faults.invalid(f"{path}.activeDeadlineSeconds", deadline, DEADLINE_WORDS)
    for alias in spec.host_aliases:  # without an index: Kubernetes' own path
        faults.invalid_each(f"{path}.hostAliases.ip", alias.ip, names.ip(alias.ip))
        for hostname in alias.hostnames:
            faults.invalid_each(f"{path}.hostAliases.hostnames", hostname, names.subdomain(hostname))
    if spec.preemption_policy is not None and spec.preemption_policy not in PREEMPTION:
        if spec.preemption_policy:
            faults.not_supported(f"{path}.preemptionPolicy", spec.preemption_policy, PREEMPTION)
        else:
            faults.required(f"{path}.preemptionPolicy")


def _check_host_network(faults: Faults, spec: PodSpec, path: str, is_pod: bool) -> None:
    """On the host's network a container's port is the host's. In a template the host port may still be open."""
    for i, c in enumerate(spec.containers):
        for j, port in enumerate(c.ports):
            if (is_pod or port.host_port) and port.host_port != port.container_port:
                why = "must match `hostPort` when `hostNetwork` is true"
                faults.invalid(f"{path}[{i}].ports[{j}].containerPort", port.container_port, why)


def _check_claims(faults: Faults, claims: tuple[PodResourceClaim, ...], path: str) -> None:
    seen: set[str] = set()
    for i, claim in enumerate(claims):
        at = f"{path}[{i}]"
        if not claim.name:
            faults.required(f"{at}.name")
        elif claim.name in seen:
            faults.duplicate(f"{at}.name", claim.name)
        else:
            faults.invalid_each(f"{at}.name", claim.name, names.label(claim.name))
        seen.add(claim.name)
        named, template = claim.resource_claim_name, claim.resource_claim_template_name
        if named is not None and template is not None:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            faults.invalid(at, claim, why)
        if named is None and template is None:
            faults.invalid(at, claim, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
        for field, value in (("resourceClaimName", named), ("resourceClaimTemplateName", template)):
            if value is not None:
                faults.invalid_each(f"{at}.{field}", value, names.subdomain(value))


def _check_dns(faults: Faults, config: PodDNSConfig | None, policy: str, path: str) -> None:
    if policy == "None":
        if config is None:
            faults.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.nameservers:
            faults.required(f"{path}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")
            return
    assert config is not None
    if len(config.nameservers) > 3:
        faults.invalid(f"{path}.nameservers", config.nameservers, "must not have more than 3 nameservers")
    for i, server in enumerate(config.nameservers):
        faults.invalid_each(f"{path}.nameservers[{i}]", server, names.ip(server))
    if len(config.searches) > 32:
        faults.invalid(f"{path}.searches", config.searches, "must not have more than 32 search paths")
    if len(" ".join(config.searches)) > 2048:
        why = "must not have more than 2048 characters (including spaces) in the search list"
        faults.invalid(f"{path}.searches", config.searches, why)
    for i, search in enumerate(config.searches):
        search = search.removesuffix(".")
        faults.invalid_each(f"{path}.searches[{i}]", search, names.subdomain(search))
    for i, option in enumerate(config.options):
        if not option.name:
            faults.required(f"{path}.options[{i}]", "must not be empty")


def _check_scheduling_gates(faults: Faults, spec: PodSpec, path: str) -> None:
    seen: set[str] = set()
    for i, gate in enumerate(spec.scheduling_gates):
        faults.invalid_each(f"{path}[{i}]", gate.name, names.qualified(gate.name))
        if gate.name in seen:
            faults.duplicate(f"{path}[{i}]", gate.name)
        seen.add(gate.name)


def _check_host_users(faults: Faults, spec: PodSpec, path: str) -> None:
    if spec.host_users is not False:
        return
    for field, used in (("hostNetwork", spec.host_network), ("HostPID", spec.host_pid), ("HostIPC", spec.host_ipc)):
        if used:
            faults.forbidden(f"{path}.{field}", "when `pod.Spec.HostUsers` is false")


def _check_os(faults: Faults, spec: PodSpec, path: str) -> None:
    assert spec.os is not None
    if not spec.os.name:
        faults.required(f"{path}.os.name", "cannot be empty")
    elif spec.os.name not in ("linux", "windows"):
        faults.not_supported(f"{path}.os", spec.os.name, ("linux", "windows"))
    elif spec.os.name == "linux":
        why = "windows options cannot be set for a linux pod"
        if spec.security_context is not None and spec.security_context.windows_options is not None:
            faults.forbidden(f"{path}.securityContext.windowsOptions", why)
        for at, c in containers_of(spec, path):
            if c.security_context is not None and c.security_context.windows_options is not None:
                faults.forbidden(f"{at}.securityContext.windowsOptions", why)
    else:
        _check_windows_pod(faults, spec, path)


def _check_windows_pod(faults: Faults, spec: PodSpec, path: str) -> None:
    why = "cannot be set for a windows pod"
    for field, given in (
        ("hostUsers", spec.host_users is not None),
        ("hostPID", spec.host_pid),
        ("hostIPC", spec.host_ipc),
        ("shareProcessNamespace", spec.share_process_namespace is not None),
    ):
        if given:
            faults.forbidden(f"{path}.{field}", why)
    allowed = {"windows_options", "run_as_non_root", "run_as_user_name"}
    contexts: list[tuple[str, PodSecurityContext | SecurityContext | None]]
    contexts = [(f"{path}.securityContext", spec.security_context)]
    contexts += [(f"{at}.securityContext", c.security_context) for at, c in containers_of(spec, path)]
    for at, context in contexts:
        if context is None:
            continue
        for attribute, name in zip(context.__struct_fields__, context.__struct_encode_fields__, strict=True):
            if attribute not in allowed and getattr(context, attribute) not in (None, ()):
                faults.forbidden(f"{at}.{name}", why)


def check_pod_annotations(faults: Faults, annotations: Mapping[str, str], spec: PodSpec, path: str) -> None:
    if MIRROR in annotations and not spec.node_name:
        why = "must set spec.nodeName if mirror pod annotation is set"
        faults.invalid(f"{path}[{MIRROR}]", annotations[MIRROR], why)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_int32(cost):
        faults.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            if value in ("runtime/default", "docker/default", "unconfined"):
                continue
            if value.startswith("localhost/"):
                check_local_path(faults, value.removeprefix("localhost/"), f"{path}.{key}")
            else:
                faults.invalid(f"{path}.{key}", value, "must be a valid seccomp profile")
        elif key.startswith(APP_ARMOR):
            container = key.removeprefix(APP_ARMOR)
            if all(c.name != container for _, c in containers_of(spec, "")):
                faults.invalid(f"{path}[{key}]", container, "container not found")
            if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
                faults.invalid(f"{path}[{key}]", value, f'invalid AppArmor profile name: "{value}"')


def _is_int32(text: str) -> bool:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or (digits != "0" and digits.startswith("0")) or text == "-0":
        return False
    return -(2**31) <= int(text) < 2**31


def _check_profiles_match(faults: Faults, annotations: Mapping[str, str], spec: PodSpec, path: str) -> None:
    """Where an old annotation and a field both name a profile, they must agree."""
    held: list[tuple[str, str, str, PodSecurityContext | SecurityContext | None]]
    held = [(path, SECCOMP_POD, "", spec.security_context)]
    held += [(at, SECCOMP_CONTAINER + c.name, APP_ARMOR + c.name, c.security_context) for at, c in containers_of(spec, path)]
    of_pod = spec.security_context.app_armor_profile if spec.security_context is not None else None
    for at, seccomp_key, armor_key, context in held:
        seccomp = context.seccomp_profile if context is not None else None
        armor = (context.app_armor_profile if context is not None else None) or of_pod
        for what, key, profile in (("seccomp", seccomp_key, seccomp), ("appArmor", armor_key, armor)):
            given = annotations.get(key)
            if given is None or profile is None or profile.type not in PROFILE_TYPES:
                continue
            field = f"{at}.securityContext.{what}Profile"
            forms = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default", "docker/default")}
            if profile.type != "Localhost":
                if given not in forms[profile.type]:
                    faults.forbidden(f"{field}.type", f"{what.lower()} type in annotation and field must match")
            elif not given.startswith("localhost/"):
                faults.forbidden(f"{field}.type", f"{what.lower()} type in annotation and field must match")
            elif given.removeprefix("localhost/") != profile.localhost_profile:
                faults.forbidden(f"{field}.localhostProfile", f"{what.lower()} profile in annotation and field must match")
