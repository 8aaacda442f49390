"""Endpoint slices of discovery.k8s.io/v1beta1: where an endpoint is, its zone and its node, stands in a map.

Source: pkg/apis/discovery/v1beta1 (conversion) of Kubernetes 1.24.

Tests: tests/store/objects/conversions/test_older.py
"""

from shipslog.store.objects.types import discovery_v1 as v1
from shipslog.store.objects.types import discovery_v1beta1 as old

from .copies import copied

FIELDS: dict[str, str] = {}
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def to_hub(slice_: old.EndpointSlice) -> v1.EndpointSlice:
    """As it is stored."""
    made: v1.EndpointSlice = copied(slice_, v1.EndpointSlice, endpoints=tuple(map(_to_hub, slice_.endpoints)))
    return made


def _to_hub(endpoint: old.Endpoint) -> v1.Endpoint:
    where = dict(endpoint.topology)
    zone, host = where.pop(ZONE, None), where.pop(HOST, None)
    node = endpoint.node_name if endpoint.node_name is not None else host
    made: v1.Endpoint = copied(endpoint, v1.Endpoint, zone=zone, node_name=node, deprecated_topology=where)
    return made


def from_hub(slice_: v1.EndpointSlice) -> old.EndpointSlice:
    """As v1beta1 shows it."""
    made: old.EndpointSlice = copied(slice_, old.EndpointSlice, endpoints=tuple(map(_from_hub, slice_.endpoints)))
    return made


def _from_hub(endpoint: v1.Endpoint) -> old.Endpoint:
    where = dict(endpoint.deprecated_topology)
    if endpoint.zone is not None:
        where[ZONE] = endpoint.zone
    if endpoint.node_name is not None:
        where[HOST] = endpoint.node_name
    made: old.Endpoint = copied(endpoint, old.Endpoint, topology=where)
    return made
