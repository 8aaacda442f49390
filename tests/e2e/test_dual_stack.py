"""Clusters of both families and of IPv6 alone: real pods, Services, node and host ports, names and policies by either one."""

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipslog.runtime.netfilter.family import IPV6, machine_has

from .conftest import Cluster, kubectls, machine, until
from .test_network_policy import reaches

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]
RANGES = {
    "dual": ("10.231.0.0/16,fd00:10:231::/56", "10.97.0.0/16,fd00:10:97::/112"),
    "ipv6": ("fd00:10:231::/56", "fd00:10:97::/112"),
}
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{role: {name}}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: kubeguide/redis-master
    imagePullPolicy: IfNotPresent
    command: [/bin/busybox, httpd, -f, -p, "[::]:8080"]
    env: [{{name: IPS, valueFrom: {{fieldRef: {{fieldPath: status.podIPs}}}}}}]
    readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
    ports: [{{name: web, containerPort: 8080{more}}}]
---
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {type: NodePort, ipFamilyPolicy: PreferDualStack, selector: {role: server}, ports: [{port: 80, targetPort: web}]}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: server}}
spec:
  podSelector: {{matchLabels: {{role: server}}}}
  ingress: [{{from: [{peer}], ports: [{{port: web}}]}}]
"""


@pytest.fixture(params=sorted(RANGES))
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if os.geteuid() != 0 or not machine_has(IPV6) or not kubectls() or shutil.which("crun") is None:
        pytest.skip("needs root, crun, kubectl and a kernel with IPv6")
    before, forwards = machine(), Path("/proc/sys/net/ipv6/conf/all/forwarding").read_text()
    pods, services = RANGES[request.param]
    data = Path(tempfile.mkdtemp(prefix="shipslog-e2e-"))
    more = ("--pod-cidr", pods, "--service-cidr", services, "--bind", "::")
    one = Cluster(data, "--runtime", "oci", "--node-name", "n1", *more)
    try:
        one.up()
        until(lambda: "n1" in one.k("get", "nodes", check=False), "the node registers")
        yield one
    finally:
        one.shipslog("down", "--all", check=False)
        shutil.rmtree(data, ignore_errors=True)
    after = machine()
    assert {what: after[what] - before[what] for what in before if after[what] - before[what]} == {}
    assert Path("/proc/sys/net/ipv6/conf/all/forwarding").read_text() == forwards


def test_every_way_goes_by_each_family(cluster: Cluster) -> None:
    cluster.shipslog("image", "build", "guestbook")
    pods = (
        POD.format(name="server", more=", hostPort: 31777")
        + POD.format(name="friend", more="")
        + POD.format(name="foe", more="")
    )
    cluster.k("apply", "-f", "-", stdin=f"{pods}{SERVICE}")
    cluster.k("wait", "pod", "--all", "--for=condition=Ready", "--timeout=50s")  # the node's probes pass
    families = cluster.get("service", "kubernetes")["spec"]["ipFamilies"]
    node = cluster.get("node", "n1")
    assert families[0] == ("IPv4" if "." in node["spec"]["podCIDR"] else "IPv6") and len(node["spec"]["podCIDRs"]) in (1, 2)
    server, spec = cluster.get("pod", "server")["status"], cluster.get("service", "server")["spec"]
    addresses = [one["ip"] for one in server["podIPs"]]
    assert len(addresses) == len(node["spec"]["podCIDRs"]) == len(spec["clusterIPs"]) and addresses[0] == server["podIP"]
    inside = cluster.k("exec", "server", "--", "sh", "-c", "echo $IPS; cat /etc/hosts")
    assert inside.startswith(",".join(addresses) + "\n") and all(f"{address}\tserver" in inside for address in addresses)
    for address, service in zip(addresses, spec["clusterIPs"], strict=True):
        assert reaches(cluster, "friend", address, 8080), "a pod"
        until(lambda service=service: reaches(cluster, "friend", service, 80), f"the Service at {service}")
        assert reaches(cluster, "server", service, 80), "itself, through its Service"
        socket.create_connection((service, 80), timeout=10).close()
    for one in (a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"):
        for port in (spec["ports"][0]["nodePort"], 31777):
            assert reaches(cluster, "friend", one, port), f"{one} port {port}"
    _names(cluster, spec["clusterIPs"])
    _policies(cluster, addresses)


def _names(cluster: Cluster, services: list[str]) -> None:
    servers = cluster.get("service", "-n", "kube-system", "kube-dns")["spec"]["clusterIPs"]
    assert [":" in server for server in servers] == [":" in service for service in services], "it has the families of others"
    for server, service in itertools.product(servers, services):
        asked = ("AAAA" if ":" in service else "A", "server.default.svc.cluster.local")
        for question, answer in ((asked, service), (("-x", service), "server.default.svc.cluster.local.")):
            command = ["dig", "+short", "+time=5", f"@{server}", *question]
            found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
            assert answer in found.split(), f"{question}: {found}"


def _policies(cluster: Cluster, addresses: list[str]) -> None:
    """By labels in either family, and by a block in one alone."""
    cluster.k("apply", "-f", "-", stdin=POLICY.format(peer="{podSelector: {matchLabels: {role: friend}}}"))
    for address in addresses:
        until(lambda to=address: not reaches(cluster, "foe", to, 8080, patient=False), f"nobody else reaches {address}")
        assert reaches(cluster, "friend", address, 8080)
    block = next(one["ip"] for one in cluster.get("pod", "foe")["status"]["podIPs"] if ":" in one["ip"])
    cluster.k("apply", "-f", "-", stdin=POLICY.format(peer=f"{{ipBlock: {{cidr: '{block}/128'}}}}"))
    six = next(address for address in addresses if ":" in address)
    until(lambda: reaches(cluster, "foe", six, 8080, patient=False), "the block lets its address through")
    for address in addresses:
        assert not reaches(cluster, "friend", address, 8080, patient=False)
        assert ":" in address or not reaches(cluster, "foe", address, 8080, patient=False), "the block is of IPv6"
