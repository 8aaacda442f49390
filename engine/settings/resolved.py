"""What `shipslog up` was asked for, checked before anything is made; and what a cluster is, kept in its data directory."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import msgspec

from shipslog.engine.begun import known_of
from shipslog.engine.options import flag
from shipslog.runtime.choice import shares_machine
from shipslog.runtime.network.claimed_ranges import Claim
from shipslog.store.families import families_in

from .asked import BadSettings, with_source
from .pressure import faults_of_pressure
from .values import faults

KEPT_IN = "cluster.json"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a daemon runs with. `port` 0 takes a free one; `bind` "" is what suits who starts it."""

    data: Path
    bind: str = ""
    port: int = 6443
    runtime: str = "auto"
    cri_socket: str = ""
    nodes: int = 1
    node_name: str = ""
    node_ip: str = ""
    node_label: tuple[str, ...] = ()
    node_taint: tuple[str, ...] = ()
    kubelet_port: int | None = None  # None: 10250, or a free one
    read_only_port: int = 0
    cadvisor_port: int = 0
    serve_old_clients: bool = False
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/16"
    node_cidr_mask_size_ipv4: int = 24
    node_cidr_mask_size_ipv6: int = 64
    node_port_range: str = "30000-32767"
    load_balancer_pool: str = ""
    proxy_mode: str = "nftables"
    cluster_dns: str = ""
    cluster_domain: str = "cluster.local"
    dns: str = "builtin"
    resolv_conf: str = "/etc/resolv.conf"
    container_log_max_size: str = "10Mi"
    container_log_max_files: int = 5
    kept_log_duration: str = "168h"
    terminated_pod_gc_threshold: int | None = None  # None: 12,500
    kept_log_max_size: str = "1Gi"
    image_credential_provider_config: Path | None = None
    image_credential_provider_bin_dir: Path | None = None
    register_node: str = "true"
    pod_manifest_path: Path | None = None
    eviction_hard: tuple[str, ...] = ()
    eviction_soft: tuple[str, ...] = ()
    eviction_soft_grace_period: tuple[str, ...] = ()
    eviction_minimum_reclaim: tuple[str, ...] = ()
    eviction_max_pod_grace_period: int = 0
    eviction_pressure_transition_period: str = "5m"
    image_gc_high_threshold: int = 85
    image_gc_low_threshold: int = 80
    minimum_image_ttl_duration: str = "2m"
    tls_san: tuple[str, ...] = ()
    scheduler_config: Path | None = None
    policy_config_file: Path | None = None
    algorithm_provider: str = ""
    kubeconfig: Path | None = None
    write_kubeconfig_mode: str = "600"
    log_level: str = "info"
    log_format: str = "text"
    log_file: Path | None = None
    log_max_size: str = "10Mi"
    log_max_files: int = 5
    slow_request: str = "1s"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """DATA/cluster.json: what a cluster is, so that a plain `up` begins the same one."""

    node_name: str
    runtime: str
    service_cidr: str
    pod_cidr: str
    bind: str
    port: int
    nodes: int = 1
    node_port_range: str = "30000-32767"
    cri_socket: str = ""
    node_ip: str = ""
    node_label: tuple[str, ...] = ()
    node_taint: tuple[str, ...] = ()
    load_balancer_pool: str = ""
    proxy_mode: str = "nftables"
    cluster_dns: str = ""
    cluster_domain: str = "cluster.local"
    dns: str = "builtin"
    resolv_conf: str = "/etc/resolv.conf"
    tls_san: tuple[str, ...] = ()
    node_cidr_mask_size_ipv4: int = 24
    node_cidr_mask_size_ipv6: int = 64


FIXED = {
    "node_name": "its pods are bound to that node",
    "runtime": "its pods run there",
    "service_cidr": "its Services have addresses of it",
    "pod_cidr": "its pods have addresses of it",
    "node_cidr_mask_size_ipv4": "its nodes have such a part of the pods' range",
    "node_cidr_mask_size_ipv6": "its nodes have such a part of the pods' range",
}  # the rest may change with --reconfigure: nothing on the log depends on it
NO_SOURCES: Mapping[str, str] = {}
ANY = {"runtime": "auto", "port": 0}  # values that leave it to us: what is kept will do


