"""The daemon: one process that is the control plane and a node, from its settings to its last breath.

Tests: tests/engine/test_daemon_record.py, tests/engine/settings/test_resolved.py, tests/engine/cli/test_up.py
"""

import asyncio
import contextlib
import gc
import os
import platform
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from shipslog.engine.api.connection.server import ApiServer, listen
from shipslog.engine.past.replay import Recording
from shipslog.engine.past.views import check, extent, view_at
from shipslog.runtime.choice import UNMOVED, Choice, Ground, choose, prepare
from shipslog.runtime.containers.logs.limits import LogLimits
from shipslog.runtime.dns.sockets import Sockets, opened_each
from shipslog.runtime.network import claimed_ranges
from shipslog.runtime.node import RuntimeUnavailable
from shipslog.store.facts import ClusterConfig, NodeObserved
from shipslog.store.families import families_in, first_in, of_family, ranges_in
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.logger import logger
from shipslog.store.tasks import Tasks, hear

from .auth import certificates, kubeconfig
from .cluster import VERSION, Cluster
from .notify import Notifier
from .settings import Settings, claim_of, keep, kept_in, resolve
from .settings.node_addresses import everywhere, masks_of, node_addresses
from .settings.pressure import pressure_of
from .settings.scheduling import configuration
from .settings.values import port_range, seconds, size_bytes
from .tokens import issue_tokens

if TYPE_CHECKING:
    from shipslog.runtime.images.credential_providers import CredentialProviders

    from .api.kubelet.server import Ports

RENEW_EVERY_S = 3600.0

log = logger(__name__)


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to know once the cluster is ready."""

    server: str
    kubeconfig: str
    runtime: str
    node: str
    listens: str = ""  # where the API is to be had, in a sentence
    dropped: str = ""  # what a crash had left half written, if anything


async def run(settings: Settings, ready: Callable[[Ready], None], ground: Ground = UNMOVED) -> None:
    """Serve until SIGTERM, SIGINT, or SIGUSR1 (then the pods end too). `ready` is called once /readyz says ok.

    Errors: LogError, RuntimeUnavailable, OSError (port in use, directory not writable)."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    hear(asyncio.get_running_loop())
    stop, end_pods = _signals()
    event_log = await SqliteLog.open(settings.data / "cluster.db")  # first of all: it holds the directory for this process
    outside = ground.rootless.outside if ground.rootless is not None else None
    try:
        listening = listen(
            settings.bind, settings.port, outside, everywhere(settings)
        )  # before anything is made, and the port stands in all of it
    except BaseException:
        await event_log.close(unbegun=True)
        raise
    settings = replace(settings, port=listening[0].getsockname()[1])
    claim = claim_of(settings) if ground.rootless is None else None  # in a network of its own nothing is shared
    log.info(
        "starting", version=VERSION, python=platform.python_version(), pid=os.getpid(), data=str(settings.data),
        bind=settings.bind, port=settings.port, revision=event_log.revision,
    )  # fmt: skip
    try:
        if claim is not None:
            claimed_ranges.take(claim)
        with contextlib.ExitStack() as held:
            await _serve(settings, ready, ground, event_log, listening, stop, end_pods, held)
    finally:
        if claim is not None and (end_pods.is_set() or kept_in(settings.data) is None):  # else its pods run on
            claimed_ranges.release(claim)
        await event_log.close(unbegun=True)
        for listener in listening:
            listener.close()
        log.info("stopped", revision=event_log.revision)


