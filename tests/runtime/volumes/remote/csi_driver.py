"""A CSI driver for tests: it speaks over real sockets, mounts real file systems, and fails at will."""

import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from shipslog.runtime.volumes.remote.csi_client import CALLS, messages_of

NAME = "test.csi.example.com"


class Driver:
    """Listens in `place` and asks to be registered in `registry`. `inside`: a mount namespace that its mounts are made in."""

    def __init__(
        self,
        place: Path,
        registry: Path,
        *,
        inside: Path | None = None,
        name: str = NAME,
        kind: str = "CSIPlugin",
        socket: str = "csi",
        answers: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """`answers`: other than what it says to GetInfo and NodeGetInfo, by field. `socket`: the name of its two."""
        self.name, self.kind, self.answers = name, kind, answers or {}
        self.device = ""  # what it publishes as a block device
        self.mounts = True  # whether it stages by mounting something
        self.hangs: set[str] = set()  # calls that are not answered before it is told to (`waits`)
        self.can = [1, 3]  # stage, and expand
        self.waits: threading.Event | None = None  # what changes something waits for it
        self.reaches = 0  # bytes, of what it expands; 0 for what is asked for
        self.fails: dict[str, str] = {}
        self.calls: list[tuple[str, Any]] = []
        self.told: list[Any] = []
        self._before = ["nsenter", f"--mount={inside}"] if inside is not None else []
        self._socket, self._registration = place / f"{socket}.sock", registry / f"{socket}-reg.sock"
        registry.mkdir(parents=True, exist_ok=True)
        self._server = grpc.server(ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers(tuple(self._services()))
        self._server.add_insecure_port(f"unix:{self._socket}")
        self._server.add_insecure_port(f"unix:{self._registration}")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()
        for path in (self._socket, self._registration):
            path.unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Of the calls that change something."""
        return [name for name, _ in self.calls]

    def _services(self) -> list[Any]:
        methods: dict[str, dict[str, Any]] = {}
        for call, (service, asked, answered) in CALLS.items():
            methods.setdefault(service, {})[call] = grpc.unary_unary_rpc_method_handler(
                lambda request, context, call=call, answered=answered: self._handle(call, answered, request, context),
                request_deserializer=messages_of()[asked].FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
        return [grpc.method_handlers_generic_handler(service, found) for service, found in methods.items()]

    def _handle(self, call: str, answered: str, request: Any, context: Any) -> Any:
        if call in self.fails:
            context.abort(grpc.StatusCode.INTERNAL, self.fails[call])
        changes = call.startswith("Node") and not call.startswith("NodeGet")
        if changes:
            self.calls.append((call, request))
        if self.waits is not None and (changes or call in self.hangs):
            assert self.waits.wait(30)
        kind = messages_of()[answered]
        match call:
            case "GetInfo":
                said = {"type": self.kind, "name": self.name, "endpoint": str(self._socket), "supported_versions": ["1.0.0"]}
                return kind(**{**said, **self.answers.get(call, {})})
            case "NotifyRegistrationStatus":
                self.told.append(request)
            case "NodeGetInfo":
                rack = {"segments": {"example.com/rack": "r1"}}
                said = {"node_id": "id-1", "max_volumes_per_node": 7, "accessible_topology": rack}
                return kind(**{**said, **self.answers.get(call, {})})
            case "NodeGetCapabilities":
                return kind(capabilities=[{"rpc": {"type": number}} for number in self.can])
            case "NodeExpandVolume":
                return kind(capacity_bytes=self.reaches or request.capacity_range.required_bytes)
            case "NodeStageVolume":
                if self.mounts and not self._mounted(request.staging_target_path):
                    self._run("mount", "-t", "tmpfs", "staged", request.staging_target_path)
            case "NodeUnstageVolume":
                if self._mounted(request.staging_target_path):
                    self._run("umount", request.staging_target_path)
            case "NodePublishVolume" if request.volume_capability.HasField("block"):
                if not self._mounted(request.target_path):
                    self._run("touch", request.target_path)
                    self._run("mount", "--bind", self.device, request.target_path)
            case "NodePublishVolume" if not self._mounted(request.target_path):
                self._run("mkdir", "-p", request.target_path)
                staged = request.staging_target_path if self.mounts else ""
                source = ("--bind", staged) if staged else ("-t", "tmpfs", "inline")
                self._run("mount", *source, request.target_path)
            case "NodeUnpublishVolume":
                self._run("sh", "-c", f"umount {request.target_path}; rm -d {request.target_path}; true")
        return kind()

    def _mounted(self, path: str) -> bool:
        return subprocess.run([*self._before, "mountpoint", "-q", path], check=False).returncode == 0

    def _run(self, *command: str) -> None:
        done = subprocess.run([*self._before, *command], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
