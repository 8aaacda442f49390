"""Versions that clients of earlier years ask for: the same objects under their paths, in their words, with their scales."""

import json
from typing import Any

import pytest

from shipslog.reconcilers.cluster import custom_resource_definition
from shipslog.reconcilers.rule.decision import Reconciler
from shipslog.store.objects.types import apps_v1
from tests.engine.kinds.certificates import test_certificate_signing_request as signing

from .conftest import Api, Client
from .test_custom import condition


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    return (custom_resource_definition.RECONCILER,)


EXTENSIONS = "/apis/extensions/v1beta1/namespaces/default"
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
DEPLOYMENT = {"kind": "Deployment", "apiVersion": "extensions/v1beta1", "metadata": {"name": "d"}}
MERGE = {"Content-Type": "application/merge-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def deployment(**spec: Any) -> dict[str, Any]:
    return {**DEPLOYMENT, "spec": {"template": TEMPLATE, **spec}}


async def test_what_extensions_makes_apps_shows(api: Api, admin: Client) -> None:
    code, made = await admin.call("POST", f"{EXTENSIONS}/deployments", deployment(replicas=2))
    assert code == 201, made
    assert (made["apiVersion"], made["spec"]["strategy"]["rollingUpdate"]["maxSurge"]) == ("extensions/v1beta1", 1)
    (manager,) = made["metadata"]["managedFields"]
    assert manager["apiVersion"] == "extensions/v1beta1"
    code, shown = await admin.call("GET", "/apis/apps/v1/namespaces/default/deployments/d")
    assert code == 200 and shown["apiVersion"] == "apps/v1" and shown["spec"]["selector"] == {"matchLabels": {"app": "a"}}
    assert shown["metadata"]["uid"] == made["metadata"]["uid"]
    code, found = await admin.call("GET", f"{EXTENSIONS}/deployments?labelSelector=app%3Da")
    assert (found["kind"], found["apiVersion"], len(found["items"])) == ("DeploymentList", "extensions/v1beta1", 1)
    code, found = await admin.call("GET", "/apis/extensions/v1beta1/namespaces/kube-system/replicasets")
    assert (code, found["kind"], found["items"]) == (200, "ReplicaSetList", [])


async def test_a_scale_has_the_form_of_its_version(api: Api, admin: Client) -> None:
    await admin.call("POST", f"{EXTENSIONS}/deployments", deployment(replicas=2))
    code, scale = await admin.call("GET", f"{EXTENSIONS}/deployments/d/scale")
    assert (code, scale["apiVersion"], scale["spec"]) == (200, "extensions/v1beta1", {"replicas": 2})
    assert (scale["status"]["selector"], scale["status"]["targetSelector"]) == ({"app": "a"}, "app=a")
    code, scale = await admin.call("PUT", f"{EXTENSIONS}/deployments/d/scale", {**scale, "spec": {"replicas": 3}})
    assert (code, scale["spec"]["replicas"]) == (200, 3), scale
    body = json.dumps({"spec": {"replicas": 4}}).encode()
    older = "/apis/apps/v1beta2/namespaces/default/deployments/d/scale"
    code, scale = await admin.call("PATCH", older, body, headers=MERGE)
    assert (code, scale["apiVersion"], scale["spec"]["replicas"]) == (200, "apps/v1beta2", 4)
    assert api.cluster.get(apps_v1.Deployment, "d").spec.replicas == 4
    wrong = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "d"}, "spec": {"replicas": 1}}
    code, status = await admin.call("PUT", f"{EXTENSIONS}/deployments/d/scale", wrong)
    assert code == 400 and 'Scale in version "autoscaling/v1" cannot be handled as a Scale' in status["message"]


async def test_of_a_replication_controller_extensions_has_the_scale_alone(admin: Client) -> None:
    body = {"kind": "ReplicationController", "apiVersion": "v1", "metadata": {"name": "r"}, "spec": {"template": TEMPLATE}}
    code, made = await admin.call("POST", "/api/v1/namespaces/default/replicationcontrollers", body)
    assert code == 201, made
    code, scale = await admin.call("GET", f"{EXTENSIONS}/replicationcontrollers/r/scale")
    assert (code, scale["spec"]["replicas"], scale["status"]["selector"]) == (200, 1, {"app": "a"}), scale
    code, _ = await admin.call("GET", f"{EXTENSIONS}/replicationcontrollers/r")
    assert code in (404, 405)


