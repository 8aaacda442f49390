"""`--serve-old-clients`: what kubectl 1.5 to 1.13 asks for, and sends."""

import json
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from shipslog.engine.kinds.core.pod.old_clients import restored
from shipslog.store.objects.types.core_v1 import Pod
from shipslog.store.objects.wire import codec

from .conftest import Api, Client

PODS = "/api/v1/namespaces/default/pods"
POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.fixture
def old(api: Api) -> Api:
    """A server with the switch on."""
    api.cluster.view.config = replace(api.cluster.view.config, old_clients=True)
    api.cluster.committer.head.config = api.cluster.view.config
    return api


async def test_without_the_switch_there_is_none_of_it(api: Api, admin: Client) -> None:
    assert api.cluster.config.old_clients is UNSET
    for path in ("/swaggerapi", "/swagger-2.0.0.pb-v1", "/swaggerapi/api/v1"):
        assert (await admin.call("GET", path))[0] == 404
    code, made = await admin.call("POST", PODS, POD)
    assert code == 201 and "selfLink" not in made["metadata"]


async def test_a_document_has_no_map_that_is_none(old: Api, admin: Client) -> None:
    for path in ("/openapi/v2", "/swagger.json"):
        code, document = await admin.call("GET", path)
        assert code == 200

        def check(schema: dict[str, Any], where: str) -> None:
            if schema.get("type") == "object":
                assert "additionalProperties" in schema and not schema.get("properties"), where
            for name, below in schema.get("properties", {}).items():
                check(below, f"{where}.{name}")
            for key in ("items", "additionalProperties"):
                if isinstance(schema.get(key), dict):
                    check(schema[key], f"{where}.{key}")

        for name, schema in document["definitions"].items():
            check(schema, name)
        spec = document["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
        assert spec["$ref"].endswith("PodSpec") and "image" in json.dumps(document)
    response = await admin.stream("/swagger-2.0.0.pb-v1")
    assert response.status == 200 and b"io.k8s.api.core.v1.PodSpec" in await response.read()


async def test_models_of_swagger_1_2_have_all_fields(old: Api, admin: Client) -> None:
    code, listing = await admin.call("GET", "/swaggerapi")
    assert code == 200 and listing["swaggerVersion"] == "1.2"
    paths = [api["path"] for api in listing["apis"]]
    assert paths[0] == "/api/v1" and "/apis/extensions/v1beta1" in paths
    for path in paths:
        code, declared = await admin.call("GET", f"/swaggerapi{path}")
        assert code == 200, path
        models = declared["models"]
        refs = {ref for model in models.values() for part in model["properties"].values() if (ref := reference(part))}
        assert refs <= models.keys(), f"{path}: {refs - models.keys()}"
        assert all(model["id"] == name for name, model in models.items())
    _, declared = await admin.call("GET", "/swaggerapi/apis/extensions/v1beta1")
    assert "rollbackTo" in declared["models"]["v1beta1.DeploymentSpec"]["properties"]
    assert declared["models"]["v1beta1.ReplicaSet"]["id"] == "v1beta1.ReplicaSet"
    assert (await admin.call("GET", "/swaggerapi/apis/none/v1"))[0] == 404


def reference(part: dict[str, Any]) -> str:
    return part.get("$ref") or (reference(part["items"]) if "items" in part else "")


async def test_an_object_says_where_it_is(old: Api, admin: Client) -> None:
    code, made = await admin.call("POST", PODS, POD)
    assert code == 201 and made["metadata"]["selfLink"] == f"{PODS}/p"
    made["metadata"] |= {"selfLink": "/elsewhere", "labels": {"a": "b"}}
    code, changed = await admin.call("PUT", f"{PODS}/p", made)
    assert code == 200 and changed["metadata"]["selfLink"] == f"{PODS}/p"
    _, listed = await admin.call("GET", PODS)
    assert listed["items"][0]["metadata"]["selfLink"] == f"{PODS}/p"
    namespace = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}}
    _, made = await admin.call("POST", "/api/v1/namespaces", namespace)
    assert made["metadata"]["selfLink"] == "/api/v1/namespaces/n"


TOKEN = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}
CA = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
OWN = {"name": "own", "configMap": {"name": "m"}}


def pod(*volumes: Any) -> Pod:
    value = {"metadata": {"name": "p"}, "spec": {"volumes": list(volumes), "containers": [{"name": "c", "image": "i"}]}}
    found, _ = codec.from_builtins(Pod, value)
    assert isinstance(found, Pod)
    return found


ACCESS = {"name": "kube-api-access-x", "projected": {"sources": [TOKEN, CA], "defaultMode": 420}}


@pytest.mark.parametrize(
    ("volume", "is_put_back"),
    [
        ({**ACCESS, "projected": {"sources": [{}, CA], "defaultMode": 420}}, True),
        ({"name": "kube-api-access-x"}, True),
        ({"name": "kube-api-access-x", "emptyDir": {}}, True),
        ({**ACCESS, "projected": {"sources": [CA], "defaultMode": 420}}, False),
        ({**ACCESS, "projected": {"sources": [{}, CA], "defaultMode": 256}}, False),
        ({"name": "kube-api-access-x", "emptyDir": {"medium": "Memory"}}, False),
    ],
)
def test_what_a_client_does_not_know_is_put_back(volume: dict[str, Any], is_put_back: bool) -> None:
    old, new = pod(OWN, ACCESS), pod(OWN, volume)
    assert (restored(old, new) == old) is is_put_back
    if not is_put_back:
        assert restored(old, new) == new
    gone = pod(OWN)
    assert restored(old, gone) == gone, "a volume that is left out is a change"


async def test_a_label_can_be_changed_by_who_does_not_know_tokens(old: Api, admin: Client) -> None:
    code, made = await admin.call("POST", PODS, {**POD, "spec": {**POD["spec"], "volumes": [ACCESS]}})  # type: ignore[dict-item]
    assert code == 201, made
    made["metadata"]["labels"] = {"a": "b"}
    for volume in made["spec"]["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            source.pop("serviceAccountToken", None)
    code, changed = await admin.call("PUT", f"{PODS}/p", made)
    assert code == 200 and changed["metadata"]["labels"] == {"a": "b"}, changed
    assert "serviceAccountToken" in json.dumps(changed["spec"]["volumes"])