def resolve(asked: Mapping[str, object], *, reconfigure: bool = False, sources: Mapping[str, str] = NO_SOURCES) -> Settings:
    """The settings of a daemon: what was `asked` (None: not said), else what the data directory keeps, else the defaults.
    `sources`: where a value stands that was not given on the command line.

    Errors: BadSettings for a value that cannot be, or one that would make another cluster of it."""
    given = {name: value for name, value in asked.items() if value is not None}
    settings = Settings(**given)  # type: ignore[arg-type]
    kept = kept_in(settings.data)
    recorded = known_of(settings.data / "cluster.db") if kept is None else {}
    if recorded:  # of a version that kept nothing: what its log does not tell is as asked for now
        kept = Kept(**{name: recorded.get(name, getattr(settings, name)) for name in Kept.__struct_fields__})
    if kept is not None:
        _check_same(settings.data, kept, given, reconfigure, sources)
        of_before = {n: getattr(kept, n) for n in kept.__struct_fields__ if n not in given or given[n] == ANY.get(n)}
        settings = msgspec.structs.replace(settings, **of_before)
    if not settings.node_name:
        settings = msgspec.structs.replace(settings, node_name=socket.gethostname().lower())
    if not settings.bind:
        settings = msgspec.structs.replace(settings, bind=default_bind(settings.pod_cidr))
    wrong = [with_source(fault, sources) for fault in (*faults(settings), *faults_of_pressure(settings))]
    if wrong:
        raise BadSettings("\n  ".join(wrong))
    if recorded:
        keep(settings, settings.runtime)
    return settings


def default_bind(pod_cidr: str = "") -> str:
    """All addresses for root, of both families where pods have IPv6; an ordinary user's cluster is for this machine."""
    if os.geteuid() != 0:
        return "127.0.0.1"
    return "::" if "IPv6" in families_in(pod_cidr) else "0.0.0.0"


def _check_same(data: Path, kept: Kept, given: Mapping[str, object], reconfigure: bool, sources: Mapping[str, str]) -> None:
    wrong = []
    for name in kept.__struct_fields__:
        was, wanted = getattr(kept, name), given.get(name)
        if wanted is None or wanted in (was, ANY.get(name)):
            continue
        difference = f"{flag(name)} {shown(wanted)}: this cluster has {shown(was)!r}, kept in {data / KEPT_IN}"
        difference = with_source(difference, sources)
        if name in FIXED:
            wrong.append(
                f"{difference}. It cannot change: {FIXED[name]}. Leave the option out, or begin another cluster with --data."
            )
        elif not reconfigure:
            wrong.append(f"{difference}. Leave the option out, or change it with --reconfigure.")
    if wrong:
        raise BadSettings("\n  ".join(wrong))


def claim_of(settings: Settings) -> Claim | None:
    """What the cluster will have of the machine; None if that is nothing that two could want."""
    if not shares_machine(settings.runtime):
        return None
    return Claim(
        data=str(settings.data.resolve()), pod_cidr=settings.pod_cidr, service_cidr=settings.service_cidr,
        node_port_range=settings.node_port_range, proxy_mode=settings.proxy_mode,
    )  # fmt: skip


def shown(value: object) -> object:
    """A value as people write it."""
    return ",".join(value) if isinstance(value, tuple) else value


def kept_in(data: Path) -> Kept | None:
    """What the cluster of a data directory is; None when none was begun there. Errors: BadSettings."""
    path = data / KEPT_IN
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise BadSettings(f"{path} cannot be read: {error}. Mend it, or remove it and give `up` the options anew.") from error


def keep(settings: Settings, runtime: str) -> None:
    """Note what this cluster is; `runtime` is the one that was chosen, `settings.port` the one that it listens on."""
    of_settings = {name: getattr(settings, name) for name in Kept.__struct_fields__}
    kept = Kept(**of_settings | {"runtime": runtime})
    text = msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
    path = settings.data / KEPT_IN
    if path.exists() and path.read_bytes() == text:
        return
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
