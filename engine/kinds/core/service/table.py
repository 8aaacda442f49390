"""The table of services.

Tests: tests/engine/kinds/test_tables.py
"""

from typing import Any

from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age, labels, wide
from shipslog.store.objects.types import core_v1

COLUMNS = (
    NAME,
    Column("Type", "How the service is reached: ClusterIP, NodePort, LoadBalancer or ExternalName."),
    Column("Cluster-IP", "The address inside the cluster; None for a headless service."),
    Column("External-IP", "Addresses outside the cluster, or the name that an ExternalName service stands for."),
    Column("Port(s)", "The ports, with the node port behind a colon where there is one."),
    AGE,
    wide("Selector", "The labels of the pods behind the service."),
)


def cells(obj: core_v1.Service, now_ns: int) -> list[Any]:
    spec = obj.spec
    addresses = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    return [
        obj.metadata.name,
        spec.type,
        addresses[0] if addresses else NONE,
        _external(obj),
        _ports(spec.ports),
        age(obj.metadata.creation_timestamp, now_ns),
        labels(spec.selector),
    ]


def _external(obj: core_v1.Service) -> str:
    spec = obj.spec
    if spec.type == "ExternalName":
        return spec.external_name
    if spec.type == "LoadBalancer":
        given = [i.ip or i.hostname for i in obj.status.load_balancer.ingress]
        return ",".join([*given, *spec.external_ips]) or "<pending>"
    return ",".join(spec.external_ips) or NONE


def _ports(ports: tuple[core_v1.ServicePort, ...]) -> str:
    shown = [f"{p.port}:{p.node_port}/{p.protocol}" if p.node_port else f"{p.port}/{p.protocol}" for p in ports]
    return ",".join(shown) or NONE
