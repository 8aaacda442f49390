"""A CSI driver for tests: it speaks over real sockets, mounts real file systems, and fails at will."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from shipslog.runtime.volumes.remote.csi_client import CALLS, messages_of

NAME = "test.csi.example.com"


class Driver:
    """Listens in `place` and asks to be registered in `registry`. `inside`: a mount namespace that its mounts are made in."""

    def __init__(
        self, place: Path, registry: Path, *, inside: Path | None = None, name: str = NAME, kind: str = "CSIPlugin"
    ) -> None:
        self.name, self.kind = name, kind
        self.can = [1, 3]  # stage, and expand
        self.waits: threading.Event | None = None  # what changes something waits for it
        self.reaches = 0  # bytes, of what it expands; 0 for what is asked for
        self.fails: dict[str, str] = {}
        self.calls: list[tuple[str, Any]] = []
        self.told: list[Any] = []
        self._before = ["nsenter", f"--mount={inside}"] if inside is not None else []
        self._socket, self._registration = place / "csi.sock", registry / "test-reg.sock"
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
        if call.startswith("Node") and not call.startswith("NodeGet"):
            self.calls.append((call, request))
            if self.waits is not None:
                assert self.waits.wait(30)
        kind = messages_of()[answered]
        match call:
            case "GetInfo":
                return kind(type=self.kind, name=self.name, endpoint=str(self._socket), supported_versions=["1.0.0"])
            case "NotifyRegistrationStatus":
                self.told.append(request)
            case "NodeGetInfo":
                return kind(
                    node_id="id-1", max_volumes_per_node=7, accessible_topology={"segments": {"example.com/rack": "r1"}}
                )
            case "NodeGetCapabilities":
                return kind(capabilities=[{"rpc": {"type": number}} for number in self.can])
            case "NodeExpandVolume":
                return kind(capacity_bytes=self.reaches or request.capacity_range.required_bytes)
            case "NodeStageVolume":
                self._run("mount", "-t", "tmpfs", "staged", request.staging_target_path)
            case "NodeUnstageVolume":
                self._run("umount", request.staging_target_path)
            case "NodePublishVolume":
                self._run("mkdir", "-p", request.target_path)
                source = ("--bind", request.staging_target_path) if request.staging_target_path else ("-t", "tmpfs", "inline")
                self._run("mount", *source, request.target_path)
            case "NodeUnpublishVolume":
                self._run("sh", "-c", f"umount {request.target_path}; rmdir {request.target_path}; true")
        return kind()

    def _run(self, *command: str) -> None:
        done = subprocess.run([*self._before, *command], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
