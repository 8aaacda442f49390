"""Runs the probes of a node, and reports only what flips.

Probes live on the loop, on asynchronous sockets, each under a deadline over everything that it does: however many hang, nothing
else waits for them. Source: kubelet's prober: a container is not ready and not started until a probe says so, and is alive
until one denies it. Unlike there, a probe that cannot even be asked (an argument with a NUL, a header that cannot be sent)
counts as failed and says why.
"""

import asyncio
import errno
import os
import socket
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from shipslog.runtime.commands import Hook, ProbeTarget
from shipslog.runtime.network.lookup import Lookups
from shipslog.runtime.node import Report, StreamRefused
from shipslog.store.facts import ProbeFlipped
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks

from . import grpc_health
from .http_action import HttpFailed, http_get

Exec = Callable[[str, str, Sequence[str], float], Awaitable[tuple[int, bytes]]]
Key = tuple[str, str, int, str]
MESSAGE_BYTES = 1024

log = logger(__name__)


class Prober:
    """One task a target. `run_in` executes a command in a container: (pod uid, container, argv, seconds) -> (code, output);
    cancelled, it ends the command."""

    def __init__(self, node: str, report: Report, run_in: Exec, lookups: Lookups | None = None) -> None:
        self._node, self._report, self._exec = node, report, run_in
        self._lookups = lookups or Lookups()
        self._targets: dict[Key, tuple[ProbeTarget, asyncio.Task[None]]] = {}
        self._tasks = Tasks("prober")
        self._counts: dict[tuple[str, str, str, str], int] = {}

    async def set_targets(self, targets: Sequence[ProbeTarget]) -> None:
        """These and no others from now on; those that did not change go on undisturbed."""
        wanted: dict[Key, ProbeTarget] = {(t.pod_uid, t.container, t.attempt, t.probe): t for t in targets}
        for key, (target, task) in list(self._targets.items()):
            if wanted.get(key) != target:
                task.cancel()
                del self._targets[key]
        for key, target in wanted.items():
            if key not in self._targets:
                name = f"{target.probe} probe of {target.container} in {target.pod_uid}"
                self._targets[key] = (target, self._tasks.keep(name, partial(self._run, target)))

    def _count(self, target: ProbeTarget, good: bool) -> None:
        key = (target.pod_uid, target.container, target.probe, "successful" if good else "failed")
        self._counts[key] = self._counts.get(key, 0) + 1

    def counts(self) -> dict[tuple[str, str, str, str], int]:
        """By pod uid, container, probe and result: how often; of those that are probed at present."""
        probed = {(uid, container, probe) for uid, container, _, probe in self._targets}
        self._counts = {key: count for key, count in self._counts.items() if key[:3] in probed}
        return self._counts

    async def close(self) -> None:
        self._targets.clear()
        await self._tasks.close()

    async def _run(self, target: ProbeTarget) -> None:
        healthy: bool | None = True if target.probe == "liveness" else None
        row, last, warned = 0, False, False
        await asyncio.sleep(target.initial_delay_s)
        while True:
            good, message = await self.probe(target)
            self._count(target, good)
            row = row + 1 if good is last else 1
            last = good
            if good and healthy is not True and row >= target.success_threshold:
                healthy = self._flip(target, True, "")
            elif not good and healthy is not False and row >= target.failure_threshold:
                healthy = self._flip(target, False, message)
            if good and message and not warned and healthy:
                self._flip(target, True, message)
            warned = good and bool(message)
            await asyncio.sleep(target.period_s)

    def _flip(self, target: ProbeTarget, healthy: bool, message: str) -> bool:
        self._report(
            ProbeFlipped(
                node=self._node, pod_uid=target.pod_uid, container=target.container, attempt=target.attempt,
                probe=target.probe, healthy=healthy, message=message[:MESSAGE_BYTES], at_ns=time.time_ns(),
            )
        )  # fmt: skip
        return healthy

    async def probe(self, target: ProbeTarget) -> tuple[bool, str]:
        """(whether it succeeded, why not, or what is to be warned of); within the target's timeout, whatever is at the other
        end."""
        try:
            async with asyncio.timeout(float(target.timeout_s)):
                return await self._ask(target)
        except TimeoutError:
            return False, _too_late(target)
        except StreamRefused as error:
            return False, str(error)
        except (OSError, HttpFailed) as error:
            return False, _in_words(target.action, error)
        except Exception as error:
            where = {"pod_uid": target.pod_uid, "container": target.container, "probe": target.probe}
            log.warning("probe_errored", error=repr(error), **where)
            return False, f"probe errored: {error}"

    async def _ask(self, target: ProbeTarget) -> tuple[bool, str]:
        action = target.action
        if action.exec:
            code, output = await self._exec(target.pod_uid, target.container, action.exec, float(target.timeout_s))
            return code == 0, output[:MESSAGE_BYTES].decode(errors="replace").strip() if code else ""
        if action.http_url:
            status, body = await http_get(action, target.pod_uid, self._lookups)
            if 300 <= status < 400:  # it leads away: good, and worth a warning
                return True, f"Probe terminated redirects, Response body: {body[:MESSAGE_BYTES].decode(errors='replace')}"
            good = 200 <= status < 300
            return good, "" if good else f"HTTP probe failed with statuscode: {status}"
        if action.tcp:
            await self._connect(action.tcp, target.pod_uid)
            return True, ""
        serves, why = await grpc_health.check(action)
        return serves, "" if serves else why

    async def _connect(self, where: str, pod_uid: str) -> None:
        host, _, port = where.rpartition(":")
        addresses = await self._lookups.addresses(pod_uid, host.strip("[]"), int(port))
        family, _, _, _, place = addresses[0]
        with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as made:
            await _connected(made, place)


async def _connected(made: socket.socket, place: tuple[object, ...]) -> None:
    """Without a transport, and without the threads of libuv that `sock_connect` has look up what is an address already: only
    whether it connects is asked, and thirty pods are asked all the time. Errors: OSError."""
    error = made.connect_ex(place)
    if error == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_writer(made.fileno(), _set, ready)
        try:
            await ready
        finally:
            loop.remove_writer(made.fileno())
        error = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _too_late(target: ProbeTarget) -> str:
    """As kubelet puts it."""
    action = target.action
    if action.exec:
        return f'command "{" ".join(action.exec)}" timed out after {target.timeout_s} s'
    if action.http_url:
        return f'Get "{action.http_url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    if action.tcp:
        return f"dial tcp {action.tcp}: i/o timeout"
    return f"timeout: health rpc did not complete within {target.timeout_s} s"


def _in_words(action: Hook, error: Exception) -> str:
    """As kubelet puts it: what was asked, and what the network said."""
    number = getattr(error, "errno", None)
    # not for getaddrinfo, whose numbers are its own
    reason = os.strerror(number) if isinstance(number, int) and number > 0 else str(getattr(error, "strerror", "") or error)
    reason = reason[:1].lower() + reason[1:]
    if isinstance(error, HttpFailed):
        return f'Get "{action.http_url}": {reason}'
    if action.http_url:
        where = urllib.parse.urlsplit(action.http_url).netloc
        return f'Get "{action.http_url}": dial tcp {where}: connect: {reason}'
    return f"dial tcp {action.tcp}: connect: {reason}" if action.tcp else reason