async def _serve(
    settings: Settings,
    ready: Callable[[Ready], None],
    ground: Ground,
    event_log: SqliteLog,
    listening: list[socket.socket],
    stop: asyncio.Event,
    end_pods: asyncio.Event,
    held: contextlib.ExitStack,
) -> None:
    """`held`: what is to be closed after all else."""
    begun_s, systemd = time.monotonic(), Notifier()
    here = node_addresses(settings, ground)
    main = (of_family(here, families_in(settings.pod_cidr)[0]) or here)[0]  # pods reach the API at their primary family
    address = main if settings.bind in ("0.0.0.0", "::") or ground.rootless is not None else settings.bind
    begun = event_log.revision > 0  # else a start that fails has nothing to adopt later, and takes back what it made
    names: tuple[Sockets, ...] = ()
    try:
        choice = _chosen(settings, ",".join(here), ground)
        pki = _pki(settings, (address, *here))
        kubelet = _kubelet_ports(settings, choice)
        if kubelet is not None:
            held.callback(kubelet.close)
            settings = replace(settings, kubelet_port=kubelet.number)
        if settings.dns == "builtin" and choice.reached_at:
            for made in (names := opened_each(ranges_in(choice.reached_at))):
                held.callback(made.close)
    except BaseException:
        await event_log.close(unbegun=True)
        raise
    async with Cluster.open(
        event_log=event_log,
        runtime=choice.runtimes,
        config=_config(settings, address, names),
        ca_certificate=pki.ca_certificate,
        described=lambda observed: described(observed, settings),
        end_pods=lambda: end_pods.is_set() or not begun,
        pressure=pressure_of(settings),
    ) as cluster:
        issue_tokens(cluster, pki)
        server = ApiServer(cluster, bind=settings.bind, port=settings.port, pki=pki, data=settings.data, listening=listening)
        server.handler.requests.slow_s = seconds(settings.slow_request, "slow_request")
        await server.start()
        server.aggregate(cluster)
        keep(settings, choice.name)
        begun = True
        _spare_collections()
        try:
            _announce(settings, pki, choice, "\n".join(filter(None, (event_log.dropped, pki.notice))), ready)
            systemd.tell("READY=1", f"MAINPID={os.getpid()}", f"STATUS={listens(settings)}")
            log.info(
                "ready", took_s=round(time.monotonic() - begun_s, 3), runtime=choice.summary, node=choice.runtimes[0].node,
                revision=cluster.view.revision,
            )  # fmt: skip
            written = partial(_write_kubeconfig, settings)
            cluster.background.keep("renewal of certificates", lambda: keep_renewed(server, pki, written))
            async with _naming(cluster, names, settings, ground), _kubelet(cluster, server, kubelet, settings):
                await _first_of(stop, cluster.ended)
            if cluster.failure is not None:
                raise RuntimeError("the engine stopped by itself; the daemon's messages say more") from cluster.failure
            log.info("stopping", pods="are ended" if end_pods.is_set() else "go on running")
        finally:
            systemd.tell("STOPPING=1")
            await server.stop()
            _withdraw(settings.data / "daemon.json")


def _pki(settings: Settings, addresses: tuple[str, ...]) -> certificates.Pki:
    """The certificates, with all names by which the API is called. Errors: AuthorityBroken, OSError."""
    inside = f"kubernetes.default.svc.{settings.cluster_domain}"
    loopback = ("::1",) if "IPv6" in families_in(settings.pod_cidr) else ()
    called = (settings.bind, *addresses, *loopback, socket.gethostname(), inside, *settings.tls_san)
    services = [first_in(cidr) for cidr in ranges_in(settings.service_cidr)]
    return certificates.ensure(settings.data / "pki", called, service_ips=services)


def _config(settings: Settings, address: str, names: tuple[Sockets, ...]) -> ClusterConfig:
    """What the rules are to know, on the log; `address` is where pods reach the API."""
    first, last = port_range(settings.node_port_range)
    named = [one.address for one in names]
    return ClusterConfig(
        service_cidr=settings.service_cidr,
        pod_cidr=settings.pod_cidr,
        node_port_first=first,
        node_port_last=last,
        api_host=address,
        api_port=settings.port,
        dns_domain=settings.cluster_domain,
        cluster_dns=settings.cluster_dns or msgspec.UNSET,
        dns_host=",".join(host for host, _ in named) if named else msgspec.UNSET,
        dns_port=named[0][1] if named else msgspec.UNSET,
        load_balancer_pool=settings.load_balancer_pool or msgspec.UNSET,
        old_clients=settings.serve_old_clients or msgspec.UNSET,
        scheduler=configuration(settings) or msgspec.UNSET,
        terminated_pods=msgspec.UNSET if settings.terminated_pod_gc_threshold is None else settings.terminated_pod_gc_threshold,
    )


def _naming(
    cluster: Cluster, sockets: tuple[Sockets, ...], settings: Settings, ground: Ground
) -> contextlib.AbstractAsyncContextManager[None]:
    """The name server, if there is to be one. It is begun last: until then questions wait in its sockets."""
    if not sockets:
        return contextlib.nullcontext()
    from .dns.serving import serving

    outside = ground.rootless.outside if ground.rootless is not None else None
    open_socket = socket.socket if outside is None else lambda family, kind: outside.call(lambda: socket.socket(family, kind))
    return serving(cluster, *sockets, resolv_conf=Path(settings.resolv_conf), open_socket=open_socket)


def _kubelet_ports(settings: Settings, choice: Choice) -> "Ports | None":
    """The kubelet's sockets; None where nodes are only pretended, unless its port is asked for. Errors: CannotListen."""
    if choice.name == "simulated" and settings.kubelet_port is None:
        return None
    from .api.kubelet.server import opened

    return opened(settings.bind, settings.kubelet_port, settings.read_only_port, settings.cadvisor_port)


