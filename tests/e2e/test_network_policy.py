"""NetworkPolicies around real pods, of root's daemon and of an ordinary user's: who reaches whom, and that probes pass."""

import pytest

from .conftest import Cluster, until

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]
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
    readinessProbe: {{tcpSocket: {{port: 6379}}, periodSeconds: 1}}
    ports: [{{name: web, containerPort: 6379}}]
---
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: server}
spec:
  podSelector: {matchLabels: {role: server}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{podSelector: {matchLabels: {role: friend}}}]
    ports: [{port: web}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {selector: {role: server}, ports: [{port: 80, targetPort: web}]}
"""


def reaches(cluster: Cluster, who: str, host: str, port: int, *, patient: bool = True) -> bool:
    """What should pass has long to do so."""
    wait_s = "10" if patient else "1"
    return cluster.run("exec", who, "--", "sh", "-c", f"/bin/busybox nc -w {wait_s} {host} {port} < /dev/null").returncode == 0


def test_who_reaches_whom(cluster: Cluster) -> None:
    cluster.shipslog("image", "build", "guestbook")
    cluster.k("apply", "-f", "-", stdin=POLICY)
    pods = "".join(POD.format(name=name) for name in ("server", "friend", "foe"))
    cluster.k("apply", "-f", "-", stdin=f"{pods}{SERVICE}")
    cluster.k("wait", "pod", "--all", "--for=condition=Ready", "--timeout=50s")  # the node's probes pass
    address = cluster.get("pod", "server")["status"]["podIP"]
    service = cluster.get("service", "server")["spec"]["clusterIP"]
    foe = cluster.get("pod", "foe")["status"]["podIP"]
    for host, port in ((address, 6379), (service, 80)):
        assert reaches(cluster, "friend", host, port)
        assert not reaches(cluster, "foe", host, port, patient=False)
    assert reaches(cluster, "friend", foe, 6379)
    assert not reaches(cluster, "server", foe, 6379, patient=False)

    cluster.k("label", "pod", "foe", "role=friend", "--overwrite")
    until(lambda: reaches(cluster, "foe", service, 80, patient=False), "the label lets it in")
    cluster.k("label", "pod", "foe", "role=foe", "--overwrite")
    until(lambda: not reaches(cluster, "foe", service, 80, patient=False), "the label keeps it out")

    cluster.shipslog("down")
    cluster.up()
    assert not reaches(cluster, "foe", address, 6379, patient=False) and reaches(cluster, "friend", service, 80)
    cluster.k("delete", "networkpolicy", "server")
    until(lambda: reaches(cluster, "foe", address, 6379, patient=False), "nothing keeps it out")
    assert reaches(cluster, "server", foe, 6379)
