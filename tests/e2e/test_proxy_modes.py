"""A service around real pods in the modes that are not the default; the mode changes at a restart."""

import pytest

from .conftest import Cluster, until
from .test_network_policy import POD, SERVICE, reaches

pytestmark = [pytest.mark.root, pytest.mark.kubectl, pytest.mark.slow]
BALANCED = """
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec: {type: LoadBalancer, selector: {role: server}, ports: [{port: 80, targetPort: web}]}
"""


@pytest.mark.parametrize("cluster", ["root"], indirect=True)
def test_a_service_is_reached_in_every_mode(cluster: Cluster) -> None:
    cluster.shipslog("image", "build", "guestbook")
    pods = "".join(POD.format(name=name) for name in ("server", "friend"))
    cluster.k("apply", "-f", "-", stdin=f"{pods}{SERVICE}")
    cluster.k("wait", "pod", "--all", "--for=condition=Ready", "--timeout=50s")
    address = cluster.get("service", "server")["spec"]["clusterIP"]
    options = cluster.options
    for mode in ("userspace", "iptables"):
        cluster.shipslog("down")
        cluster.options = (*options, "--proxy-mode", mode, "--load-balancer-pool", "198.51.100.7", "--reconfigure")
        assert f"services by {mode}" in cluster.up()
        until(lambda: reaches(cluster, "friend", address, 80, patient=False), f"the mode {mode} leads there")
        until(lambda: reaches(cluster, "server", address, 80, patient=False), "and from a pod to itself")
        if mode == "userspace":
            cluster.k("apply", "-f", "-", stdin=BALANCED)
    given = cluster.get("service", "balanced")["status"]["loadBalancer"]["ingress"]
    assert given == [{"ip": "198.51.100.7", "ipMode": "VIP"}]
    until(lambda: reaches(cluster, "friend", "198.51.100.7", 80, patient=False), "a load balancer leads there too")
