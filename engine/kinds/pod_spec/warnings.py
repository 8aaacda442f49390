"""What is accepted and yet is probably not meant: told to the client in a Warning header, as Kubernetes 1.32 tells it.

Source: pkg/api/pod/warnings.go and pkg/api/service/warnings.go.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/core/pod/test_binding.py
"""

from shipslog.store.objects.types.core_v1 import Container, EphemeralContainer, PodSpec, Volume
from shipslog.store.objects.values import quantity

from .checks.security import containers_of

REMOVED_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
REMOVED_VOLUMES = (
    ("photon_persistent_disk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("git_repo", "gitRepo", "deprecated in v1.11"),
    ("scale_io", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
)


def warn_of_pod_spec(warnings: list[str], spec: PodSpec, path: str) -> None:
    for key in spec.node_selector:
        if key in REMOVED_LABELS:
            warnings.append(f"{path}.nodeSelector[{key}]: {REMOVED_LABELS[key]}")
    for i, volume in enumerate(spec.volumes):
        _warn_of_volume(warnings, volume, f"{path}.volumes[{i}]")
    for i, secret in enumerate(spec.image_pull_secrets):
        if not secret.name:
            warnings.append(f'{path}.imagePullSecrets[{i}].name: invalid empty name ""')
    seen: dict[str, int] = {}
    for i, alias in enumerate(spec.host_aliases):
        if alias.ip in seen:
            warnings.append(f'{path}.hostAliases[{i}].ip: duplicates {path}.hostAliases[{seen[alias.ip]}].ip "{alias.ip}"')
        seen.setdefault(alias.ip, i)
    for at, container in containers_of(spec, path):
        _warn_of_container(warnings, container, at)
    _warn_of_port_names(warnings, spec, path)
    grace = spec.termination_grace_period_seconds
    if grace is not None and grace < 0:
        warnings.append(
            f"{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
        )


def _warn_of_port_names(warnings: list[str], spec: PodSpec, path: str) -> None:
    """One name in two containers: who selects by name gets the first. (Twice in one container is refused.)"""
    sidecars = [(f"{path}.initContainers[{i}]", c) for i, c in enumerate(spec.init_containers) if c.restart_policy == "Always"]
    apps = [(f"{path}.containers[{i}]", c) for i, c in enumerate(spec.containers)]
    seen: dict[str, str] = {}
    for at, container in (*sidecars, *apps):
        for i, port in enumerate(container.ports):
            here = f"{at}.ports[{i}]"
            first = seen.setdefault(port.name, here) if port.name else here
            if first != here:
                why = f"services and probes that select ports by name will use {first}"
                warnings.append(f'{here}: duplicate port name "{port.name}" with {first}, {why}')


def _warn_of_volume(warnings: list[str], volume: Volume, path: str) -> None:
    for attribute, name, words in REMOVED_VOLUMES:
        if getattr(volume, attribute) is not None:
            warnings.append(f"{path}.{name}: {words}")


def _warn_of_container(warnings: list[str], container: Container | EphemeralContainer, path: str) -> None:
    if len(container.env) > 1:
        seen = set()
        for i, env in enumerate(container.env):
            if env.name in seen:
                message = f'hides previous definition of "{env.name}", which may be dropped when using apply'
                warnings.append(f"{path}.env[{i}]: {message}")
            seen.add(env.name)
    if len(container.ports) > 1:
        ports: dict[tuple[str, int], int] = {}
        for i, port in enumerate(container.ports):
            first = ports.setdefault((port.protocol, port.container_port), i)
            if first != i:
                warnings.append(f"{path}.ports[{i}]: duplicate port definition with {path}.ports[{first}]")
    for what, amounts in (("limits", container.resources.limits), ("requests", container.resources.requests)):
        for name in ("memory", "ephemeral-storage"):
            if name in amounts and quantity.milli(amounts[name]) % 1000:
                value = quantity.canonical(amounts[name])
                message = f'fractional byte value "{value}" is invalid, must be an integer'
                warnings.append(f"{path}.resources.{what}[{name}]: {message}")
