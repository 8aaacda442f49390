"""The environment of a container, its command and its arguments, with all references resolved.

Source: kubelet's makeEnvironmentVariables and pkg/kubelet/envvars; the expansion is third_party/forked/golang/expansion.
"""

import re
from base64 import b64decode
from collections.abc import Mapping

from msgspec import Struct

from shipslog.store.objects import core_v1
from shipslog.store.state import View

from .bound_pod import AnyContainer, BoundPod
from .fields import ConfigError, field_value, resource_value

MASTER_SERVICE = ("default", "kubernetes")


class Environment(Struct, frozen=True):
    """What the process is started with."""

    env: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    args: tuple[str, ...]


def environment(pod: BoundPod, container: AnyContainer) -> Environment:
    """All of it. Errors: ConfigError for a config map or secret that is missing."""
    services = service_variables(pod.view, pod.pod.metadata.namespace, pod.spec.enable_service_links is not False)
    own: dict[str, str] = {}
    for source in container.env_from:
        own.update(_from_source(pod, source))
    for variable in container.env:
        value = _value(pod, container, variable, {**services, **own})
        if value is not None:
            own[variable.name] = value
    env = {**own, **{name: value for name, value in services.items() if name not in own}}
    return Environment(
        env=tuple(env.items()),
        command=tuple(expand(word, env) for word in container.command),
        args=tuple(expand(word, env) for word in container.args),
    )


def _value(pod: BoundPod, container: AnyContainer, variable: core_v1.EnvVar, known: Mapping[str, str]) -> str | None:
    """The variable's value; None for an optional reference to nothing."""
    source = variable.value_from
    if source is None:
        return expand(variable.value, known)
    namespace = pod.pod.metadata.namespace
    if source.field_ref is not None:
        return field_value(pod, source.field_ref.field_path)
    if source.resource_field_ref is not None:
        return resource_value(pod, source.resource_field_ref, container)
    if source.config_map_key_ref is not None:
        ref = source.config_map_key_ref
        found = config_map_data(pod.view, namespace, ref.name, bool(ref.optional))
        return _pick(found, ref.key, bool(ref.optional), f"ConfigMap {namespace}/{ref.name}")
    if source.secret_key_ref is not None:
        secret = source.secret_key_ref
        found = secret_data(pod.view, namespace, secret.name, bool(secret.optional))
        return _pick(found, secret.key, bool(secret.optional), f"Secret {namespace}/{secret.name}")
    return ""


def _pick(data: Mapping[str, bytes] | None, key: str, optional: bool, where: str) -> str | None:
    if data is not None and key in data:
        return data[key].decode(errors="replace")
    if optional:
        return None
    raise ConfigError(f"couldn't find key {key} in {where}")


def _from_source(pod: BoundPod, source: core_v1.EnvFromSource) -> dict[str, str]:
    namespace, data = pod.pod.metadata.namespace, None
    if source.config_map_ref is not None:
        data = config_map_data(pod.view, namespace, source.config_map_ref.name, bool(source.config_map_ref.optional))
    elif source.secret_ref is not None:
        data = secret_data(pod.view, namespace, source.secret_ref.name, bool(source.secret_ref.optional))
    return {source.prefix + key: value.decode(errors="replace") for key, value in sorted((data or {}).items())}


def config_map_data(view: View, namespace: str, name: str, optional: bool) -> dict[str, bytes] | None:
    """A config map's content; None for an optional one that is missing. Errors: ConfigError."""
    found = view.get(core_v1.ConfigMap, name, namespace)
    if found is None:
        if optional:
            return None
        raise ConfigError(f'configmap "{name}" not found')
    return {
        **{key: value.encode() for key, value in found.data.items()},
        **{key: b64decode(value) for key, value in found.binary_data.items()},
    }


def secret_data(view: View, namespace: str, name: str, optional: bool) -> dict[str, bytes] | None:
    """A secret's content, decoded; None for an optional one that is missing. Errors: ConfigError."""
    found = view.get(core_v1.Secret, name, namespace)
    if found is None:
        if optional:
            return None
        raise ConfigError(f'secret "{name}" not found')
    return {key: b64decode(value) for key, value in found.data.items()}


def service_variables(view: View, namespace: str, links: bool) -> dict[str, str]:
    """The variables of every Service that exists now: those of the namespace if `links`, and of the API server always."""
    variables: dict[str, str] = {}
    services = list(view.list(core_v1.Service, namespace)) if links else []
    master = view.get(core_v1.Service, MASTER_SERVICE[1], MASTER_SERVICE[0])
    if master is not None and all(s.metadata.name != master.metadata.name for s in services):
        services.append(master)
    for service in services:
        if service.spec.cluster_ip not in ("", "None") and service.spec.type != "ExternalName":
            variables.update(_of_service(service))
    return variables


def _of_service(service: core_v1.Service) -> dict[str, str]:
    name, address, ports = _variable_name(service.metadata.name), service.spec.cluster_ip, service.spec.ports
    if not ports:
        return {f"{name}_SERVICE_HOST": address}
    variables = {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0].port)}
    for port in ports:
        if port.name:
            variables[f"{name}_SERVICE_PORT_{_variable_name(port.name)}"] = str(port.port)
    host = f"[{address}]" if ":" in address else address
    for index, port in enumerate(ports):
        protocol = port.protocol or "TCP"
        url = f"{protocol.lower()}://{host}:{port.port}"
        if index == 0:
            variables[f"{name}_PORT"] = url
        prefix = f"{name}_PORT_{port.port}_{protocol.upper()}"
        variables |= {prefix: url, f"{prefix}_PROTO": protocol.lower()}
        variables |= {f"{prefix}_PORT": str(port.port), f"{prefix}_ADDR": address}
    return variables


def _variable_name(name: str) -> str:
    return name.upper().replace("-", "_")


def references(text: str) -> list[str]:
    """The names that `expand` would look up."""
    return re.findall(r"\$\(([^)]*)\)", text.replace("$$", ""))


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by its value, `$$` by `$`; what is not known stays as it is."""
    if "$" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            out.append(text[at])
            at += 1
        elif text[at + 1] == "$":
            out.append("$")
            at += 2
        elif text[at + 1] == "(" and (end := text.find(")", at + 2)) >= 0:
            name = text[at + 2 : end]
            out.append(known.get(name, f"$({name})"))
            at = end + 1
        else:
            out.append(text[at : at + 2])
            at += 2
    return "".join(out)
