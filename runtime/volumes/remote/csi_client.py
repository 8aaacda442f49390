"""The calls that a node makes of a CSI driver and of its registration, over a unix socket.

Source: the CSI specification 1.11 and Kubernetes' pluginregistration v1: the messages below have their names and numbers. The
packages come with `pip install 'shipslog[csi]'`.

Tests: tests/runtime/volumes/remote/test_csi.py
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from shipslog.runtime.volumes.failed import VolumeFailed

from .tools import ToolMissing

CALL_S = 120.0
# By message: its fields' numbers and types. A leading `*` is a repeated field, `map` one of text to text, other words messages.
MESSAGES: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Empty": {},
    "PluginInfo": {
        "type": (1, "string"),
        "name": (2, "string"),
        "endpoint": (3, "string"),
        "supported_versions": (4, "*string"),
    },
    "RegistrationStatus": {"plugin_registered": (1, "bool"), "error": (2, "string")},
    "Rpc": {"type": (1, "int32")},
    "Capability": {"rpc": (1, "Rpc")},
    "Capabilities": {"capabilities": (1, "*Capability")},
    "Topology": {"segments": (1, "map")},
    "NodeInfo": {"node_id": (1, "string"), "max_volumes_per_node": (2, "int64"), "accessible_topology": (3, "Topology")},
    "MountVolume": {"fs_type": (1, "string"), "mount_flags": (2, "*string"), "volume_mount_group": (3, "string")},
    "AccessMode": {"mode": (1, "int32")},
    "BlockVolume": {},
    "VolumeCapability": {"block": (1, "BlockVolume"), "mount": (2, "MountVolume"), "access_mode": (3, "AccessMode")},
    "NodeStageVolume": {
        "volume_id": (1, "string"),
        "publish_context": (2, "map"),
        "staging_target_path": (3, "string"),
        "volume_capability": (4, "VolumeCapability"),
        "secrets": (5, "map"),
        "volume_context": (6, "map"),
    },
    "NodeUnstageVolume": {"volume_id": (1, "string"), "staging_target_path": (2, "string")},
    "NodePublishVolume": {
        "volume_id": (1, "string"),
        "publish_context": (2, "map"),
        "staging_target_path": (3, "string"),
        "target_path": (4, "string"),
        "volume_capability": (5, "VolumeCapability"),
        "readonly": (6, "bool"),
        "secrets": (7, "map"),
        "volume_context": (8, "map"),
    },
    "NodeUnpublishVolume": {"volume_id": (1, "string"), "target_path": (2, "string")},
    "CapacityRange": {"required_bytes": (1, "int64"), "limit_bytes": (2, "int64")},
    "NodeExpandVolume": {
        "volume_id": (1, "string"),
        "volume_path": (2, "string"),
        "capacity_range": (3, "CapacityRange"),
        "staging_target_path": (4, "string"),
        "volume_capability": (5, "VolumeCapability"),
    },
    "Expanded": {"capacity_bytes": (1, "int64")},
}
CALLS = {  # by name: the service, what is asked with, what is answered with
    "GetInfo": ("pluginregistration.Registration", "Empty", "PluginInfo"),
    "NotifyRegistrationStatus": ("pluginregistration.Registration", "RegistrationStatus", "Empty"),
    "NodeGetInfo": ("csi.v1.Node", "Empty", "NodeInfo"),
    "NodeGetCapabilities": ("csi.v1.Node", "Empty", "Capabilities"),
    "NodeStageVolume": ("csi.v1.Node", "NodeStageVolume", "Empty"),
    "NodeUnstageVolume": ("csi.v1.Node", "NodeUnstageVolume", "Empty"),
    "NodePublishVolume": ("csi.v1.Node", "NodePublishVolume", "Empty"),
    "NodeUnpublishVolume": ("csi.v1.Node", "NodeUnpublishVolume", "Empty"),
    "NodeExpandVolume": ("csi.v1.Node", "NodeExpandVolume", "Expanded"),
}
SOCKET_BYTES = 107  # of a path, at most
_TYPES = {"string": 9, "bool": 8, "int32": 5, "int64": 3}  # of a FieldDescriptorProto
_MESSAGE, _ONE, _MANY = 11, 1, 3


class Socket:
    """A driver's. Errors of calls: VolumeFailed, in the driver's words; ToolMissing where nobody listens."""

    def __init__(self, path: str) -> None:
        self._path = path.removeprefix("unix://")

    def call(self, name: str, timeout_s: float | None = None, **fields: Any) -> Any:
        """The answer. A driver that comes and goes is connected to anew each time."""
        grpc, messages = _grpc(), messages_of()
        service, asked, answered = CALLS[name]
        if not Path(self._path).is_socket() or len(self._path) > SOCKET_BYTES:
            raise ToolMissing(f"there is no driver at {self._path}")
        with grpc.insecure_channel(f"unix:{self._path}") as channel:
            method = channel.unary_unary(
                f"/{service}/{name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=messages[answered].FromString,
            )
            try:
                return method(messages[asked](**fields), timeout=timeout_s or CALL_S)
            except grpc.RpcError as error:
                code, details = error.code().name, error.details() or "it says nothing"
                if code == "UNAVAILABLE":
                    raise ToolMissing(f"nobody answers at {self._path}: {details}") from error
                raise VolumeFailed(f"rpc error: code = {code} desc = {details}") from error


def _grpc() -> Any:
    try:
        import grpc
    except ImportError as error:
        raise ToolMissing("CSI drivers need two more packages: pip install 'shipslog[csi]'") from error
    return grpc


@cache
def messages_of() -> Mapping[str, Any]:
    """The classes of MESSAGES. Errors: ToolMissing."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise ToolMissing("CSI drivers need two more packages: pip install 'shipslog[csi]'") from error
    file = descriptor_pb2.FileDescriptorProto(name="shipslog/csi.proto", package="shipslog.csi", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"shipslog.csi.{name}")) for name in MESSAGES}


def _add(message: Any, field: str, number: int, kind: str) -> None:
    repeated, kind = kind.startswith("*"), kind.removeprefix("*")
    added = message.field.add(name=field, number=number, label=_MANY if repeated or kind == "map" else _ONE)
    if kind == "map":
        entry = message.nested_type.add(name=f"{field.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        for name, at in (("key", 1), ("value", 2)):
            entry.field.add(name=name, number=at, label=_ONE, type=_TYPES["string"])
        added.type, added.type_name = _MESSAGE, f".shipslog.csi.{message.name}.{entry.name}"
    elif kind in _TYPES:
        added.type = _TYPES[kind]
    else:
        added.type, added.type_name = _MESSAGE, f".shipslog.csi.{kind}"
