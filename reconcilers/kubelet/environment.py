"""The environment of a container, its command and its arguments, with all references resolved.

Source: kubelet's makeEnvironmentVariables and pkg/kubelet/envvars; the expansion has its own module.

Tests: tests/reconcilers/kubelet/test_expansion.py, tests/reconcilers/kubelet/test_lifecycle.py
"""

from base64 import b64decode
from collections import ChainMap
from collections.abc import Iterator, Mapping

from msgspec import Struct

from shipslog.runtime.commands import EnvFile
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View

from .bound_pod import AnyContainer, BoundPod
from .expansion import Room, expand, measured, size_bytes
from .fields import ConfigError, field_value, resource_value

MASTER_SERVICE = ("default", "kubernetes")


class Environment(Struct, frozen=True):
    """What the process is started with."""

    env: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    args: tuple[str, ...]
    size_bytes: int
    files: tuple[EnvFile, ...] = ()  # variables that the runtime reads


class Setting(Struct, frozen=True):
    """One variable as the pod gives it: a value, a text that may name variables before it, or a place to read it at."""

    name: str
    text: str
    expands: bool = False
    file: EnvFile | None = None


def environment(pod: BoundPod, container: AnyContainer) -> Environment:
    """All of it. Errors: ConfigError for a config map or secret that is missing, and for what no process can be given."""
    services = service_variables(pod.view, pod.pod.metadata.namespace, pod.spec.enable_service_links is not False)
    settings, size = _measured(pod, container, services)
    own: dict[str, str] = {}
    files: dict[str, EnvFile] = {}
    known = ChainMap(own, services)
    for setting in settings:
        if setting.file is not None:
            files[setting.name] = setting.file
            own.pop(setting.name, None)
            continue
        files.pop(setting.name, None)  # of two with one name the later counts
        own[setting.name] = expand(setting.text, known) if setting.expands else setting.text
    env = {**own, **{name: value for name, value in services.items() if name not in own}}
    return Environment(
        env=tuple(env.items()),
        command=tuple(expand(word, env) for word in container.command),
        args=tuple(expand(word, env) for word in container.args),
        size_bytes=size,
        files=tuple(files.values()),
    )


def _measured(pod: BoundPod, container: AnyContainer, services: Mapping[str, str]) -> tuple[list[Setting], int]:
    """The variables, and how many bytes everything takes, before any of it is made. Errors: ConfigError for too much."""
    room, settings = Room(), []
    sizes = {name: size_bytes(value) for name, value in services.items()}
    for name, size in sizes.items():
        room.take(len(name) + 1 + size, f"the variable {name} of a Service (enableServiceLinks: false leaves those out)")
    for setting in _settings(pod, container):
        size = measured(setting.text, sizes.get) if setting.expands else size_bytes(setting.text)
        room.take(size_bytes(setting.name) + 1 + size, f"the variable {setting.name}")
        sizes[setting.name] = size
        settings.append(setting)
    for what, words in (("command", container.command), ("args", container.args)):
        for index, word in enumerate(words):
            room.take(measured(word, sizes.get), f"{what}[{index}]")
    return settings, room.taken


def _settings(pod: BoundPod, container: AnyContainer) -> Iterator[Setting]:
    for source in reversed(dict.fromkeys(reversed(container.env_from))):  # one that is named twice counts where it is last
        yield from _from_source(pod, source)
    for variable in container.env:
        if variable.value_from is None:
            yield Setting(variable.name, variable.value, expands=True)
        elif (ref := variable.value_from.file_key_ref) is not None:
            file = EnvFile(
                name=variable.name, volume=ref.volume_name, path=ref.path, key=ref.key, optional=bool(ref.optional)
            )  # fmt: skip
            yield Setting(variable.name, "", file=file)
        elif (value := _value_from(pod, container, variable.value_from)) is not None:
            yield Setting(variable.name, value)


def _value_from(pod: BoundPod, container: AnyContainer, source: core_v1.EnvVarSource) -> str | None:
    """What the source says; None for an optional reference to nothing."""
    namespace = pod.pod.metadata.namespace
    if source.field_ref is not None:
        return field_value(pod, source.field_ref.field_path)
    if source.resource_field_ref is not None:
        return resource_value(pod, source.resource_field_ref, container)
    if source.config_map_key_ref is not None:
        ref = source.config_map_key_ref
        config_map = _config_map(pod.view, namespace, ref.name, bool(ref.optional))
        plain = config_map.data.get(ref.key) if config_map is not None else None
        return _there(plain, ref.key, bool(ref.optional), f"ConfigMap {namespace}/{ref.name}")
    if source.secret_key_ref is not None:
        key = source.secret_key_ref
        secret = _secret(pod.view, namespace, key.name, bool(key.optional))
        coded = secret.data.get(key.key) if secret is not None else None
        value = b64decode(coded).decode(errors="replace") if coded is not None else None
        return _there(value, key.key, bool(key.optional), f"Secret {namespace}/{key.name}")
    return ""


def _there(value: str | None, key: str, optional: bool, where: str) -> str | None:
    if value is None and not optional:
        raise ConfigError(f"couldn't find key {key} in {where}")
    return value


def _from_source(pod: BoundPod, source: core_v1.EnvFromSource) -> Iterator[Setting]:
    namespace = pod.pod.metadata.namespace
    if source.config_map_ref is not None:
        config_map = _config_map(pod.view, namespace, source.config_map_ref.name, bool(source.config_map_ref.optional))
        for key, value in sorted(config_map.data.items()) if config_map is not None else ():
            yield Setting(source.prefix + key, value)
    elif source.secret_ref is not None:
        secret = _secret(pod.view, namespace, source.secret_ref.name, bool(source.secret_ref.optional))
        for key, coded in sorted(secret.data.items()) if secret is not None else ():
            yield Setting(source.prefix + key, b64decode(coded).decode(errors="replace"))


def _config_map(view: View, namespace: str, name: str, optional: bool) -> core_v1.ConfigMap | None:
    found = view.get(core_v1.ConfigMap, name, namespace)
    if found is None and not optional:
        raise ConfigError(f'configmap "{name}" not found')
    return found


def _secret(view: View, namespace: str, name: str, optional: bool) -> core_v1.Secret | None:
    found = view.get(core_v1.Secret, name, namespace)
    if found is None and not optional:
        raise ConfigError(f'secret "{name}" not found')
    return found


def config_map_data(view: View, namespace: str, name: str, optional: bool) -> dict[str, bytes] | None:
    """A config map's content; None for an optional one that is missing. Errors: ConfigError."""
    found = _config_map(view, namespace, name, optional)
    if found is None:
        return None
    return {
        **{key: value.encode() for key, value in found.data.items()},
        **{key: b64decode(value) for key, value in found.binary_data.items()},
    }


def secret_data(view: View, namespace: str, name: str, optional: bool) -> dict[str, bytes] | None:
    """A secret's content, decoded; None for an optional one that is missing. Errors: ConfigError."""
    found = _secret(view, namespace, name, optional)
    return {key: b64decode(value) for key, value in found.data.items()} if found is not None else None


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
