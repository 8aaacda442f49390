"""What a decision's commands come to in sixteen hexadecimal digits: the log keeps them, and a replay compares.

`DIGEST` is the version that new decisions are recorded with. In version 3 objects have their fields in the order of names, so
it does not matter how a type is put together. Since version 2 a field of a command with the value of its default is left out:
a command that grows a field, with a default that means what was meant without it, has the digest that it had. Version 1 wrote
every field; its table says which there were, and never changes; nor does that of objects (`digest_objects`).
"""

import hashlib
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import msgspec

from shipslog.runtime import commands as rt
from shipslog.store import commands as store
from shipslog.store.commands import AnyObjectCommand
from shipslog.store.objects.values.scalars import Object, as_json

from .digest_objects import as_it_stood

DIGEST = 3
Commands = tuple[AnyObjectCommand | rt.AnyRuntimeCommand, ...]


def digest(commands: Commands, version: int = DIGEST) -> str:
    """Sixteen digits that two equal lists of commands share. Errors: KeyError for a version that is not known."""
    write = WRITERS[version]
    return hashlib.sha256(write([_shortened(c) for c in commands])).hexdigest()[:16]


def _shortened(command: AnyObjectCommand | rt.AnyRuntimeCommand) -> Any:
    """Rules can be megabytes: they stand as their digest."""
    match command:
        case rt.ApplyRuleset():
            return command.node, command.ruleset.digest
        case rt.ApplyNetworkPolicies():
            return command.node, command.policies.digest, "networkpolicies"
    return command


# --- version 3, and 2 with its objects ---


def _sorted(value: Any) -> bytes:
    return msgspec.json.encode(_plain(value, lambda obj: obj), order="sorted", enc_hook=as_json)


def _without_defaults(value: Any) -> bytes:
    return msgspec.json.encode(_plain(value, as_it_stood), order="deterministic")


def _plain(value: Any, of_object: Callable[[Object], Any]) -> Any:
    """Plain values; of commands and their parts the fields that say something, by name."""
    if isinstance(value, Object):
        return of_object(value)
    if isinstance(value, tuple | list):
        return [_plain(v, of_object) for v in value]
    if isinstance(value, dict):
        return {key: _plain(v, of_object) for key, v in value.items()}
    if not isinstance(value, msgspec.Struct):
        return value
    tag, fields, all_held = _fields(type(value))
    plain = {}
    for (name, default, has_parts), held in zip(fields, all_held(value), strict=True):
        if held is not default and held != default:
            plain[name] = _plain(held, of_object) if has_parts else held
    if tag is not None:
        plain["type"] = tag
    return plain


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[Any, tuple[tuple[str, Any, bool], ...], Callable[[Any], tuple[Any, ...]]]:
    """The tag; of each field its name, its default, and whether there can be Structs in it; and what all of them hold."""
    hints = get_type_hints(struct)
    fields = tuple(
        (f.name, f.default if f.default_factory is msgspec.NODEFAULT else f.default_factory(), _has_parts(hints[f.name]))
        for f in msgspec.structs.fields(struct)
    )
    return struct.__struct_config__.tag, fields, _held(struct.__struct_fields__)


def _held(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple([getattr(value, name) for name in names])  # of one name attrgetter makes no tuple


def _has_parts(hint: Any) -> bool:
    if hint is Any or (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return True
    return any(_has_parts(part) for part in get_args(hint))


# --- version 1 ---

FIELDS_1: dict[type[msgspec.Struct], str] = {
    rt.FileContent: "path data mode user",
    rt.TokenRequest: "path audience expiration_s service_account namespace pod_name pod_uid mode user",
    rt.VolumeSource: "name kind medium size_limit_bytes host_path host_path_type files token_requests in_memory read_only",
    rt.PortMapping: "protocol container_port host_port host_ip",
    rt.RunPodSandbox: "node pod_uid namespace name hostname fqdn labels host_network host_pid host_ipc share_process_namespace "
    "port_mappings dns_servers dns_searches dns_options host_aliases sysctls fs_group volumes cpu_limit_milli "
    "memory_limit_bytes",
    rt.RefreshVolumes: "node pod_uid volumes fs_group round",
    rt.PullImage: "node image policy credentials",
    rt.Mount: "volume path sub_path read_only propagation",
    rt.Security: "privileged run_as_user run_as_group run_as_non_root supplemental_groups capabilities_add capabilities_drop "
    "read_only_root allow_privilege_escalation",
    rt.StartContainer: "node pod_uid namespace name container attempt image target command args env working_dir mounts stdin "
    "stdin_once tty cpu_request_milli cpu_limit_milli memory_limit_bytes oom_score_adj termination_message_path "
    "termination_message_fallback_to_logs security post_start",
    rt.Hook: "exec http_url http_headers tcp grpc grpc_service sleep_s",
    rt.StopContainer: "node pod_uid container attempt grace_period_s pre_stop reason",
    rt.RemovePodSandbox: "node pod_uid",
    rt.ProbeTarget: "pod_uid container attempt probe action initial_delay_s period_s timeout_s success_threshold "
    "failure_threshold",
    rt.SetProbes: "node targets",
    store.Create: "object",
    store.Update: "object subresource",
    store.Patch: "resource namespace name media_type body subresource field_validation",
    store.Delete: "resource namespace name uid resource_version grace_period_s propagation",
    store.Bind: "namespace name node uid resource_version annotations",
    store.Evict: "namespace name grace_period_s uid",
}


def _with_defaults(value: Any) -> bytes:
    fields = FIELDS_1.get(type(value))
    if fields is not None:
        tag = type(value).__struct_config__.tag
        members = [b'"type":%s' % msgspec.json.encode(tag)] if tag is not None else []
        held = ((name, getattr(value, name)) for name in fields.split())
        members += [b'"%s":%s' % (name.encode(), _with_defaults(v)) for name, v in held if v is not msgspec.UNSET]
        return b"{%s}" % b",".join(members)
    if isinstance(value, tuple | list):
        return b"[%s]" % b",".join(map(_with_defaults, value))
    if isinstance(value, dict):
        return b"{%s}" % b",".join(b"%s:%s" % (msgspec.json.encode(k), _with_defaults(v)) for k, v in sorted(value.items()))
    return bytes(as_it_stood(value)) if isinstance(value, Object) else msgspec.json.encode(value, order="deterministic")


WRITERS = {1: _with_defaults, 2: _without_defaults, 3: _sorted}
NOT_TAKEN_AGAIN = 0  # a version that none has: of a copy of a log, where what was decided on is not whole any more