async def test_a_deployment_is_asked_to_roll_back(api: Api, admin: Client) -> None:
    await admin.call("POST", f"{EXTENSIONS}/deployments", deployment())
    ask = {"kind": "DeploymentRollback", "apiVersion": "extensions/v1beta1", "name": "d", "rollbackTo": {"revision": 2}}
    told = {**ask, "updatedAnnotations": {"why": "bad"}}
    code, answer = await admin.call("POST", f"{EXTENSIONS}/deployments/d/rollback", told)
    assert code == 201, answer
    annotations = api.cluster.get(apps_v1.Deployment, "d").metadata.annotations
    assert annotations["why"] == "bad"
    code, answer = await admin.call("POST", f"{EXTENSIONS}/deployments/d/rollback", {**ask, "name": "other"})
    assert code == 400 and "does not match" in answer["message"]
    code, _ = await admin.call("POST", "/apis/apps/v1/namespaces/default/deployments/d/rollback", ask)
    assert code == 404


async def test_it_is_applied_in_its_words(api: Api, admin: Client) -> None:
    path = "/apis/networking.k8s.io/v1beta1/namespaces/default/ingresses/i"
    body = {
        "kind": "Ingress",
        "apiVersion": "networking.k8s.io/v1beta1",
        "metadata": {"name": "i"},
        "spec": {"backend": {"serviceName": "s", "servicePort": 80}},
    }
    code, made = await admin.call("PATCH", f"{path}?fieldManager=m", json.dumps(body).encode(), headers=APPLY)
    assert (code, made["spec"]["backend"]["serviceName"]) == (201, "s"), made
    (entry,) = made["metadata"]["managedFields"]
    assert entry["apiVersion"] == "networking.k8s.io/v1beta1" and "f:backend" in entry["fieldsV1"]["f:spec"]
    code, shown = await admin.call("GET", path.replace("v1beta1", "v1"))
    assert shown["spec"]["defaultBackend"]["service"] == {"name": "s", "port": {"number": 80}}
    body["spec"] = {"backend": {"serviceName": "t", "servicePort": "http"}}
    code, made = await admin.call("PATCH", f"{path}?fieldManager=m", json.dumps(body).encode(), headers=APPLY)
    assert (code, made["spec"]["backend"]) == (200, {"serviceName": "t", "servicePort": "http"}), made
    code, _ = await admin.call("PATCH", f"{path}?fieldManager=other", json.dumps(body).encode(), headers=APPLY)
    assert code == 200, "of one mind with its owner"


async def test_who_writes_another_version_takes_over_what_has_another_name_there(admin: Client) -> None:
    path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses/i"
    old = path.replace("v1", "v1beta1")
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    body = {
        "kind": "Ingress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": "i"},
        "spec": {"defaultBackend": backend},
    }
    code, made = await admin.call("PATCH", f"{path}?fieldManager=new", json.dumps(body).encode(), headers=APPLY)
    assert code == 201, made
    other = {
        "kind": "Ingress",
        "apiVersion": "networking.k8s.io/v1beta1",
        "metadata": {"name": "i"},
        "spec": {"backend": {"serviceName": "t", "servicePort": 80}},
    }
    code, status = await admin.call("PATCH", f"{old}?fieldManager=old", json.dumps(other).encode(), headers=APPLY)
    assert code == 409 and '"new"' in status["message"], status
    code, made = await admin.call("PATCH", f"{old}?fieldManager=old&force=true", json.dumps(other).encode(), headers=APPLY)
    assert code == 200 and made["spec"]["backend"]["serviceName"] == "t"
    owned = {entry["manager"]: entry["fieldsV1"] for entry in made["metadata"]["managedFields"]}
    assert "f:name" not in json.dumps(owned["new"]) and "f:number" in json.dumps(owned["new"]), owned
    change = json.dumps({"spec": {"backend": {"servicePort": 81}}}).encode()
    code, made = await admin.call("PATCH", f"{old}?fieldManager=hand", change, headers=MERGE)
    owned = {entry["manager"]: entry["fieldsV1"] for entry in made["metadata"]["managedFields"]}
    assert "new" not in owned and "f:servicePort" in json.dumps(owned["hand"]), owned
    assert "f:servicePort" not in json.dumps(owned["old"])


async def test_a_definition_of_old_makes_a_kind(api: Api, admin: Client) -> None:
    names = {"plural": "ships", "singular": "ship", "kind": "Ship", "listKind": "ShipList"}
    body = {
        "kind": "CustomResourceDefinition",
        "apiVersion": "apiextensions.k8s.io/v1beta1",
        "metadata": {"name": "ships.example.com"},
        "spec": {"group": "example.com", "version": "v1", "names": names},
    }
    code, made = await admin.call("POST", "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions", body)
    assert (code, made["apiVersion"]) == (201, "apiextensions.k8s.io/v1beta1"), made
    await condition(admin, "ships.example.com", "Established")
    ship = {"kind": "Ship", "apiVersion": "example.com/v1", "metadata": {"name": "s"}, "any": {"thing": 1}}
    code, kept = await admin.call("POST", "/apis/example.com/v1/namespaces/default/ships", ship)
    assert (code, kept["any"]) == (201, {"thing": 1}), kept


