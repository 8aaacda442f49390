"""Server-side apply over HTTP, and the managed fields that every writer keeps, beyond what was recorded of a real server."""

import json
from typing import Any

import pytest

from shipslog.store.commands import Patch
from shipslog.store.objects.types import core_v1

from .conftest import CONFIG_MAPS, Api, Client

APPLY = {"Content-Type": "application/apply-patch+yaml"}
SERVICES = "/api/v1/namespaces/default/services"


async def apply(client: Client, path: str, body: Any, manager: str, query: str = "") -> tuple[int, Any]:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return await client.call("PATCH", f"{path}?fieldManager={manager}{query}", data, headers=APPLY)


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def managers(obj: Any) -> dict[str, list[str]]:
    """The data keys that each manager owns."""
    return {e["manager"]: sorted(e["fieldsV1"].get("f:data", {})) for e in obj["metadata"].get("managedFields", [])}


async def test_yaml_is_taken_and_what_is_left_out_goes(admin: Client) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: z}}\ndata: {k: v, l: w}\n"
    code, made = await apply(admin, f"{CONFIG_MAPS}/a", text, "one")
    assert code == 201 and made["data"] == {"k": "v", "l": "w"} and managers(made) == {"one": ["f:k", "f:l"]}
    code, changed = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="v"), "one")
    assert code == 200 and changed["data"] == {"k": "v"} and "labels" not in changed["metadata"]


async def test_a_conflict_names_manager_and_field_once_each(admin: Client) -> None:
    await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="1", l="1"), "one")
    code, status = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="2", l="2"), "two")
    assert (code, status["reason"]) == (409, "Conflict")
    assert [(c["message"], c["field"]) for c in status["details"]["causes"]] == [
        ('conflict with "one"', ".data.k"),
        ('conflict with "one"', ".data.l"),
    ]
    assert status["message"] == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.k\n- .data.l'
    code, forced = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="2"), "two", "&force=True")  # as Python writes it
    assert code == 200 and managers(forced) == {"one": ["f:l"], "two": ["f:k"]}


async def test_refused_and_dry_applies_leave_nothing(api: Api, admin: Client) -> None:
    revision = api.cluster.view.revision
    for body, code in (
        (config_map(k="1") | {"nope": 1}, 500),
        ({"kind": "ConfigMap"}, 500),
        ("{", 400),
        ("- a\n", 400),
        ("", 400),
    ):
        got, status = await apply(admin, f"{CONFIG_MAPS}/a", body, "one")
        assert got == code and status["kind"] == "Status", (body, status)
    code, shown = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="1"), "one", "&dryRun=All")
    assert code == 201 and managers(shown) == {"one": ["f:k"]}
    assert (await apply(admin, f"{CONFIG_MAPS}/a/status", config_map(), "one"))[0] == 404
    known = config_map(k="1") | {"metadata": {"name": "a", "uid": "u"}}
    code, status = await apply(admin, f"{CONFIG_MAPS}/a", known, "one")
    assert (code, status["reason"]) == (409, "Conflict")
    assert status["message"].endswith("uid mismatch: the provided object specified uid u, and no existing object was found")
    assert api.cluster.view.revision == revision and (await admin.call("GET", f"{CONFIG_MAPS}/a"))[0] == 404


async def test_items_of_lists_are_told_apart_by_their_keys(admin: Client) -> None:
    def service(*ports: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": list(ports)}}

    web, dns = {"name": "web", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}
    code, made = await apply(admin, f"{SERVICES}/s", service(web, dns), "one")
    assert code == 201, made
    (entry,) = made["metadata"]["managedFields"]
    assert sorted(entry["fieldsV1"]["f:spec"]["f:ports"]) == [
        'k:{"port":53,"protocol":"UDP"}',
        'k:{"port":80,"protocol":"TCP"}',
    ]
    code, both = await apply(admin, f"{SERVICES}/s", service({"name": "admin", "port": 8080}), "two")
    assert code == 200 and [p["port"] for p in both["spec"]["ports"]] == [80, 53, 8080]
    code, fewer = await apply(admin, f"{SERVICES}/s", service(dns), "one")
    assert code == 200 and [p["port"] for p in fewer["spec"]["ports"]] == [53, 8080], fewer
    code, status = await apply(admin, f"{SERVICES}/s", service(web, web), "one")
    assert code == 500 and 'duplicate entries for key [port=80,protocol="TCP"]' in status["message"]


async def test_who_wrote_without_a_manager_owns_nothing_and_is_in_nobodys_way(api: Api, admin: Client) -> None:
    await api.cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v}}")
    code, status = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="w"), "one")
    assert code == 409 and '"before-first-apply" using v1: .data.k' in status["message"]
    code, same = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="v"), "one")
    assert code == 200 and managers(same)["one"] == ["f:k"]
    held = api.cluster.get(core_v1.ConfigMap, "a")
    assert {e.manager for e in held.metadata.managed_fields} == {"one", "before-first-apply"}


