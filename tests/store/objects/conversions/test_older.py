"""Older versions: what is stored comes back from each, and each means where it says nothing what it meant at its time."""

from typing import Any

import msgspec
import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.wire import codec
from tests.engine.kinds.test_contract import sample

OTHERS = [kind for kind in BUILTIN.served() if kind.hub is not None]
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def of(kind: str, api_version: str, body: dict[str, Any]) -> Any:
    """What a body of a version is stored as, with all its defaults."""
    found = BUILTIN.by_gvk(api_version, kind)
    assert found is not None and found.hub is not None
    value = {"kind": kind, "apiVersion": api_version, "metadata": {"name": "x"}, **body}
    obj, warnings = codec.from_builtins(found.type, value, validation="Strict")
    assert not warnings
    return strategy_of(found.resource).default(found.to_hub(obj))


def shown(kind: str, api_version: str, obj: Any) -> Any:
    """A stored object as a version shows it, in JSON."""
    found = BUILTIN.by_gvk(api_version, kind)
    assert found is not None
    return msgspec.json.decode(codec.encode(found.from_hub(obj)))


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: f"{kind.api_version} {kind.plural}")
def test_a_version_says_which_it_is_and_comes_back_from_its_wire(kind: Kind) -> None:
    assert kind.hub is not None
    obj = kind.from_hub(strategy_of(kind.resource).default(kind.hub.type()))
    assert (obj.api_version, obj.kind, type(obj)) == (kind.api_version, kind.kind, kind.type)
    assert codec.encode(obj).startswith(kind.head)
    again, warnings = codec.decode(kind.type, codec.encode(obj), validation="Strict")
    assert again == obj and not warnings
    back = kind.to_hub(obj)
    assert (back.api_version, back.kind, type(back)) == (kind.hub.api_version, kind.hub.kind, kind.hub.type)


# What cannot be right in the sample that is made of types alone: an autoscaler's metric of no type, a backend of no name, a
# definition that keeps unknown fields.
NOT_RIGHT = ("horizontalpodautoscalers", "ingresses", "customresourcedefinitions")


@pytest.mark.parametrize(
    "kind", [k for k in OTHERS if k.plural not in NOT_RIGHT], ids=lambda kind: f"{kind.api_version} {kind.plural}"
)
def test_every_field_comes_back(kind: Kind) -> None:
    assert kind.hub is not None
    stored = sample(kind.hub)
    assert kind.to_hub(kind.from_hub(stored)) == stored


def test_a_deployment_of_extensions_replaces_one_pod_at_a_time() -> None:
    made = of("Deployment", "extensions/v1beta1", {"spec": {"template": TEMPLATE, "rollbackTo": {"revision": 3}}})
    assert made.spec.selector.match_labels == {"app": "a"} and made.metadata.labels == {"app": "a"}
    rolling = made.spec.strategy.rolling_update
    assert (rolling.max_surge, rolling.max_unavailable) == (1, 1)
    assert (made.spec.revision_history_limit, made.spec.progress_deadline_seconds) == (2**31 - 1, 2**31 - 1)
    assert made.metadata.annotations == {"deprecated.deployment.rollback.to": "3"}
    again = shown("Deployment", "extensions/v1beta1", made)
    assert again["spec"]["rollbackTo"] == {"revision": 3} and "annotations" not in again["metadata"]


def test_a_deployment_of_apps_v1beta1_keeps_two_revisions() -> None:
    made = of("Deployment", "apps/v1beta1", {"spec": {"template": TEMPLATE}})
    assert (made.spec.revision_history_limit, made.spec.progress_deadline_seconds) == (2, 600)
    assert made.spec.strategy.rolling_update.max_surge == "25%" and made.spec.selector.match_labels == {"app": "a"}
    newer = of("Deployment", "apps/v1beta2", {"spec": {"template": TEMPLATE}})
    assert newer.spec.selector is None, "from v1beta2 on it must be said"


def test_a_recreated_deployment_has_no_rolling_update() -> None:
    body = {"spec": {"template": TEMPLATE, "strategy": {"type": "Recreate"}}}
    assert of("Deployment", "extensions/v1beta1", body).spec.strategy.rolling_update is None


def test_pods_of_old_sets_are_replaced_when_they_are_deleted() -> None:
    daemons = of("DaemonSet", "extensions/v1beta1", {"spec": {"template": TEMPLATE, "templateGeneration": 7}})
    assert daemons.spec.update_strategy.type == "OnDelete" and daemons.spec.selector.match_labels == {"app": "a"}
    assert shown("DaemonSet", "extensions/v1beta1", daemons)["spec"]["templateGeneration"] == 7
    stateful = of("StatefulSet", "apps/v1beta1", {"spec": {"serviceName": "s", "template": TEMPLATE}})
    assert stateful.spec.update_strategy.type == "OnDelete" and stateful.spec.selector.match_labels == {"app": "a"}
    newer = of("StatefulSet", "apps/v1beta2", {"spec": {"serviceName": "s", "template": TEMPLATE}})
    assert newer.spec.update_strategy.type == "RollingUpdate"