async def test_discovery_prefers_the_newest(admin: Client) -> None:
    _, found = await admin.call("GET", "/apis")
    groups = {group["name"]: group for group in found["groups"]}
    for name, version in (
        ("apps", "v1"),
        ("batch", "v1"),
        ("autoscaling", "v2"),
        ("policy", "v1"),
        ("networking.k8s.io", "v1"),
    ):
        assert groups[name]["preferredVersion"]["version"] == version
        assert any("beta" in each["version"] for each in groups[name]["versions"])
    order = [group["name"] for group in found["groups"]]
    assert order.index("apps") < order.index("networking.k8s.io") < order.index("extensions"), (
        "or old ones would be found first"
    )
    _, resources = await admin.call("GET", "/apis/extensions/v1beta1")
    told = {resource["name"]: resource for resource in resources["resources"]}
    assert told["deployments/scale"]["group"] == "extensions" and told["deployments/rollback"]["kind"] == "DeploymentRollback"
    assert "categories" not in told["deployments"], "there is one of each in `kubectl get all`"


async def test_documents_tell_of_every_version(admin: Client) -> None:
    _, document = await admin.call("GET", "/openapi/v2")
    told = {
        (gvk["group"], gvk["version"], gvk["kind"])
        for schema in document["definitions"].values()
        for gvk in schema.get("x-kubernetes-group-version-kind", ())
    }
    for group, version, kind in (
        ("policy", "v1beta1", "PodDisruptionBudget"),
        ("policy", "v1", "PodDisruptionBudget"),
        ("extensions", "v1beta1", "Deployment"),
        ("extensions", "v1beta1", "Ingress"),
        ("apps", "v1beta2", "DeploymentList"),
        ("batch", "v2alpha1", "CronJob"),
    ):
        assert (group, version, kind) in told
    names = {name for name in json.dumps(document).split('"') if name.startswith("#/definitions/")}
    assert {name.removeprefix("#/definitions/") for name in names} <= document["definitions"].keys(), "nothing leads nowhere"
    _, older = await admin.call("GET", "/openapi/v3/apis/extensions/v1beta1")
    refs = {name for name in json.dumps(older).split('"') if name.startswith("#/components/schemas/")}
    assert {name.removeprefix("#/components/schemas/") for name in refs} <= older["components"]["schemas"].keys()


async def test_a_signing_request_of_v1beta1_is_given_a_signer(admin: Client) -> None:
    path = "/apis/certificates.k8s.io/{}/certificatesigningrequests"
    node = signing.request("system:node:n", "system:nodes")
    kubelets = {"request": node, "usages": ["client auth", "digital signature"]}
    for name, spec, signer in (
        ("kubelet", kubelets, "kubernetes.io/kube-apiserver-client-kubelet"),
        ("other", {"request": signing.REQUEST}, "kubernetes.io/legacy-unknown"),
        ("said", {"request": signing.REQUEST, "signerName": "a.example/b"}, "a.example/b"),
    ):
        code, made = await admin.call("POST", path.format("v1beta1"), {"metadata": {"name": name}, "spec": spec})
        assert (code, made["spec"]["signerName"]) == (201, signer), made
    _, found = await admin.call("GET", f"{path.format('v1')}/other")
    assert (found["apiVersion"], found["spec"]["usages"]) == (
        "certificates.k8s.io/v1",
        ["digital signature", "key encipherment"],
    )
    legacy = {"request": signing.REQUEST, "signerName": "kubernetes.io/legacy-unknown", "usages": ["any"]}
    code, said = await admin.call("POST", path.format("v1"), {"metadata": {"name": "legacy"}, "spec": legacy})
    assert code == 422 and "not allowed via this API version" in said["message"], said


async def test_reviews_of_v1beta1_call_groups_group(api: Api, admin: Client) -> None:
    root = "/apis/authorization.k8s.io/{}/subjectaccessreviews"
    asked = {"resourceAttributes": {"verb": "get", "resource": "pods"}}
    for version, word in (("v1", "groups"), ("v1beta1", "group")):
        code, said = await admin.call("POST", root.format(version), {"spec": {**asked, word: ["system:masters"]}})
        assert (code, said["apiVersion"], said["status"]["allowed"]) == (201, f"authorization.k8s.io/{version}", True), said
        assert said["spec"][word] == ["system:masters"]
    code, said = await admin.call("POST", "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", {})
    assert (code, said["apiVersion"]) == (201, "authentication.k8s.io/v1beta1")
    assert (await admin.call("POST", "/apis/authentication.k8s.io/v2/selfsubjectreviews", {}))[0] == 404
    _, group = await admin.call("GET", "/apis/authorization.k8s.io")
    assert [version["version"] for version in group["versions"]] == ["v1", "v1beta1"]
    code, found = await admin.call("GET", "/apis/authorization.k8s.io/v1beta1")
    assert "subjectaccessreviews" in [resource["name"] for resource in found["resources"]]
