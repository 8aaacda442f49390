"""Metadata of every kind, and the kinds with few rules: settings, namespaces, nodes, controllers, leases, events."""

import base64
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Refusal


def config(**meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c", **meta}}


OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        ({"name": "a" * 254}, {"FieldValueInvalid metadata.name"}),
        ({"name": "a..b"}, {"FieldValueInvalid metadata.name"}),
        ({"name": "", "generateName": "-x-"}, {"FieldValueInvalid metadata.generateName", "FieldValueInvalid metadata.name"}),
        ({"labels": {"A.b/c": "x"}}, {"FieldValueInvalid metadata.labels"}),
        ({"labels": {"/c": "x"}}, {"FieldValueInvalid metadata.labels"}),
        ({"labels": {"a/" + "b" * 64: "x"}}, {"FieldValueInvalid metadata.labels"}),
        ({"annotations": {"k": "x" * 262144}}, {"FieldValueTooLong metadata.annotations"}),
        ({"ownerReferences": [{**OWNER, "apiVersion": ""}]}, {"FieldValueInvalid metadata.ownerReferences.apiVersion"}),
        ({"ownerReferences": [{**OWNER, "kind": "Event"}]}, {"FieldValueInvalid metadata.ownerReferences"}),
        ({"finalizers": ["nodomain"]}, {"FieldValueInvalid metadata.finalizers[0]"}),
        ({"finalizers": ["a.b/c d"]}, {"FieldValueInvalid metadata.finalizers"}),
    ],
)
def test_metadata_refused(world: Any, refused: Any, meta: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "configmaps", config(**meta)) == wanted


@pytest.mark.parametrize(
    "meta",
    [
        {"labels": {"a.b-c/D_e.f": "", "x": "1"}},
        {"annotations": {"UPPER.case/Is_fine": "any thing\n"}},
        {"name": "", "generateName": "x-"},
        {"finalizers": ["orphan", "a.b/c"]},
        {"ownerReferences": [{**OWNER, "controller": True}]},
    ],
)
def test_metadata_accepted(world: Any, meta: dict[str, Any]) -> None:
    world.create("configmaps", config(**meta))


def test_metadata_that_may_not_change(world: Any, refused: Any) -> None:
    old = world.create("configmaps", config())
    changed = {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z"}}
    assert refused(world.change, old, **changed) == {"FieldValueInvalid metadata.creationTimestamp"}
    ending = world.keep(
        replace(old, metadata=replace(old.metadata, deletion_timestamp="2026-01-01T00:00:00Z", finalizers=("a/b",)))
    )
    assert refused(world.change, ending, metadata={"finalizers": ["a/b", "c/d"]}) == {"FieldValueForbidden metadata.finalizers"}
    assert world.change(ending, metadata={"finalizers": []}).metadata.finalizers == ()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"data": {"..": "x"}}, {"FieldValueInvalid data[..]"}),
        ({"binaryData": {"a/b": "AA=="}}, {"FieldValueInvalid binaryData[a/b]"}),
        ({"data": {"a": "x" * 1048577}}, {"FieldValueTooLong"}),
        ({"data": {"a": "x" * 1048570}, "binaryData": {"b": base64.b64encode(b"1234567").decode()}}, {"FieldValueTooLong"}),
    ],
)
def test_config_maps_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "configmaps", config() | body) == wanted


def test_immutable_config_map(world: Any, refused: Any) -> None:
    old = world.create("configmaps", config() | {"immutable": True, "binaryData": {"a": "AA=="}})
    found = refused(world.change, old, immutable=None, binaryData={"a": "AQ=="}, data={"x": "y"})
    assert found == {"FieldValueForbidden immutable", "FieldValueForbidden data", "FieldValueForbidden binaryData"}