async def test_kubectl_goes_on_with_what_it_applied_before(admin: Client) -> None:
    last = json.dumps(config_map(k="v"))
    body = config_map(k="v")
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": last}
    await admin.call("POST", f"{CONFIG_MAPS}?fieldManager=kubectl-client-side-apply", body)
    code, changed = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="w"), "kubectl")
    assert code == 200 and changed["data"] == {"k": "w"}, changed
    code, _ = await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="x"), "helm")
    assert code == 409


async def test_only_so_many_updaters_are_remembered_by_name(admin: Client) -> None:
    await admin.config_map("a", first="1")
    for number in range(14):
        body = json.dumps({"data": {f"k{number:02}": "v"}}).encode()
        headers = {"Content-Type": "application/merge-patch+json"}
        code, made = await admin.call("PATCH", f"{CONFIG_MAPS}/a?fieldManager=m{number:02}", body, headers=headers)
        assert code == 200, made
    owned = managers(made)
    assert len(owned) == 11 and "f:k00" in owned["ancient-changes"] and owned["m13"] == ["f:k13"]


@pytest.mark.parametrize(
    "fields", [[{"manager": "x", "operation": "Apply", "apiVersion": "v1", "fieldsV1": 7}], [{"fieldsV1": {}}]]
)
async def test_managers_that_nobody_can_read_do_no_harm(admin: Client, fields: list[Any]) -> None:
    await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="v"), "one")
    body = json.dumps({"metadata": {"managedFields": fields}}).encode()
    code, _ = await admin.call("PATCH", f"{CONFIG_MAPS}/a", body, headers={"Content-Type": "application/merge-patch+json"})
    assert code in (200, 400, 422)
    assert (await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="w"), "one", "&force=true"))[0] == 200


async def test_fields_that_are_no_sets_do_no_harm(admin: Client) -> None:
    await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="v"), "one")
    entry = {"manager": "x", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:k": 7}, "f:l": [1]}}
    body = json.dumps({"metadata": {"managedFields": [entry, entry]}}).encode()
    code, _ = await admin.call("PATCH", f"{CONFIG_MAPS}/a", body, headers={"Content-Type": "application/merge-patch+json"})
    assert code == 200
    assert (await apply(admin, f"{CONFIG_MAPS}/a", config_map(k="w"), "one", "&force=true"))[0] == 200


DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}
SCALE = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 5}}


def scalers(obj: Any) -> list[tuple[str, str, str]]:
    """Who owns the replicas: manager, operation, subresource."""
    return [
        (e["manager"], e["operation"], e.get("subresource", ""))
        for e in obj["metadata"]["managedFields"]
        if "f:replicas" in e["fieldsV1"].get("f:spec", {})
    ]


async def test_a_scale_is_applied_too(admin: Client) -> None:
    await apply(admin, f"{DEPLOYMENTS}/d", DEPLOYMENT, "one")
    code, said = await apply(admin, f"{DEPLOYMENTS}/d/scale", SCALE, "two")
    assert code == 409 and said["details"]["causes"][0]["field"] == ".spec.replicas", said
    code, scale = await apply(admin, f"{DEPLOYMENTS}/d/scale", SCALE, "two", "&force=true")
    assert (code, scale["kind"], scale["spec"]) == (200, "Scale", {"replicas": 5}), scale
    _, made = await admin.call("GET", f"{DEPLOYMENTS}/d")
    assert scalers(made) == [("two", "Apply", "scale")]
    code, said = await apply(admin, f"{DEPLOYMENTS}/d", DEPLOYMENT, "one")
    assert code == 409 and 'conflict with "two" with subresource "scale": .spec.replicas' in said["message"], said
    for body, words in (
        (SCALE | {"kind": "Deployment"}, "cannot be handled as a Scale"),
        (SCALE | {"metadata": {"name": "e"}}, "does not match the name on the URL"),
        (SCALE | {"spec": {"replicas": -1}}, "must be greater than or equal to 0"),
    ):
        code, said = await apply(admin, f"{DEPLOYMENTS}/d/scale", body, "two", "&force=true")
        assert code in (400, 422) and words in said["message"], said
    code, _ = await apply(admin, f"{DEPLOYMENTS}/nobody/scale", SCALE, "two")
    assert code == 404


