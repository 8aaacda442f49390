"""Paths and what they mean."""

import pytest

from shipslog.engine.api.request.negotiation import Format, accepted
from shipslog.engine.api.request.routes import flag, params, parse
from shipslog.store.refusals import NotAcceptable


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/pods", ("", "pods", "", "", "")),
        ("/api/v1/namespaces", ("", "namespaces", "", "", "")),
        ("/api/v1/namespaces/ns", ("", "namespaces", "", "ns", "")),
        ("/api/v1/namespaces/ns/finalize", ("", "namespaces", "", "ns", "finalize")),
        ("/api/v1/namespaces/ns/status", ("", "namespaces", "", "ns", "status")),
        ("/api/v1/namespaces/ns/pods", ("", "pods", "ns", "", "")),
        ("/api/v1/namespaces/ns/pods/p", ("", "pods", "ns", "p", "")),
        ("/api/v1/namespaces/ns/pods/p/log", ("", "pods", "ns", "p", "log")),
        ("/api/v1/nodes/n/status", ("", "nodes", "", "n", "status")),
        ("/apis/coordination.k8s.io/v1/namespaces/ns/leases/l", ("coordination.k8s.io", "leases", "ns", "l", "")),
        ("/api/v1/namespaces/ns/pods/p%2e1", ("", "pods", "ns", "p.1", "")),
    ],
)
def test_resources(path: str, expected: tuple[str, ...]) -> None:
    route = parse(path)
    assert (route.group, route.resource, route.namespace, route.name, route.subresource) == expected


@pytest.mark.parametrize(
    ("path", "at", "rest"),
    [
        ("/at/rev/12/api/v1/pods", "rev/12", "/api/v1/pods"),
        ("/at/-5m/version", "-5m", "/version"),
        ("/at/2026-11-23T10%3A32%3A00Z/api", "2026-11-23T10:32:00Z", "/api"),
    ],
)
def test_moments(path: str, at: str, rest: str) -> None:
    assert (parse(path).at, parse(path).path) == (at, rest)


def test_what_is_no_resource() -> None:
    for path in ("/", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/version", "/healthz/ping"):
        assert not parse(path).resource, path


def test_legacy_watch_paths() -> None:
    route = parse("/api/v1/watch/namespaces/ns/pods/p")
    assert (route.watch, route.resource, route.namespace, route.name) == (True, "pods", "ns", "p")


def test_flags() -> None:
    assert [flag(params(q), "watch") for q in ("watch=1", "watch=true", "watch", "watch=0", "watch=false", "x=1")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_accept() -> None:
    kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
    assert accepted(kubectl) == Format("Table", "v1")
    assert accepted("application/vnd.kubernetes.protobuf,application/json") == Format(protobuf=True)
    assert accepted("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json") == Format()
    assert accepted("") == accepted("*/*") == Format()
    assert accepted("application/yaml").yaml
    with pytest.raises(NotAcceptable):
        accepted("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io")