def test_labels_that_are_said_stay() -> None:
    body = {
        "metadata": {"name": "x", "labels": {"own": "1"}},
        "spec": {"selector": {"matchLabels": {"b": "c"}}, "template": TEMPLATE},
    }
    made = of("ReplicaSet", "extensions/v1beta1", body)
    assert made.metadata.labels == {"own": "1"} and made.spec.selector.match_labels == {"b": "c"}


@pytest.mark.parametrize("api_version", ["extensions/v1beta1", "networking.k8s.io/v1beta1"])
def test_a_backend_is_a_name_and_a_port(api_version: str) -> None:
    paths = [{"path": "/", "backend": {"serviceName": "s", "servicePort": "http"}}]
    backend = {"serviceName": "d", "servicePort": 80}
    body = {"spec": {"backend": backend, "rules": [{"host": "h", "http": {"paths": paths}}]}}
    made = of("Ingress", api_version, body)
    path = made.spec.rules[0].http.paths[0]
    assert (path.backend.service.name, path.backend.service.port.name) == ("s", "http")
    assert path.path_type == "ImplementationSpecific" and made.spec.default_backend.service.port.number == 80
    again = shown("Ingress", api_version, made)
    assert (
        again["spec"]["backend"] == backend and again["spec"]["rules"][0]["http"]["paths"][0]["backend"] == paths[0]["backend"]
    )


def test_the_zone_of_an_endpoint_stands_in_a_map() -> None:
    where = {"topology.kubernetes.io/zone": "z", "kubernetes.io/hostname": "n", "rack": "7"}
    body = {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "topology": where}]}
    made = of("EndpointSlice", "discovery.k8s.io/v1beta1", body)
    (endpoint,) = made.endpoints
    assert (endpoint.zone, endpoint.node_name, endpoint.deprecated_topology) == ("z", "n", {"rack": "7"})
    assert shown("EndpointSlice", "discovery.k8s.io/v1beta1", made)["endpoints"][0]["topology"] == where


def test_an_empty_selector_of_an_old_budget_means_no_pod() -> None:
    none = of("PodDisruptionBudget", "policy/v1beta1", {"spec": {"selector": {}}})
    (requirement,) = none.spec.selector.match_expressions
    assert requirement.operator == "Exists"
    assert shown("PodDisruptionBudget", "policy/v1beta1", none)["spec"]["selector"] == {}
    every = msgspec.structs.replace(none, spec=msgspec.structs.replace(none.spec, selector=type(none.spec.selector)()))
    old = BUILTIN.by_gvk("policy/v1beta1", "PodDisruptionBudget")
    assert old is not None and old.from_hub(every).spec.selector.match_expressions[0].operator == "DoesNotExist"
    assert old.to_hub(old.from_hub(every)) == every


def test_metrics_of_v2beta1_have_their_targets_beside_their_names() -> None:
    metrics = [
        {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 60}},
        {"type": "Pods", "pods": {"metricName": "rps", "targetAverageValue": "10"}},
        {"type": "External", "external": {"metricName": "q", "targetValue": "5"}},
    ]
    body = {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3, "metrics": metrics}}
    made = of("HorizontalPodAutoscaler", "autoscaling/v2beta1", body)
    assert [metric.type for metric in made.spec.metrics] == ["Resource", "Pods", "External"]
    assert made.spec.metrics[0].resource.target.average_utilization == 60
    assert made.spec.metrics[2].external.target.value == "5"
    assert shown("HorizontalPodAutoscaler", "autoscaling/v2beta1", made)["spec"]["metrics"] == metrics
    broken = {**body, "spec": {**body["spec"], "metrics": [{"type": "Resource"}]}}
    assert of("HorizontalPodAutoscaler", "autoscaling/v2beta1", broken).spec.metrics[0].resource is None


def test_a_definition_without_a_schema_takes_anything() -> None:
    names = {"plural": "ships", "kind": "Ship"}
    made = of(
        "CustomResourceDefinition", "apiextensions.k8s.io/v1beta1", {"spec": {"group": "g", "version": "v1", "names": names}}
    )
    (version,) = made.spec.versions
    assert (version.name, version.served, version.storage, made.spec.scope) == ("v1", True, True, "Namespaced")
    assert version.schema.open_apiv3_schema.x_kubernetes_preserve_unknown_fields


