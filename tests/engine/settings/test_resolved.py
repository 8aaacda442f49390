"""What `up` is asked for: refused before anything is made, kept, and not changed without a word."""

import os
import socket
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from shipslog.engine.cli import up
from shipslog.engine.daemon import described, listens
from shipslog.engine.settings import KEPT_IN, BadSettings, keep, kept_in, resolve
from shipslog.store.facts import NodeObserved


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--nodes", "0"),
        ("--nodes", "-1"),
        ("--nodes", "3"),
        ("--pod-cidr", "x"),
        ("--pod-cidr", "10.9.0.0/30"),
        ("--pod-cidr", "10.96.128.0/17"),
        ("--service-cidr", "::/64"),
        ("--service-cidr", "fd00::/112"),
        ("--service-cidr", "10.96.0.0/16,fd00::/112"),
        ("--service-cidr", "10.96.0.0/16,10.97.0.0/16"),
        ("--pod-cidr", "10.244.0.0/16,"),
        ("--pod-cidr", "10.244.0.0/16, fd00::/56"),
        ("--pod-cidr", "10.244.0.0/16,fe80::/64"),
        ("--pod-cidr", "10.244.0.0/16,fd00::/126"),
        ("--pod-cidr", "fd00::/56,10.244.0.0/16"),
        ("--node-cidr-mask-size-ipv4", "30"),
        ("--node-cidr-mask-size-ipv6", "0"),
        ("--node-ip", "192.0.2.1,192.0.2.2"),
        ("--service-cidr", "10.9.0.0/31"),
        ("--service-cidr", "10.9.0.1/16"),
        ("--service-cidr", "10.0.0.0/8"),
        ("--node-name", "A B"),
        ("--node-name", "../x"),
        ("--node-port-range", "9-1"),
        ("--node-port-range", "1-\N{SUPERSCRIPT TWO}"),
        ("--bind", "nowhere"),
        ("--runtime", "cri"),
        ("--node-ip", "here"),
        ("--node-label", "disk"),
        ("--node-label", "a b=c"),
        ("--node-taint", "gpu"),
        ("--node-taint", "gpu=1:Never"),
        ("--tls-san", "a b"),
        ("--cluster-dns", "dns"),
        ("--cluster-domain", "A B"),
        ("--write-kubeconfig-mode", "999"),
        ("--write-kubeconfig-mode", "044"),
        ("--kubeconfig", "/dev/null"),
        ("--kubeconfig", __file__),
        ("--log-max-size", "1"),
        ("--log-max-size", "ten"),
        ("--log-max-files", "0"),
        ("--slow-request", "1"),
        ("--eviction-hard", "memory<1Gi"),
        ("--eviction-soft", "memory.available<1Gi"),
        ("--eviction-max-pod-grace-period", "-1"),
        ("--image-gc-low-threshold", "90"),
    ],
)
@pytest.mark.parametrize("how", [(), ("--detach",)])
def test_what_cannot_be_is_refused_before_anything_is_made(
    arguments: tuple[str, str], how: tuple[str, ...], tmp_path: Path
) -> None:
    told = CliRunner().invoke(up.command, [*how, *arguments, "--data", str(tmp_path / "data")])
    assert told.exit_code == 2 and arguments[0] in told.output, told.output
    assert told.output.startswith("shipslog: --") and "Traceback" not in told.output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("", ""),
        ("apiVersion: v1\nkind: Config\nclusters: [{name: shipslog}]\nusers: [{name: shipslog-admin}]\n", ""),
        ("apiVersion: v1\nkind: Config\nclusters: [{name: shipslog}, {name: work}]\n", "has work too"),
        ("apiVersion: v1\nkind: Config\nusers: [{name: a}, {name: b}, 3, {name: c}, {name: d}]\n", "has a, b, c and more too"),
        ("kind: Pod\n", "is no kubeconfig"),
        ("- 1\n", "is no kubeconfig"),
        ("\x80{", "is no kubeconfig"),
    ],
)
def test_a_kubeconfig_of_other_clusters_is_not_written_over(there: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(there, encoding="latin-1")
    link = tmp_path / "link"
    link.symlink_to(path)
    for given in (path, link):
        values = {"data": tmp_path / "data", "kubeconfig": given, "runtime": "simulated"}
        if said:
            with pytest.raises(BadSettings, match=f"--kubeconfig {given}: .*{said}, and would be lost"):
                resolve(values)
        else:
            resolve(values)
    assert path.read_text(encoding="latin-1") == there and not (tmp_path / "data").exists()


def test_each_wrong_option_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"(?s)--port 99999.*--pod-cidr 'x'"):
        resolve({"data": tmp_path, "port": 99999, "pod_cidr": "x", "node_name": "n"})


def begun(data: Path) -> None:
    asked = {"data": data, "node_name": "one", "runtime": "auto", "port": 7001, "pod_cidr": "10.8.0.0/16", "nodes": None}
    keep(resolve(asked), "simulated")


