"""A node's identity over the wire: its own pods, what they refer to, itself, and nothing else."""

from typing import Any

import pytest

from tests.engine.api.conftest import Api, Client

NODE = {"Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"}
DEFAULT, MERGE = "/api/v1/namespaces/default", {"Content-Type": "application/merge-patch+json"}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
REFERS = {
    "serviceAccountName": "sa",
    "imagePullSecrets": [{"name": "s-pull"}],
    "containers": [
        {
            "name": "c",
            "image": "i",
            "envFrom": [{"secretRef": {"name": "s-from"}}, {"configMapRef": {"name": "c-from"}}],
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s-env", "key": "k"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c-env", "key": "k"}}},
            ],
        }
    ],
    "volumes": [
        {"name": "a", "secret": {"secretName": "s-volume"}},
        {"name": "b", "configMap": {"name": "c-volume"}},
        {"name": "c", "projected": {"sources": [{"secret": {"name": "s-projected"}}, {"configMap": {"name": "c-projected"}}]}},
        {"name": "d", "flexVolume": {"driver": "a/b", "secretRef": {"name": "s-flex"}}},
    ],
}
SECRETS = ("s-pull", "s-from", "s-env", "s-volume", "s-projected", "s-flex")
MAPS = ("c-from", "c-env", "c-volume", "c-projected")


@pytest.fixture
async def pods(admin: Client) -> dict[str, Any]:
    """Pod `mine` on n1, `theirs` on n2; the objects that `mine` refers to, and `other` of each kind."""
    for name in ("sa", "other"):
        assert (await admin.call("POST", f"{DEFAULT}/serviceaccounts", {"metadata": {"name": name}}))[0] == 201
    made = {}
    for name, node, spec in (("mine", "n1", REFERS), ("theirs", "n2", {"containers": [{"name": "c", "image": "i"}]})):
        body = {"metadata": {"name": name}, "spec": {"automountServiceAccountToken": False, **spec, "nodeName": node}}
        code, made[name] = await admin.call("POST", f"{DEFAULT}/pods", body)
        assert code == 201, made[name]
        assert (await admin.call("POST", "/api/v1/nodes", {"metadata": {"name": node}}))[0] == 201
    for plural, names in (("secrets", SECRETS), ("configmaps", MAPS)):
        for name in (*names, "other"):
            assert (await admin.call("POST", f"{DEFAULT}/{plural}", {"metadata": {"name": name}}))[0] == 201
    return made


async def test_it_reads_what_its_pods_refer_to_and_no_more(api: Api, admin: Client, pods: Any) -> None:
    for plural, names in (("secrets", SECRETS), ("configmaps", MAPS), ("serviceaccounts", ("sa",))):
        for name in names:
            assert (await admin.call("GET", f"{DEFAULT}/{plural}/{name}", headers=NODE))[0] == 200, name
            one = f"{DEFAULT}/{plural}?fieldSelector=metadata.name%3D{name}"
            assert (await admin.call("GET", one, headers=NODE))[0] == (403 if plural == "serviceaccounts" else 200), name
        for path in (f"{plural}/other", plural, f"{plural}?fieldSelector=metadata.name!%3Dother", f"{plural}?watch=1"):
            assert (await admin.call("GET", f"{DEFAULT}/{path}", headers=NODE))[0] == 403, path
        assert (await admin.call("GET", f"/api/v1/{plural}?fieldSelector=metadata.name%3D{names[0]}", headers=NODE))[0] == 403
        assert (await admin.call("PATCH", f"{DEFAULT}/{plural}/{names[0]}", {}, headers=NODE | MERGE))[0] == 403
    await admin.call("DELETE", f"{DEFAULT}/pods/mine?gracePeriodSeconds=0")
    code, status = await admin.call("GET", f"{DEFAULT}/secrets/s-env", headers=NODE)
    assert code == 403 and status["message"].endswith(": no pod on node n1 refers to it")