def secret(kind: str = "", **more: Any) -> dict[str, Any]:
    return config() | ({"type": kind} if kind else {}) | more


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (secret("kubernetes.io/ssh-auth"), {"FieldValueRequired data[%s][ssh-privatekey]"}),
        (secret("kubernetes.io/tls", stringData={"tls.crt": "x"}), {"FieldValueRequired data[tls.key]"}),
        (
            secret("kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": "[]"}),
            {"FieldValueInvalid data[.dockerconfigjson]"},
        ),
        (secret(stringData={"a b": "x"}), {"FieldValueInvalid data[a b]"}),
        (secret(stringData={"a": "x" * 1048577}), {"FieldValueTooLong data"}),
    ],
)
def test_secrets_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "secrets", body) == wanted


def test_secrets_take_plain_text(world: Any, refused: Any) -> None:
    made = world.create("secrets", secret(data={"a": "eA==", "b": "eA=="}, stringData={"b": "y", "c": "z"}))
    assert (made.data, made.string_data, made.type) == ({"a": "eA==", "b": "eQ==", "c": "eg=="}, {}, "Opaque")
    refused(world.create, "secrets", secret(data={"a": "%%"}), code=400)
    assert refused(world.change, made, type="other") == {"FieldValueInvalid type"}


def test_namespaces(world: Any, refused: Any) -> None:
    made = world.create("namespaces", {"metadata": {"name": "n"}, "status": {"phase": "Terminating"}})
    assert (made.spec.finalizers, made.status.phase) == (("kubernetes",), "Active")
    kept = world.change(made, metadata={"labels": None}, spec={"finalizers": []})
    assert (kept.metadata.labels, kept.spec.finalizers) == ({"kubernetes.io/metadata.name": "n"}, ("kubernetes",))
    assert world.change(kept, "finalize", spec={"finalizers": []}).spec.finalizers == ()
    assert refused(world.change, kept, "status", status={"phase": "Terminating"}) == {"FieldValueInvalid status.Phase"}
    assert refused(world.create, "namespaces", {"metadata": {"name": "m"}, "spec": {"finalizers": ["x"]}}) == {
        "FieldValueInvalid spec.finalizers"
    }
    world.delete(kept)
    for name in ("default", "kube-system", "kube-public"):
        held = world.create("namespaces", {"metadata": {"name": name}})
        with pytest.raises(Refusal, match=f'namespaces "{name}" is forbidden: this namespace may not be deleted'):
            world.delete(held)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"spec": {"taints": [{"key": "a", "effect": "Never"}]}}, {"FieldValueNotSupported metadata.taints[0].effect"}),
        ({"spec": {"taints": [{"key": "a"}]}}, {"FieldValueRequired metadata.taints[0].effect"}),
        (
            {"spec": {"taints": [{"key": "a", "effect": "NoExecute"}, {"key": "a", "value": "b", "effect": "NoExecute"}]}},
            {"FieldValueDuplicate metadata.taints[1]"},
        ),
        ({"spec": {"podCIDR": "x"}}, {"FieldValueInvalid spec.podCIDRs[0]"}),
        ({"spec": {"podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]}}, {"FieldValueInvalid spec.podCIDRs"}),
        (
            {"status": {"capacity": {"cpu": "-1"}}},
            {"FieldValueInvalid status.capacity.cpu", "FieldValueInvalid status.allocatable.cpu"},
        ),
    ],
)
def test_nodes_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "nodes", {"metadata": {"name": "n"}} | body) == wanted


def test_what_a_node_was_given_stays(world: Any, refused: Any) -> None:
    old = world.create("nodes", {"metadata": {"name": "n"}, "spec": {"podCIDR": "10.0.0.0/24", "providerID": "x://n"}})
    assert (old.spec.pod_cidrs, old.spec.taints[0].key) == (("10.0.0.0/24",), "node.kubernetes.io/not-ready")
    assert world.change(old, spec={"unschedulable": True, "taints": None}, status={"phase": "x"}).status.phase == ""
    found = refused(world.change, old, spec={"podCIDR": "10.0.1.0/24", "podCIDRs": None, "providerID": "y"})
    assert found == {"FieldValueForbidden spec.podCIDRs", "FieldValueForbidden spec.providerID"}


