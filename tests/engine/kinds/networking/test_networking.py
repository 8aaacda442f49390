"""Ingresses, their classes, network policies: defaults, refusals, tables."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

BACKEND: dict[str, Any] = {"service": {"name": "web", "port": {"number": 80}}}


def rule(path: str = "/", kind: str | None = "Prefix", backend: dict[str, Any] = BACKEND, host: str = "a.example") -> Any:
    return {"host": host, "http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}


def ingress(*rules: Any, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"rules": list(rules), **spec}}


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (ingress(), "Invalid spec"),
        (ingress(rule(kind=None)), "Required spec.rules[0].http.paths[0].pathType"),
        (ingress(rule(path="x")), "Invalid spec.rules[0].http.paths[0].path"),
        (ingress(rule(path="/a//b")), "Invalid spec.rules[0].http.paths[0].path"),
        (ingress(rule(host="10.0.0.1")), "Invalid spec.rules[0].host"),
        (ingress(rule(host="*.*.example")), "Invalid spec.rules[0].host"),
        (ingress(rule(backend={})), "Invalid spec.rules[0].http.paths[0].backend"),
        (ingress(rule(backend={"service": {"name": "web"}})), "Required spec.rules[0].http.paths[0].backend"),
        (ingress(rule(), ingressClassName="A"), "Invalid spec.ingressClassName"),
        (ingress(rule(), tls=[{"hosts": ["A"]}]), "Invalid spec.tls[0].hosts[0]"),
    ],
)
def test_what_an_ingress_may_not_say(world: Any, refused: Any, made: dict[str, Any], wrong: str) -> None:
    assert refused(world.create, "ingresses", made) == {f"FieldValue{wrong}"}


def test_an_ingress_gets_the_default_class(world: Any) -> None:
    assert world.create("ingresses", ingress(rule())).spec.ingress_class_name is None
    mark = {"ingressclass.kubernetes.io/is-default-class": "true"}
    world.create("ingressclasses", {"metadata": {"name": "usual", "annotations": mark}, "spec": {"controller": "a.example/b"}})
    other = {**ingress(rule()), "metadata": {"name": "y"}}
    made = world.create("ingresses", other)
    assert made.spec.ingress_class_name == "usual"
    assert strategy_of("ingresses.networking.k8s.io").cells(made, NOW_NS) == ["y", "usual", "a.example", "", "80", "0s"]


def test_an_ingress_class_keeps_its_controller(world: Any, refused: Any) -> None:
    spec = {"controller": "a.example/b", "parameters": {"apiGroup": "k.example", "kind": "Params", "name": "p"}}
    made = world.create("ingressclasses", {"metadata": {"name": "x"}, "spec": spec})
    assert made.spec.parameters.scope == "Cluster" and made.metadata.generation == 1
    cells = strategy_of("ingressclasses.networking.k8s.io").cells(made, NOW_NS)
    assert cells == ["x", "a.example/b", "Params.k.example/p", "0s"]
    assert refused(world.change, made, spec={"controller": "a.example/c"}) == {"FieldValueInvalid spec.controller"}
    assert refused(world.change, made, spec={"parameters": {"namespace": "n"}}) == {
        "FieldValueForbidden spec.parameters.namespace",
    }


def test_a_network_policy_is_completed(world: Any) -> None:
    spec = {"podSelector": {"matchLabels": {"a": "b"}}, "ingress": [{"ports": [{"port": 80}]}], "egress": [{}]}
    made = world.create("networkpolicies", {"metadata": {"name": "x"}, "spec": spec})
    assert made.spec.policy_types == ("Ingress", "Egress") and made.spec.ingress[0].ports[0].protocol == "TCP"
    assert strategy_of("networkpolicies.networking.k8s.io").cells(made, NOW_NS) == ["x", "a=b", "0s"]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"ingress": [{"from": [{}]}]}, "Required spec.ingress[0].from[0]"),
        ({"ingress": [{"ports": [{"port": "A"}]}]}, "Invalid spec.ingress[0].ports[0].port"),
        ({"ingress": [{"ports": [{"port": 9, "endPort": 8}]}]}, "Invalid spec.ingress[0].ports[0].endPort"),
        ({"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]}, "Invalid spec.egress[0].to[0].ipBlock.cidr"),
        (
            {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/8"]}}]}]},
            "Invalid spec.egress[0].to[0].ipBlock.except[0]",
        ),
        (
            {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]},
            "Forbidden spec.egress[0].to[0]",
        ),
        ({"policyTypes": ["Sideways"]}, "NotSupported spec.policyTypes[0]"),
    ],
)
def test_what_a_network_policy_may_not_say(world: Any, refused: Any, spec: dict[str, Any], wrong: str) -> None:
    made = {"metadata": {"name": "x"}, "spec": {"podSelector": {}, **spec}}
    assert refused(world.create, "networkpolicies", made) == {f"FieldValue{wrong}"}
