"""The daemon: one process that is the control plane and a node, from its settings to its last breath."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from shipslog.runtime.choice import UNMOVED, Choice, Ground, choose, prepare
from shipslog.runtime.containers.oci.machine import main_address
from shipslog.store.facts import ClusterConfig
from shipslog.store.log.sqlite import SqliteLog

from .api.server import ApiServer
from .auth import certificates, kubeconfig
from .cluster import Cluster
from .pasts import past
from .replay import Recording
from .time import moments
from .time.clock import SystemClock
from .tokens import issue_tokens

log = structlog.get_logger()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What `shipslog up` was asked for."""

    data: Path
    bind: str = "0.0.0.0"
    port: int = 6443
    runtime: str = "auto"
    cri_socket: str = ""
    nodes: int = 1
    node_name: str = ""
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    node_port_range: str = "30000-32767"
    kubeconfig: Path | None = None


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to know once the cluster is ready."""

    server: str
    kubeconfig: str
    runtime: str
    node: str
    dropped: str = ""  # what a crash had left half written, if anything


async def run(settings: Settings, ready: Callable[[Ready], None], ground: Ground = UNMOVED) -> None:
    """Serve until SIGTERM, SIGINT, or SIGUSR1 (then the pods end too). `ready` is called once /readyz says ok.

    Errors: LogError, RuntimeUnavailable, OSError (port in use, directory not writable), ValueError (bad settings)."""
    first, last = port_range(settings.node_port_range)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    stop, end_pods = _signals()
    event_log = await SqliteLog.open(settings.data / "cluster.db")  # first of all: it holds the directory for this process
    here = ground.rootless.address if ground.rootless is not None else main_address()
    address = here if settings.bind in ("0.0.0.0", "::") or ground.rootless is not None else settings.bind
    choice = choose(
        settings.runtime, data=settings.data, node=settings.node_name or socket.gethostname().lower(), nodes=settings.nodes,
        pod_cidr=settings.pod_cidr, service_cidr=settings.service_cidr, cri_socket=settings.cri_socket, address=here,
        ground=ground,
    )  # fmt: skip
    config = ClusterConfig(
        service_cidr=settings.service_cidr, pod_cidr=settings.pod_cidr, node_port_first=first, node_port_last=last,
        api_host=address, api_port=settings.port,
    )  # fmt: skip
    pki = certificates.ensure(
        settings.data / "pki", (settings.bind, address, socket.gethostname()), service_ip=first_address(settings.service_cidr)
    )
    async with Cluster.open(
        event_log=event_log,
        runtime=choice.runtimes,
        config=config,
        ca_certificate=pki.ca_certificate,
        end_pods=end_pods.is_set,
    ) as cluster:
        issue_tokens(cluster, pki)
        outside = ground.rootless.outside if ground.rootless is not None else None
        server = ApiServer(cluster, bind=settings.bind, port=settings.port, pki=pki, data=settings.data, outside=outside)
        await server.start()
        _spare_collections()
        try:
            _announce(settings, pki, choice, address, event_log.dropped, ready)
            await _first_of(stop, cluster.ended)
            if cluster.failure is not None:
                raise RuntimeError("the engine stopped by itself; the log file says more") from cluster.failure
        finally:
            await server.stop()
            (settings.data / "daemon.json").unlink(missing_ok=True)


def _announce(
    settings: Settings, pki: certificates.Pki, choice: Choice, address: str, dropped: str, ready: Callable[[Ready], None]
) -> None:
    host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::", "127.0.0.1") else settings.bind
    server = f"https://{host}:{settings.port}"
    path = settings.kubeconfig or settings.data / "kubeconfig"
    kubeconfig.write(path, pki, server=server)
    told = Ready(server=server, kubeconfig=str(path), runtime=choice.said, node=choice.runtimes[0].node, dropped=dropped)
    record = {
        "pid": os.getpid(), "server": server, "kubeconfig": str(path), "runtime": choice.said, "node": told.node,
        "log_file": str(settings.data / "shipslog.log"),
    }  # fmt: skip
    (settings.data / "daemon.json").write_bytes(msgspec.json.encode(record))
    ready(told)


def _spare_collections() -> None:
    """What is there now stays; objects of the API hold no cycles. So the collector has little to find, and looks less often:
    a full collection of a large cluster's state would stop everybody for tens of milliseconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


async def _first_of(*events: asyncio.Event) -> None:
    """Returns when one of them is set."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """-> (set when it is time to stop, set when the pods are to end too)."""
    stop, end_pods, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        end_pods.set()
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, end)
    return stop, end_pods


def port_range(text: str) -> tuple[int, int]:
    """`30000-32767` -> (30000, 32767). Errors: ValueError."""
    first, dash, last = text.partition("-")
    if not dash or not first.isdigit() or not last.isdigit() or not 0 < int(first) <= int(last) < 65536:
        raise ValueError(f"--node-port-range {text!r}: give the first and the last port, for example 30000-32767")
    return int(first), int(last)


def first_address(cidr: str) -> str:
    """The first usable address of a range."""
    import ipaddress

    return str(ipaddress.ip_network(cidr)[1])


def end_pods_of(data: Path) -> None:
    """End what the pods of a data directory have left on the machine, with no daemon running. Only before the first thread.

    Errors: LeftBehind, RuntimeUnavailable, OSError."""
    ground = prepare("auto", data)

    async def end() -> None:
        choice = choose("auto", data=data, node=socket.gethostname().lower(), address=main_address(), ground=ground)
        for runtime in choice.runtimes:
            await runtime.start(lambda fact: None, ())
            await runtime.close(end_pods=True)

    asyncio.run(end())


async def serve_recording(
    path: Path, moment: str, *, bind: str, port: int, kubeconfig: Path, say: Callable[[str], None]
) -> None:
    """Serve a log file read-only, at a moment, until SIGINT or SIGTERM. Certificates lie beside the kubeconfig."""
    from .auth.kubeconfig import write
    from .time.clock import api_time

    event_log = await SqliteLog.open(path, read_only=True)
    try:
        at = moments.parse(moment, SystemClock().now_ns()) if moment else moments.Moment(revision=event_log.revision)
        revision = at.revision if at.revision is not None else await event_log.revision_at(at.time_ns or 0)
        recording = Recording(event_log, await past(event_log, revision))
        pki = certificates.ensure(kubeconfig.with_suffix(".pki"), (bind,))
        server = ApiServer(recording, bind=bind, port=port, pki=pki, data=kubeconfig.with_suffix(".pki"))
        await server.start()
        stop, _ = _signals()
        try:
            write(kubeconfig, pki, server=f"https://{bind}:{server.port}")
            when = api_time(recording.view.time_ns)
            say(f"{path} at revision {revision} of {event_log.revision} ({when}), read-only. Try:")
            say(f"  kubectl --kubeconfig {kubeconfig} get pods --all-namespaces")
            await stop.wait()
        finally:
            await server.stop()
    finally:
        await event_log.close()