@contextlib.asynccontextmanager
async def _kubelet(cluster: Cluster, server: ApiServer, ports: "Ports | None", settings: Settings) -> AsyncIterator[None]:
    """The kubelet of the first node: what it runs from files, and its ports where there are to be such."""
    cluster.keep_static_pods(next(iter(cluster.runtimes)), settings.pod_manifest_path)
    if ports is None:
        yield
        return
    from .api.kubelet.server import KubeletServer

    runtime = next(iter(cluster.runtimes.values()))
    kubelet = KubeletServer(cluster, runtime, server.handler.authenticator, tls=server.tls, ports=ports)
    kubelet.start()
    try:
        yield
    finally:
        await kubelet.stop()


def _withdraw(record: Path) -> None:
    """Take back what says where this daemon is to be had; another's, that was begun in its place, stays."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        if msgspec.json.decode(record.read_bytes()).get("pid") == os.getpid():
            record.unlink()


def described(observed: NodeObserved, settings: Settings) -> NodeObserved:
    """A node as the settings will have it: its address, labels and taints."""
    addresses, ip = observed.addresses, settings.node_ip
    if ip:
        addresses = (*(("InternalIP", one) for one in ip.split(",")), *(a for a in addresses if a[0] != "InternalIP"))
    labels = observed.labels | {key: value for key, _, value in (text.partition("=") for text in settings.node_label)}
    port = settings.kubelet_port or 0
    return replace(
        observed,
        addresses=addresses,
        labels=labels,
        taints=settings.node_taint,
        kubelet_port=port,
        registers=settings.register_node == "true",
    )


def _chosen(settings: Settings, address: str, ground: Ground) -> Choice:
    """Errors: RuntimeUnavailable."""
    return choose(
        settings.runtime, data=settings.data, node=settings.node_name, nodes=settings.nodes, pod_cidr=settings.pod_cidr,
        service_cidr=settings.service_cidr, cri_socket=settings.cri_socket, address=address, ground=ground,
        limits=_log_limits(settings), proxy_mode=settings.proxy_mode, providers=_providers(settings), masks=masks_of(settings),
    )  # fmt: skip


def _providers(settings: Settings) -> "CredentialProviders | None":
    """Who is asked for logins of registries. Errors: RuntimeUnavailable."""
    config, programs = settings.image_credential_provider_config, settings.image_credential_provider_bin_dir
    if config is None or programs is None:
        return None
    from shipslog.runtime.images.credential_providers import BadProviders, CredentialProviders

    try:
        return CredentialProviders(config, programs)
    except BadProviders as error:
        raise RuntimeUnavailable(f"--image-credential-provider-config: {error}") from error


def _log_limits(settings: Settings) -> LogLimits:
    return LogLimits(
        max_bytes=size_bytes(settings.container_log_max_size, "container_log_max_size"),
        max_files=settings.container_log_max_files,
        kept_for_s=seconds(settings.kept_log_duration, "kept_log_duration"),
        kept_bytes=size_bytes(settings.kept_log_max_size, "kept_log_max_size"),
    )


def _announce(settings: Settings, pki: certificates.Pki, choice: Choice, dropped: str, ready: Callable[[Ready], None]) -> None:
    path, server = _write_kubeconfig(settings, pki)
    announcement = Ready(
        server=server, kubeconfig=str(path), runtime=choice.summary, node=choice.runtimes[0].node, listens=listens(settings),
        dropped=dropped,
    )  # fmt: skip
    record = {
        "pid": os.getpid(),
        "server": server,
        "kubeconfig": str(path),
        "runtime": choice.summary,
        "node": announcement.node,
        "log_file": str(settings.log_file.absolute()) if settings.log_file else "",
    }
    (settings.data / "daemon.json").write_bytes(msgspec.json.encode(record))
    ready(announcement)


def listens(settings: Settings) -> str:
    """Who can reach the API, in a sentence."""
    if settings.bind in ("0.0.0.0", "::"):
        return f"Listening on {settings.bind}:{settings.port}: all addresses of this machine (--bind 127.0.0.1: only it)"
    only = "this machine only" if settings.bind in ("127.0.0.1", "::1") else "who can reach that address"
    return f"Listening on {settings.bind}:{settings.port}: {only}."


def netloc(host: str, port: int) -> str:
    """As a URL has it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _write_kubeconfig(settings: Settings, pki: certificates.Pki) -> tuple[Path, str]:
    """-> (where it is, the server that it names)."""
    host = "127.0.0.1" if settings.bind in ("0.0.0.0", "::", "127.0.0.1") else settings.bind
    path, server = settings.kubeconfig or settings.data / "kubeconfig", f"https://{netloc(host, settings.port)}"
    kubeconfig.write(path, pki, server=server, mode=int(settings.write_kubeconfig_mode, 8))
    return path, server