async def test_only_its_own_pods(admin: Client, pods: Any) -> None:
    listed = f"{DEFAULT}/pods?fieldSelector=spec.nodeName%3D"
    code, found = await admin.call("GET", f"{listed}n1", headers=NODE)
    assert code == 200 and [p["metadata"]["name"] for p in found["items"]] == ["mine"]
    for path in (f"{listed}n2", f"{DEFAULT}/pods", f"{DEFAULT}/pods/theirs", f"{DEFAULT}/pods/none"):
        assert (await admin.call("GET", path, headers=NODE))[0] == 403, path
    for name, code in (("mine", 200), ("theirs", 403), ("none", 404)):
        status = {"status": {"message": "said"}}
        path = f"{DEFAULT}/pods/{name}"
        assert (await admin.call("PATCH", f"{path}/status", status, headers=NODE | MERGE))[0] == code, name
        eviction = {"metadata": {"name": name}}
        found = (await admin.call("POST", f"{path}/eviction?dryRun=All", eviction, headers=NODE))[0]
        assert found == (201 if code == 200 else code), name
        assert (await admin.call("DELETE", f"{path}?dryRun=All", headers=NODE))[0] == code, name


async def test_itself_and_its_lease(admin: Client, pods: Any) -> None:
    await admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": "kube-node-lease"}})
    change = {"metadata": {"labels": {}}}
    for name, code in (("n1", 200), ("n2", 403)):
        assert (await admin.call("GET", f"/api/v1/nodes/{name}", headers=NODE))[0] == code
        for door in ("", "/status"):
            changed = await admin.call("PATCH", f"/api/v1/nodes/{name}{door}", change, headers=NODE | MERGE)
            assert changed[0] == code, changed
        made = await admin.call("POST", LEASES, {"metadata": {"name": name}}, headers=NODE)
        assert made[0] == (201 if code == 200 else 403), made
        assert (await admin.call("GET", f"{LEASES}/{name}", headers=NODE))[0] == code
    assert (await admin.call("POST", "/api/v1/nodes", {"metadata": {"name": "n3"}}, headers=NODE))[0] == 403
    assert (await admin.call("GET", "/api/v1/nodes?fieldSelector=metadata.name%3Dn1", headers=NODE))[0] == 200
    for path in ("/api/v1/nodes", LEASES, LEASES.replace("kube-node-lease", "default") + "/n1"):
        assert (await admin.call("GET", path, headers=NODE))[0] == 403, path


async def test_it_makes_mirrors_of_its_own_static_pods(admin: Client, pods: Any) -> None:
    containers = [{"name": "c", "image": "i"}]
    mirror = {"kubernetes.io/config.mirror": "h"}
    for number, (annotations, spec, why) in enumerate(
        (
            ({}, {"nodeName": "n1"}, "can only create mirror pods"),
            (mirror, {"nodeName": "n2"}, "spec.nodeName set to itself"),
            (mirror, {}, "spec.nodeName set to itself"),
            (mirror, {"nodeName": "n1", "serviceAccountName": "sa"}, "a service account"),
            (mirror, {"nodeName": "n1", "volumes": REFERS["volumes"]}, "reference configmaps and secrets"),
        )
    ):
        body = {"metadata": {"name": f"m{number}", "annotations": annotations}, "spec": {"containers": containers, **spec}}
        code, status = await admin.call("POST", f"{DEFAULT}/pods", body, headers=NODE)
        assert code == 403 and why in status["message"], (number, status)


async def test_tokens_for_its_own_pods_bound_to_them(admin: Client, pods: Any) -> None:
    def bound(name: str, uid: str = "") -> Any:
        held = uid or pods[name]["metadata"]["uid"]
        return {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": name, "uid": held if uid != "-" else ""}}

    for account, spec, code in (
        ("sa", bound("mine"), 201),
        ("sa", {}, 403),
        ("sa", bound("mine", "-"), 403),
        ("sa", bound("theirs"), 403),
        ("other", bound("mine"), 403),
    ):
        got = await admin.call("POST", f"{DEFAULT}/serviceaccounts/{account}/token", {"spec": spec}, headers=NODE)
        assert got[0] == code, (account, spec, got)


async def test_reviews_know_the_same(admin: Client, pods: Any) -> None:
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    for wanted, allowed in (
        ({"verb": "get", "resource": "secrets", "name": "s-env"}, True),
        ({"verb": "get", "resource": "secrets"}, False),
        ({"verb": "get", "resource": "secrets", "name": "other"}, False),
        (
            {
                "verb": "list",
                "resource": "pods",
                "fieldSelector": {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]},
            },
            True,
        ),
    ):
        spec = {"user": "system:node:n1", "groups": ["system:nodes"], "resourceAttributes": {"namespace": "default", **wanted}}
        code, review = await admin.call("POST", path, {"spec": spec})
        assert (code, review["status"]["allowed"]) == (201, allowed), wanted
    body = {"spec": {"namespace": "default"}}
    code, review = await admin.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body, headers=NODE)
    assert code == 201 and review["status"]["incomplete"]