def controller(template: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    full = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}], **(template or {})}}
    return {"metadata": {"name": "rc"}, "spec": {"template": full, **spec}}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (controller(selector={"a": "c"}), {"FieldValueInvalid spec.template.metadata.labels"}),
        (controller(replicas=-1), {"FieldValueInvalid spec.replicas"}),
        (controller(minReadySeconds=-1), {"FieldValueInvalid spec.minReadySeconds"}),
        (controller({"restartPolicy": "Never"}), {"FieldValueNotSupported spec.template.spec.restartPolicy"}),
        (controller({"activeDeadlineSeconds": 5}), {"FieldValueForbidden spec.template.spec.activeDeadlineSeconds"}),
        (controller({"containers": []}), {"FieldValueRequired spec.template.spec.containers"}),
        ({"metadata": {"name": "rc"}, "spec": {}}, {"FieldValueRequired spec.selector", "FieldValueRequired spec.template"}),
        (
            {"metadata": {"name": "rc"}, "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}},
            {"FieldValueRequired spec.selector"},
        ),
    ],
)
def test_replication_controllers_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "replicationcontrollers", body) == wanted


def test_replication_controller_generation_and_status(world: Any, refused: Any) -> None:
    old = world.create("replicationcontrollers", controller() | {"status": {"replicas": 5}})
    assert (old.spec.replicas, old.spec.selector, old.metadata.labels, old.status.replicas) == (1, {"a": "b"}, {"a": "b"}, 0)
    labelled = world.change(old, metadata={"labels": {"x": "y"}})
    scaled = world.change(labelled, spec={"replicas": 3}, status={"replicas": 9})
    counted = world.change(scaled, "status", status={"replicas": 2}, spec={"replicas": 7})
    assert [x.metadata.generation for x in (old, labelled, scaled, counted)] == [1, 1, 2, 2]
    assert (counted.spec.replicas, counted.status.replicas, scaled.status.replicas) == (3, 2, 0)
    assert refused(world.change, counted, "status", status={"readyReplicas": 3}) == {"FieldValueInvalid status.readyReplicas"}


@pytest.mark.parametrize(
    ("plural", "body", "wanted"),
    [
        ("leases", {"spec": {"leaseTransitions": -1}}, {"FieldValueInvalid spec.leaseTransitions"}),
        ("leases", {"spec": {"preferredHolder": "x"}}, {"FieldValueForbidden spec.preferredHolder"}),
        ("events", {"involvedObject": {"kind": "Node", "name": "n"}}, {"FieldValueInvalid involvedObject.namespace"}),
        (
            "events",
            {"involvedObject": {"namespace": "ns"}, "eventTime": "2026-01-01T00:00:00.000000Z", "reason": "r", "action": "a"},
            {
                "FieldValueRequired reportingController",
                "FieldValueInvalid reportingController",
                "FieldValueRequired reportingInstance",
            },
        ),
        ("serviceaccounts", {"metadata": {"name": "A"}}, {"FieldValueInvalid metadata.name"}),
    ],
)
def test_others_refused(world: Any, refused: Any, plural: str, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, plural, config() | body) == wanted


def test_service_account_keeps_names_of_secrets(world: Any) -> None:
    made = world.create("serviceaccounts", config() | {"secrets": [{"name": "s", "namespace": "x"}]})
    assert made.secrets == (core_v1.ObjectReference(name="s"),)


def test_address_grammar() -> None:
    assert [v for v in ("1.2.3.4", "::1", "01.2.3.4", "1.2.3", "a", "1.2.3.256", "fe80::1%eth0") if names.ip(v)] == [
        "1.2.3",
        "a",
        "1.2.3.256",
        "fe80::1%eth0",
    ]
    assert [v for v in ("10.0.0.0/8", "10.0.0.1/33", "10.0.0.0", "::/0", "x/8") if names.cidr(v)] == [
        "10.0.0.1/33",
        "10.0.0.0",
        "x/8",
    ]