async def keep_renewed(
    server: ApiServer,
    pki: certificates.Pki,
    written: Callable[[certificates.Pki], object],
    *,
    now_ns: Callable[[], int] = time.time_ns,
    every_s: float = RENEW_EVERY_S,
) -> None:
    """For ever: look whether certificates are due, and show new ones to who connects from then on. `written` hears of them."""
    while True:
        try:
            new = await asyncio.to_thread(certificates.renewed, pki, now_ns)
            if new != replace(pki, notice=""):
                server.renew(new)
                written(new)
                log.info("certificates_renewed", directory=str(new.directory))
                pki = new
        except OSError as error:
            log.warning("certificates_not_renewed", why=str(error))
        await asyncio.sleep(every_s)


def _spare_collections() -> None:
    """What is there now stays; objects of the API hold no cycles. So the collector has little to find, and looks less often:
    a full collection of a large cluster's state would stop everybody for tens of milliseconds. So would one here, before the
    first answer: a thousand of 75,000 objects are garbage by now, and stay."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


async def _first_of(*events: asyncio.Event) -> None:
    """Returns when one of them is set."""
    async with Tasks("daemon") as tasks:
        waiting = [tasks.start("waiting", event.wait()) for event in events]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def _signals() -> tuple[asyncio.Event, asyncio.Event]:
    """-> (set when it is time to stop, set when the pods are to end too). A terminal that closes (SIGHUP) ends it as well."""
    stop, end_pods, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        end_pods.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, end)
    return stop, end_pods


def end_pods_of(data: Path) -> None:
    """End what the pods of a data directory have left on the machine, with no daemon running. Only before the first thread.

    Errors: LeftBehind, RuntimeUnavailable, OSError, BadSettings."""
    had = claimed_ranges.of(data) if not data.exists() else None  # a directory that was removed while its pods ran
    ranges = (
        {name: getattr(had, name) for name in ("pod_cidr", "service_cidr", "node_port_range", "proxy_mode")}
        if had is not None
        else {}
    )
    settings = resolve({"data": data, **ranges})
    ground = prepare(settings.runtime, data)
    claim = claim_of(settings) if ground.rootless is None else None

    async def end() -> None:
        choice = _chosen(settings, ",".join(node_addresses(settings, ground)), ground)
        for runtime in choice.runtimes:
            await runtime.start(lambda fact: None, ())
            await runtime.close(end_pods=True)
        if claim is not None:
            claimed_ranges.release(claim)

    asyncio.run(end())
    if ground.rootless is not None:
        ground.rootless.end_if_unused()
    if had is not None:
        shutil.rmtree(data, ignore_errors=True)  # what was made to end them


async def serve_recording(
    path: Path, moment: str, *, bind: str, port: int, kubeconfig: Path | None, say: Callable[[str], None]
) -> None:
    """Serve a log file read-only, at a moment, until SIGINT or SIGTERM. Its keys lie in a directory that goes away with it, and
    so does the kubeconfig unless it is to be written elsewhere."""
    from shipslog.store.objects.values.times import api_time

    from .auth.kubeconfig import write

    event_log = await SqliteLog.open(path, read_only=True)
    scratch = tempfile.TemporaryDirectory(prefix="shipslog-replay-")
    try:
        begins, ends = await extent(event_log)
        from .chronicle.wanted import moment_of

        revision = await moment_of(event_log, moment) if moment else event_log.revision
        if moment:
            check(event_log, revision)
        recording = Recording(event_log, await view_at(event_log, revision))
        keys = Path(scratch.name)
        kubeconfig = kubeconfig or keys / "kubeconfig"
        pki = certificates.ensure(keys / "pki", (bind,))
        server = ApiServer(recording, bind=bind, port=port, pki=pki, data=keys)
        await server.start()
        hear(asyncio.get_running_loop())
        stop, _ = _signals()
        try:
            write(kubeconfig, pki, server=f"https://{bind}:{server.port}")
            when = api_time(recording.view.time_ns)
            say(f"{path} at revision {revision} of {event_log.revision} ({when}), read-only.")
            say(
                f"The log goes from {api_time(begins)} to {api_time(ends)}; --at names a moment of it, -5m counts from its end."
            )
            say(f"  kubectl --kubeconfig {kubeconfig} get pods --all-namespaces")
            await stop.wait()
        finally:
            await server.stop()
            await recording.close()
    finally:
        scratch.cleanup()
        await event_log.close()