async def test_who_applies_replicas_is_told_that_a_rule_has_scaled(api: Api, admin: Client) -> None:
    await apply(admin, f"{DEPLOYMENTS}/d", DEPLOYMENT, "one")
    change = Patch(
        resource="deployments.apps", namespace="default", name="d", media_type="application/merge-patch+json",
        body=b'{"spec":{"replicas":4}}', subresource="scale",
    )  # fmt: skip
    await api.cluster.submit(change, actor="system:controller:horizontal-pod-autoscaler")
    _, made = await admin.call("GET", f"{DEPLOYMENTS}/d")
    assert scalers(made) == [("kube-controller-manager", "Update", "scale")]
    code, said = await apply(admin, f"{DEPLOYMENTS}/d", DEPLOYMENT, "one")
    who = 'conflict with "kube-controller-manager" with subresource "scale" using apps/v1'
    assert (code, said["message"]) == (409, f"Apply failed with 1 conflict: {who}: .spec.replicas")
    without = {**DEPLOYMENT, "spec": {k: v for k, v in DEPLOYMENT["spec"].items() if k != "replicas"}}
    code, made = await apply(admin, f"{DEPLOYMENTS}/d", without, "one")
    assert (code, made["spec"]["replicas"]) == (200, 4)


async def test_a_scale_has_a_table_of_its_own(admin: Client) -> None:
    await apply(admin, f"{DEPLOYMENTS}/d", DEPLOYMENT, "one")
    headers = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    _, table = await admin.call("GET", f"{DEPLOYMENTS}/d/scale", headers=headers)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["d", 2, 0] and table["rows"][0]["object"]["metadata"]["name"] == "d"
    headers = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
    _, alone = await admin.call("GET", f"{DEPLOYMENTS}/d/scale", headers=headers)
    assert (alone["kind"], alone["metadata"]["name"]) == ("PartialObjectMetadata", "d")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replicas": "x"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"replicas": {"a": 1}}, ".spec.replicas: expected numeric (int or float), got map[string]interface {}"),
        ({"paused": "yes"}, ".spec.paused: expected boolean, got &{yes}"),
        ({"selector": [1]}, ".spec.selector: expected map, got &{[1]}"),
        (
            {"template": {"metadata": {"labels": {"a": 3}}}},
            ".spec.template.metadata.labels.a: expected string, got &value.valueUnstructured{Value:3}",
        ),
        ({"template": {"spec": {"containers": "c"}}}, ".spec.template.spec.containers: expected list, got &{c}"),
        (
            {"template": {"spec": {"containers": [{"name": "a"}, {"image": "i"}]}}},
            ".spec.template.spec.containers: element 1: associative list with keys has an element that omits key field "
            '"name" (and doesn\'t have default value)',
        ),
        (
            {"replicas": "x", "sails": 3},
            "errors:\n  .spec.replicas: expected numeric (int or float), got string\n  .spec.sails: ",
        ),
        ({"template": {"metadata": {"creationTimestamp": {}}}}, ".creationTimestamp: expected any scalar, got &{map[]}"),
    ],
)
async def test_what_is_not_of_the_type_is_told_as_structured_merge_diff_does(admin: Client, spec: Any, words: str) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    code, said = await apply(admin, f"{DEPLOYMENTS}/d", body, "one")
    assert code == 500 and said["message"].startswith(
        "failed to create typed patch object (default/d; apps/v1, Kind=Deployment)"
    )
    assert words in said["message"], said["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/namespaces/default/serviceaccounts", {"secrets": [{}]}),
        ("/api/v1/namespaces/default/pods", {"spec": {"containers": [{"name": "c", "image": "i"}], "imagePullSecrets": [{}]}}),
    ],
)
async def test_items_without_their_keys_are_written_all_the_same(admin: Client, path: str, body: dict[str, Any]) -> None:
    """Who owns what cannot be said of such an object; that is no reason to refuse it, nor for a 500."""
    code, made = await admin.call("POST", path, {"metadata": {"name": "keyless"}, **body})
    assert code == 201, made
    made["metadata"]["labels"] = {"a": "b"}
    code, changed = await admin.call("PUT", f"{path}/keyless", made)
    assert code == 200 and changed["metadata"]["labels"] == {"a": "b"}