def test_a_cluster_stays_what_it_is(tmp_path: Path) -> None:
    begun(tmp_path)
    again = resolve({"data": tmp_path, "port": None})
    assert (again.node_name, again.runtime, again.port, again.pod_cidr) == ("one", "simulated", 7001, "10.8.0.0/16")
    assert resolve({"data": tmp_path, "port": 0, "runtime": "auto", "node_name": "one"}) == again, (
        "any will do, so what is kept"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("node_name", "two"), ("pod_cidr", "10.7.0.0/16"), ("service_cidr", "10.7.0.0/16"), ("runtime", "process")],
)
def test_what_objects_depend_on_never_changes(name: str, value: str, tmp_path: Path) -> None:
    begun(tmp_path)
    for reconfigure in (False, True):
        with pytest.raises(BadSettings, match=rf"--{name.replace('_', '-')} {value}.*{KEPT_IN}.*cannot change"):
            resolve({"data": tmp_path, name: value}, reconfigure=reconfigure)


def test_the_rest_changes_when_that_is_said(tmp_path: Path) -> None:
    begun(tmp_path)
    with pytest.raises(BadSettings, match=r"--port 7002: this cluster has 7001.*--reconfigure"):
        resolve({"data": tmp_path, "port": 7002})
    keep(resolve({"data": tmp_path, "port": 7002}, reconfigure=True), "simulated")
    kept = kept_in(tmp_path)
    assert kept is not None and (kept.port, kept.node_name) == (7002, "one")


def test_a_file_that_says_nothing_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / KEPT_IN).write_text("{")
    with pytest.raises(BadSettings, match=KEPT_IN):
        resolve({"data": tmp_path})


def test_a_host_whose_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "my_host")
    with pytest.raises(BadSettings, match="--node-name 'my_host'"):
        resolve({"data": tmp_path})


@pytest.mark.parametrize(("user", "bind"), [(0, "0.0.0.0"), (1000, "127.0.0.1")])
def test_an_ordinary_users_cluster_is_for_this_machine(
    user: int, bind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert resolve({"data": tmp_path, "node_name": "n"}).bind == bind
    assert resolve({"data": tmp_path, "node_name": "n", "bind": "192.0.2.1"}).bind == "192.0.2.1"
    begun(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000 - user)
    assert resolve({"data": tmp_path}).bind == bind, "kept"


def test_a_cluster_that_an_earlier_version_began(tmp_path: Path) -> None:
    begun(tmp_path)
    path = tmp_path / KEPT_IN
    old = msgspec.json.decode(path.read_bytes())
    for name in ("node_ip", "node_label", "node_taint", "cluster_dns", "cluster_domain", "tls_san"):
        del old[name]
    path.write_bytes(msgspec.json.encode(old))
    assert resolve({"data": tmp_path}).cluster_domain == "cluster.local"


def test_a_node_is_said_to_be_what_was_asked_for(tmp_path: Path) -> None:
    asked = {
        "data": tmp_path,
        "node_name": "n",
        "node_ip": "192.0.2.7",
        "node_label": ("disk=ssd", "zone="),
        "node_taint": ("gpu=1:NoSchedule",),
    }
    found = NodeObserved(
        node="n", addresses=(("InternalIP", "10.0.0.1"), ("Hostname", "n")), labels={"kubernetes.io/os": "linux"}
    )
    made = described(found, resolve(asked))
    assert made.addresses == (("InternalIP", "192.0.2.7"), ("Hostname", "n"))
    assert made.labels == {"kubernetes.io/os": "linux", "disk": "ssd", "zone": ""}
    assert made.taints == ("gpu=1:NoSchedule",)
    assert described(found, resolve({"data": tmp_path, "node_name": "n"})) == found


@pytest.mark.parametrize(
    ("bind", "said"),
    [("0.0.0.0", "all addresses"), ("::", "all addresses"), ("127.0.0.1", "this machine only"), ("192.0.2.1", "who can reach")],
)
def test_where_it_listens_is_said_in_a_sentence(bind: str, said: str, tmp_path: Path) -> None:
    text = listens(resolve({"data": tmp_path, "node_name": "n", "bind": bind}))
    assert text.startswith(f"Listening on {bind}:6443: ") and said in text


@pytest.mark.parametrize(
    ("pool", "told"),
    [
        ("192.168.1.9-192.168.1.1", "give the lower address first"),
        ("10.244.0.0/24", "10.244.0.0/16 is the cluster's own"),
        ("10.96.3.7", "10.96.0.0/16 is the cluster's own"),
        ("here", "give a range or FIRST-LAST"),
    ],
)
def test_a_pool_of_load_balancers_is_of_the_machines_network(pool: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=told):
        resolve({"data": tmp_path, "load_balancer_pool": pool})
    assert resolve({"data": tmp_path, "load_balancer_pool": "192.168.1.1-192.168.1.9"}).proxy_mode == "nftables"
