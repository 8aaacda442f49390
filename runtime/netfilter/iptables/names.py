"""What the chains are called: as kube-proxy calls them, so that what people know how to read reads the same here. Pure.

Tests: tests/runtime/netfilter/test_iptables.py
"""

import base64
import hashlib

SERVICES, NODE_PORTS, POSTROUTING, MARK_MASQ = "KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"
EXTERNAL, FIREWALL, FORWARD = "KUBE-EXTERNAL-SERVICES", "KUBE-FIREWALL", "KUBE-FORWARD"
SOURCES = "KUBE-PROXY-FIREWALL"
PREFIX = "KUBE-"  # of all that is ours


def service_name(service: str) -> str:
    """`ns/name:port`, and `ns/name` where the port has no name."""
    return service.removesuffix(":")


def service_chain(service: str, protocol: str) -> str:
    """The endpoints that clients of the cluster get."""
    return "KUBE-SVC-" + _hash(service, protocol)


def local_chain(service: str, protocol: str) -> str:
    """The endpoints of this node."""
    return "KUBE-SVL-" + _hash(service, protocol)


def external_chain(service: str, protocol: str) -> str:
    """What clients come through who use an address or a port that is known outside."""
    return "KUBE-EXT-" + _hash(service, protocol)


def firewall_chain(service: str, protocol: str) -> str:
    """Whom a load balancer's address is for."""
    return "KUBE-FW-" + _hash(service, protocol)


def endpoint_chain(service: str, protocol: str, endpoint: str) -> str:
    """The way to one endpoint (`address:port`) of a service."""
    return "KUBE-SEP-" + _hash(service, protocol, endpoint)


def _hash(service: str, *more: str) -> str:
    text = service_name(service) + "".join(more)
    return base64.b32encode(hashlib.sha256(text.encode()).digest())[:16].decode()
