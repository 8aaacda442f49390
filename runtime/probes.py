"""Runs the probes of a node, and reports only what flips.

Source: kubelet's prober: a container is not ready and not started until a probe says so, and is alive until one denies it.
"""

import asyncio
import contextlib
import http.client
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence

from shipslog.store.facts import ProbeFlipped

from .commands import Hook, ProbeTarget
from .node import Report, StreamRefused

Exec = Callable[[str, str, Sequence[str], float], Awaitable[tuple[int, bytes]]]
Key = tuple[str, str, int, str]
MESSAGE_BYTES = 1024


class Prober:
    """One task a target. `run_in` executes a command in a container: (pod uid, container, argv, seconds) -> (code, output)."""

    def __init__(self, node: str, report: Report, run_in: Exec) -> None:
        self._node, self._report, self._exec = node, report, run_in
        self._tasks: dict[Key, tuple[ProbeTarget, asyncio.Task[None]]] = {}

    async def set_targets(self, targets: Sequence[ProbeTarget]) -> None:
        """These and no others from now on; those that did not change go on undisturbed."""
        wanted: dict[Key, ProbeTarget] = {(t.pod_uid, t.container, t.attempt, t.probe): t for t in targets}
        for key, (target, task) in list(self._tasks.items()):
            if wanted.get(key) != target:
                task.cancel()
                del self._tasks[key]
        for key, target in wanted.items():
            if key not in self._tasks:
                self._tasks[key] = (target, asyncio.get_running_loop().create_task(self._run(target)))

    async def close(self) -> None:
        tasks = [task for _, task in self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, target: ProbeTarget) -> None:
        healthy: bool | None = True if target.probe == "liveness" else None
        row, last = 0, False
        await asyncio.sleep(target.initial_delay_s)
        while True:
            good, message = await self.probe(target)
            row = row + 1 if good is last else 1
            last = good
            if good and healthy is not True and row >= target.success_threshold:
                healthy = self._flip(target, True, "")
            elif not good and healthy is not False and row >= target.failure_threshold:
                healthy = self._flip(target, False, message)
            await asyncio.sleep(target.period_s)

    def _flip(self, target: ProbeTarget, healthy: bool, message: str) -> bool:
        self._report(
            ProbeFlipped(
                node=self._node, pod_uid=target.pod_uid, container=target.container, attempt=target.attempt,
                probe=target.probe, healthy=healthy, message=message, at_ns=time.time_ns(),
            )
        )  # fmt: skip
        return healthy

    async def probe(self, target: ProbeTarget) -> tuple[bool, str]:
        """(whether it succeeded, why not)"""
        action, timeout_s = target.action, float(target.timeout_s)
        try:
            if action.exec:
                code, output = await self._exec(target.pod_uid, target.container, action.exec, timeout_s)
                return code == 0, output[:MESSAGE_BYTES].decode(errors="replace").strip()
            if action.http_url:
                status = await asyncio.to_thread(http_get, action, timeout_s)
                return 200 <= status < 400, f"HTTP probe failed with statuscode: {status}"
            if action.tcp:
                await asyncio.to_thread(_connect, action.tcp, timeout_s)
                return True, ""
            return await asyncio.to_thread(_grpc, action, timeout_s)
        except StreamRefused as error:
            return False, str(error)
        except subprocess.TimeoutExpired:
            return False, f"command timed out after {target.timeout_s} s"
        except (OSError, http.client.HTTPException) as error:
            return False, _in_words(action, error)


def _in_words(action: Hook, error: Exception) -> str:
    """As kubelet puts it: what was asked, and what the network said."""
    reason = "i/o timeout" if isinstance(error, TimeoutError) else str(getattr(error, "strerror", None) or error)
    reason = reason[:1].lower() + reason[1:]
    if action.http_url:
        where = urllib.parse.urlsplit(action.http_url).netloc
        return f'Get "{action.http_url}": dial tcp {where}: connect: {reason}'
    return f"dial tcp {action.tcp}: connect: {reason}" if action.tcp else reason


def http_get(action: Hook, timeout_s: float) -> int:
    """The status of a GET; certificates are not checked, as kubelet does not. Errors: OSError, HTTPException."""
    parts = urllib.parse.urlsplit(action.http_url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    connection: http.client.HTTPConnection
    if secure:
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    with contextlib.closing(connection):
        headers = {"User-Agent": "kube-probe/1.32", "Accept": "*/*", **dict(action.http_headers)}
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers)
        return connection.getresponse().status


def _connect(where: str, timeout_s: float) -> None:
    host, _, port = where.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()


def _grpc(action: Hook, timeout_s: float) -> tuple[bool, str]:
    try:
        import grpc
    except ImportError:
        return False, "gRPC probes need the package grpcio: install shipslog[cri]"
    # grpc.health.v1: HealthCheckRequest{service=1}, HealthCheckResponse{status=1, SERVING=1}
    name = action.grpc_service.encode()
    request = b"\x0a" + bytes([len(name)]) + name if name else b""
    with grpc.insecure_channel(action.grpc) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            answer: bytes = check(request, timeout=timeout_s)
        except grpc.RpcError as error:
            said = error.details() if hasattr(error, "details") else str(error)
            return False, f"service unhealthy: {said}"
    return answer[:2] == b"\x08\x01", "service unhealthy (responded with another status than SERVING)"