def test_what_is_said_of_a_definition_is_said_of_all_its_versions() -> None:
    columns = [{"name": "Mast", "type": "integer", "JSONPath": ".spec.mast"}]
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}}
    versions = [{"name": name, "served": True, "storage": name == "v1"} for name in ("v1", "v2")]
    body = {
        "spec": {
            "group": "g",
            "names": {"plural": "ships", "kind": "Ship"},
            "validation": schema,
            "versions": versions,
            "subresources": {"status": {}},
            "additionalPrinterColumns": columns,
            "preserveUnknownFields": False,
        }
    }
    made = of("CustomResourceDefinition", "apiextensions.k8s.io/v1beta1", body)
    for version in made.spec.versions:
        assert version.additional_printer_columns[0].json_path == ".spec.mast" and version.subresources.status is not None
        assert version.schema.open_apiv3_schema.x_kubernetes_preserve_unknown_fields is None
    again = shown("CustomResourceDefinition", "apiextensions.k8s.io/v1beta1", made)["spec"]
    assert again["additionalPrinterColumns"] == columns and again["validation"] == schema and again["version"] == "v1"
    assert all("schema" not in version for version in again["versions"])


def test_webhooks_of_v1beta1_are_passed_over_when_they_do_not_answer() -> None:
    hooks = [{"name": "a.b.c", "clientConfig": {"url": "https://a"}}]
    made = of("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1beta1", {"webhooks": hooks})
    (hook,) = made.webhooks
    assert (hook.failure_policy, hook.match_policy, hook.timeout_seconds) == ("Ignore", "Exact", 30)
    assert hook.admission_review_versions == ("v1beta1",)


def test_a_request_for_a_device_is_flat_in_v1beta1() -> None:
    request = {"name": "r", "deviceClassName": "c", "allocationMode": "ExactCount", "count": 2}
    made = of("ResourceClaim", "resource.k8s.io/v1beta1", {"spec": {"devices": {"requests": [request]}}})
    assert made.spec.devices.requests[0].exactly.count == 2
    assert shown("ResourceClaim", "resource.k8s.io/v1beta1", made)["spec"]["devices"]["requests"] == [request]
    device = {"name": "d", "basic": {"attributes": {"a": {"int": 1}}}}
    body = {"spec": {"driver": "d.e", "pool": {"name": "p"}, "nodeName": "n", "devices": [device]}}
    slice_ = of("ResourceSlice", "resource.k8s.io/v1beta1", body)
    assert slice_.spec.devices[0].attributes["a"].int_ == 1 and slice_.spec.all_nodes is None
    assert shown("ResourceSlice", "resource.k8s.io/v1beta1", slice_)["spec"]["devices"] == [device]


@pytest.mark.parametrize("version", ["v1beta1", "v1beta2"])
def test_shares_had_another_name(version: str) -> None:
    spec = {"type": "Limited", "limited": {"assuredConcurrencyShares": 7, "limitResponse": {"type": "Reject"}}}
    made = of("PriorityLevelConfiguration", f"flowcontrol.apiserver.k8s.io/{version}", {"spec": spec})
    assert made.spec.limited.nominal_concurrency_shares == 7
    again = shown("PriorityLevelConfiguration", f"flowcontrol.apiserver.k8s.io/{version}", made)
    assert again["spec"]["limited"]["assuredConcurrencyShares"] == 7


def test_a_signing_request_of_v1beta1_need_not_say_what_for() -> None:
    condition = {"type": "Approved"}
    body = {"spec": {"request": "eA=="}, "status": {"conditions": [condition]}}
    made = of("CertificateSigningRequest", "certificates.k8s.io/v1beta1", body)
    assert made.spec.usages == ("digital signature", "key encipherment") and made.status.conditions[0].status == "True"
    said = of("CertificateSigningRequest", "certificates.k8s.io/v1beta1", {"spec": {"request": "eA==", "usages": ["any"]}})
    assert said.spec.usages == ("any",)


@pytest.mark.parametrize("kind", ["RoleBinding", "ClusterRoleBinding"])
def test_a_subject_of_v1alpha1_has_a_version(kind: str) -> None:
    version, group = "rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io"
    ref = {"kind": "ClusterRole", "name": "r"}
    subjects = [
        {"kind": "User", "name": "u"},
        {"kind": "User", "name": "*"},
        {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
        {"kind": "Deckhand", "apiVersion": "ship/v2", "name": "d"},
    ]
    made = of(kind, version, {"subjects": subjects, "roleRef": ref})
    found = [(s.kind, s.api_group, s.name, s.namespace) for s in made.subjects]
    everybody = ("Group", group, "system:authenticated", "")
    assert found == [("User", group, "u", ""), everybody, ("ServiceAccount", "", "s", "n"), ("Deckhand", "ship", "d", "")]
    again = shown(kind, version, made)
    assert [s.get("apiVersion") for s in again["subjects"]] == [version, version, "v1", "ship/"]
    assert again["roleRef"] == {**ref, "apiGroup": group}
