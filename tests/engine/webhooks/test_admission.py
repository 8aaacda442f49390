"""Admission webhooks over the wire: real TLS, real answers, and Kubernetes' words for what goes wrong."""

import asyncio
import base64
import gzip
from typing import Any

import pytest
from aiohttp import web

from shipslog.engine.cluster import Cluster
from shipslog.store.commands import Create
from shipslog.store.facts import DecisionTaken
from shipslog.store.objects.types import core_v1, meta_v1
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client

from .harbour import Harbour, allowed, denied, patch

GROUP = "/apis/admissionregistration.k8s.io/v1"
CONFIGS = {True: f"{GROUP}/mutatingwebhookconfigurations", False: f"{GROUP}/validatingwebhookconfigurations"}
ANY = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
MAPS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"]}
LOW = {"op": "add", "path": "/data", "value": {"tide": "low"}}


def hook(hooks: Harbour, path: str = "/a", rule: Any = MAPS, **more: Any) -> dict[str, Any]:
    return {
        "name": f"{path.strip('/')}.example.com",
        "clientConfig": {"url": hooks.url(path), "caBundle": hooks.authority},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
        **more,
    }


async def register(admin: Client, mutating: bool, *webhooks: Any, name: str = "x") -> None:
    kind = "MutatingWebhookConfiguration" if mutating else "ValidatingWebhookConfiguration"
    body = {"kind": kind, "apiVersion": GROUP.removeprefix("/apis/"), "metadata": {"name": name}, "webhooks": list(webhooks)}
    code, made = await admin.call("POST", CONFIGS[mutating], body)
    assert code == 201, made


def config_map(name: str = "m", **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


async def test_one_that_mutates_sees_the_request_and_changes_the_object(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, LOW) | {"warnings": ["the tide is out"]}
    code, made, headers = await admin.full("POST", f"{CONFIG_MAPS}?fieldManager=me", config_map(a="b"))
    assert (code, made["data"]) == (201, {"tide": "low"})
    assert headers["Warning"] == '299 - "the tide is out"'
    (review,) = hooks.of("/a")
    request = review["request"]
    assert (review["kind"], review["apiVersion"]) == ("AdmissionReview", "admission.k8s.io/v1")
    assert request["kind"] == request["requestKind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request["resource"] == request["requestResource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (request["operation"], request["namespace"], request["name"]) == ("CREATE", "default", "m")
    assert request["userInfo"] == {"username": "system:admin", "groups": ["system:masters", "system:authenticated"]}
    assert request["options"] == {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me"}
    assert request["object"]["data"] == {"a": "b"} and request["oldObject"] is None and request["dryRun"] is False
    assert "uid" not in request["object"]["metadata"]


async def test_one_that_validates_sees_what_will_be(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks))
    await register(admin, False, hook(hooks, "/b"))
    hooks.answers["/a"] = lambda request: patch(request, LOW)
    code, made = await admin.call("POST", CONFIG_MAPS, {"metadata": {"generateName": "m-"}})
    assert code == 201
    (review,) = hooks.of("/b")
    seen = review["request"]["object"]
    assert seen["data"] == {"tide": "low"}
    assert (seen["metadata"]["uid"], seen["metadata"]["name"]) == (made["metadata"]["uid"], made["metadata"]["name"])


@pytest.mark.parametrize(
    ("status", "code", "message", "reason"),
    [
        ({"message": "not today", "code": 403, "reason": "Forbidden"}, 403, ": not today", "Forbidden"),
        ({"message": "not today"}, 400, ": not today", None),
        ({"reason": "Tide"}, 400, ": Tide", "Tide"),
        ({}, 400, " without explanation", None),
        ({"message": "x", "code": 200, "status": "Success"}, 400, ": x", None),
        ({"message": "x", "code": 10**12}, 599, ": x", None),
    ],
)
@pytest.mark.parametrize("mutating", [True, False])
async def test_a_denial_is_worded_as_kubernetes_does(
    admin: Client, hooks: Harbour, mutating: bool, status: Any, code: int, message: str, reason: str | None
) -> None:
    await register(admin, mutating, hook(hooks))
    hooks.answers["/a"] = lambda request: denied(request, **status)
    found, said = await admin.call("POST", CONFIG_MAPS, config_map())
    assert (found, said["code"], said.get("reason")) == (code, code, reason)
    assert said["message"] == f'admission webhook "a.example.com" denied the request{message}'
    assert (await admin.call("GET", f"{CONFIG_MAPS}/m"))[0] == 404


async def test_updates_patches_and_deletions_are_asked_about(admin: Client, hooks: Harbour) -> None:
    await admin.config_map("m", a="1")
    await register(admin, True, hook(hooks))
    await admin.call("PUT", f"{CONFIG_MAPS}/m", config_map(a="2"))
    merge = {"headers": {"Content-Type": "application/merge-patch+json"}}
    await admin.call("PATCH", f"{CONFIG_MAPS}/m", b'{"data":{"a":"3"}}', **merge)
    apply = {"headers": {"Content-Type": "application/apply-patch+yaml"}}
    await admin.call("PATCH", f"{CONFIG_MAPS}/n?fieldManager=f", config_map("n", a="4"), **apply)
    await admin.call("DELETE", f"{CONFIG_MAPS}/m", {"kind": "DeleteOptions", "propagationPolicy": "Orphan"})
    requests = [review["request"] for review in hooks.of("/a")]
    data = [(r["operation"], (r["oldObject"] or {}).get("data"), (r["object"] or {}).get("data")) for r in requests]
    assert data == [
        ("UPDATE", {"a": "1"}, {"a": "2"}),
        ("UPDATE", {"a": "2"}, {"a": "3"}),
        ("CREATE", None, {"a": "4"}),
        ("DELETE", {"a": "3"}, None),
    ]
    assert [r["options"]["kind"] for r in requests] == ["UpdateOptions", "UpdateOptions", "CreateOptions", "DeleteOptions"]
    assert requests[3]["options"]["propagationPolicy"] == "Orphan"


async def test_a_deletion_cannot_be_patched(admin: Client, hooks: Harbour) -> None:
    await admin.config_map("m")
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, LOW)
    code, said = await admin.call("DELETE", f"{CONFIG_MAPS}/m")
    why = 'admission webhook "a.example.com" attempted to modify the object, which is not supported for this operation'
    assert (code, said["message"]) == (500, f"Internal error occurred: {why}")
    assert said["details"] == {"causes": [{"message": why}]}


async def test_one_does_not_own_what_it_adds(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": "/data/b", "value": "c"})
    _, made = await admin.call("POST", f"{CONFIG_MAPS}?fieldManager=me", config_map(a="b"))
    assert made["data"] == {"a": "b", "b": "c"}
    assert [e["fieldsV1"] for e in made["metadata"]["managedFields"]] == [{"f:data": {".": {}, "f:a": {}}}]


OWNED: dict[str, Any] = {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
OWNED |= {"fieldsV1": {"f:data": {"f:b": {}}}}


@pytest.mark.parametrize("update", [False, True])
async def test_one_says_who_owns_what(admin: Client, hooks: Harbour, update: bool) -> None:
    if update:
        assert (await admin.call("POST", f"{CONFIG_MAPS}?fieldManager=first", config_map(z="y")))[0] == 201
    await register(admin, True, hook(hooks), hook(hooks, "/b"))
    added = {"op": "add", "path": "/metadata/managedFields/-", "value": OWNED}
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": "/data/b", "value": "c"}, added)
    hooks.answers["/b"] = lambda request: patch(request, {"op": "add", "path": "/data/d", "value": "e"})
    method, path = ("PUT", f"{CONFIG_MAPS}/m") if update else ("POST", CONFIG_MAPS)
    code, made, headers = await admin.full(method, f"{path}?fieldManager=me", config_map(a="b"))
    assert code in (200, 201) and "Warning" not in headers
    owners = {e["manager"]: e["fieldsV1"] for e in made["metadata"]["managedFields"]}
    assert owners["m"] == OWNED["fieldsV1"] and owners["me"]["f:data"]["f:a"] == {} and "'f:d'" not in str(owners)
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": "/metadata/managedFields", "value": []})
    _, made = await admin.call("PUT", f"{CONFIG_MAPS}/m?fieldManager=me", config_map(a="c"))
    assert "managedFields" not in made["metadata"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"operation": "Own"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "FieldsV2"}, 'invalid fieldsType "FieldsV2" in managed fields entry 0'),
        ({"fieldsV1": {"data": {}}}, "error decoding versioned set"),
    ],
)
async def test_who_owns_what_is_as_it_was_where_nobody_can_read_it(
    admin: Client, hooks: Harbour, wrong: dict[str, Any], why: str
) -> None:
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(
        request, {"op": "add", "path": "/metadata/managedFields", "value": [{**OWNED, **wrong}]}
    )
    code, made, headers = await admin.full("POST", f"{CONFIG_MAPS}?fieldManager=me", config_map(a="b"))
    assert code == 201 and [e["manager"] for e in made["metadata"]["managedFields"]] == ["me"]
    assert "invalid state after admission" in headers["Warning"] and why.replace('"', '\\"') in headers["Warning"]


@pytest.mark.parametrize(
    ("path", "value", "code", "message"),
    [
        ("/metadata/namespace", "other", 400, "the namespace of the provided object does not match"),
        ("/metadata/resourceVersion", "7", 500, "resourceVersion should not be set on objects to be created"),
        ("/metadata/name", "Bad Name", 422, "is invalid"),
        ("/kind", "Secret", 500, "Internal error occurred"),
        ("/apiVersion", "v9", 500, "Internal error occurred"),
        ("/data", 7, 500, "Internal error occurred"),
        ("/metadata/labels", {"a": ["b"]}, 500, "Internal error occurred"),
        ("/a/b/c", 7, 500, "Internal error occurred"),
    ],
)
async def test_what_it_may_not_change_is_refused(
    admin: Client, hooks: Harbour, path: str, value: Any, code: int, message: str
) -> None:
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": path, "value": value})
    found, said = await admin.call("POST", CONFIG_MAPS, config_map(a="b"))
    assert found == code and message in said["message"], said
    assert (await admin.call("GET", f"{CONFIG_MAPS}/m"))[0] == 404


@pytest.mark.parametrize(("path", "value"), [("/metadata/name", "other"), ("/metadata/uid", "7"), ("/metadata/namespace", "x")])
async def test_what_is_immutable_stays(admin: Client, hooks: Harbour, path: str, value: str) -> None:
    await admin.config_map("m", a="1")
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "replace", "path": path, "value": value})
    code, said = await admin.call("PUT", f"{CONFIG_MAPS}/m", config_map(a="2"))
    assert code == 422 and "field is immutable" in said["message"], said
    assert (await admin.call("GET", f"{CONFIG_MAPS}/m"))[1]["data"] == {"a": "1"}


async def test_they_are_asked_by_the_name_of_their_configuration(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks, "/b1"), hook(hooks, "/b2"), name="b")
    await register(admin, True, hook(hooks, "/a1"), name="a")
    for path in ("/a1", "/b1", "/b2"):
        hooks.answers[path] = lambda request, path=path: patch(  # type: ignore[misc]
            request, {"op": "add", "path": "/data/order", "value": (request["object"]["data"].get("order", "")) + path}
        )
    _, made = await admin.call("POST", CONFIG_MAPS, config_map(a="b"))
    assert made["data"]["order"] == "/a1/b1/b2"


async def test_who_wants_to_be_asked_again_is_when_others_changed_it(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks, "/a", reinvocationPolicy="IfNeeded"), hook(hooks, "/b"), hook(hooks, "/c"))
    hooks.answers["/b"] = lambda request: patch(request, LOW)
    await admin.call("POST", CONFIG_MAPS, config_map())
    assert [path for path, _ in hooks.asked] == ["/a", "/b", "/c", "/a"]
    assert hooks.of("/a")[1]["request"]["object"]["data"] == {"tide": "low"}
    hooks.asked.clear()
    hooks.answers["/b"] = allowed
    await admin.call("POST", CONFIG_MAPS, config_map("n"))
    assert [path for path, _ in hooks.asked] == ["/a", "/b", "/c"]


async def test_those_that_validate_are_asked_at_once_and_the_first_denial_counts(admin: Client, hooks: Harbour) -> None:
    together = asyncio.Barrier(3)

    def slow(answer: Any) -> Any:
        async def say(request: Any) -> Any:
            await together.wait()
            return answer(request)

        return say

    paths = ("/a", "/b", "/c")
    await register(admin, False, *(hook(hooks, path) for path in paths))
    hooks.answers = {
        "/a": slow(allowed),
        "/b": slow(lambda r: denied(r, message="b")),
        "/c": slow(lambda r: denied(r, message="c")),
    }
    code, said = await admin.call("POST", CONFIG_MAPS, config_map())
    assert (code, said["message"]) == (400, 'admission webhook "b.example.com" denied the request: b')


async def test_without_an_answer_the_policy_decides(api: Api, admin: Client, hooks: Harbour) -> None:
    refused = {"url": "https://127.0.0.1:1/a", "caBundle": hooks.authority}
    await register(admin, False, hook(hooks, clientConfig=refused))
    code, said = await admin.call("POST", CONFIG_MAPS, config_map())
    why = 'failed calling webhook "a.example.com": failed to call webhook: Post "https://127.0.0.1:1/a?timeout=5s": dial tcp '
    why += "127.0.0.1:1: connect: connection refused"
    assert (code, said["reason"], said["message"]) == (500, "InternalError", f"Internal error occurred: {why}")
    await admin.call("DELETE", f"{CONFIGS[False]}/x")
    await register(admin, False, hook(hooks, clientConfig=refused, failurePolicy="Ignore"))
    assert (await admin.call("POST", CONFIG_MAPS, config_map()))[0] == 201
    _, text = await admin.call("GET", "/metrics")
    assert 'apiserver_admission_webhook_fail_open_count{name="a.example.com",type="validating"} 1.0' in text
    assert (
        'apiserver_admission_webhook_rejection_count{error_type="calling_webhook_error",name="a.example.com",'
        'operation="CREATE",rejection_code="503",type="validating"} 1.0'
    ) in text
    assert "apiserver_admission_webhook_admission_duration_seconds_bucket" in text


async def _hangs(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


async def _huge(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"x":"' + b"y" * (4 << 20) + b'"}', content_type="application/json")


async def _redirects(request: web.Request) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "/elsewhere"})


async def _bomb(request: web.Request) -> web.StreamResponse:
    body = gzip.compress(b'{"x":"' + b"y" * (64 << 20) + b'"}', 1)
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def _closes(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def _says(text: bytes, status: int = 200) -> Any:
    async def say(request: web.Request) -> web.StreamResponse:
        return web.Response(body=text, status=status, content_type="application/json")

    return say


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (_hangs, "context deadline exceeded"),
        (_huge, "the answer is longer than 3145728 bytes"),
        (_bomb, "in the encoding 'gzip', which was not asked for"),
        (_redirects, "the server responded with the status code 307 but did not return more information"),
        (_closes, "EOF"),
        (_says(b""), "0-length response with status code: 200"),
        (_says(b"ahoy"), "json parse error"),
        (_says(b"[" * 100_000), "json parse error: nested too deeply"),
        (_says(b'{"a":' * 1000 + b"1" + b"}" * 1000), "nested too deeply"),
        (_says(b"[]"), "received invalid webhook response: it is no object"),
        (_says(b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}'), "webhook response was absent"),
        (_says(b'{"kind":"Pod","apiVersion":"v1"}'), "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview"),
        (_says(b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"7"}}'), 'got "7"'),
        (_says(b"", 404), "the server could not find the requested resource"),
        (_says(b'a "stack"', 500), 'an error on the server ("a \\"stack\\"") has prevented the request from succeeding'),
        (_says(b'{"kind":"Status","status":"Failure","message":"go away"}', 403), "failed to call webhook: go away"),
    ],
)
async def test_one_that_does_not_answer_as_it_should_is_bounded(admin: Client, hooks: Harbour, raw: Any, why: str) -> None:
    await register(admin, True, hook(hooks, timeoutSeconds=1 if raw is _hangs else 10))
    hooks.raw["/a"] = raw
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(admin.call("POST", CONFIG_MAPS, config_map()))
        assert (await admin.call("GET", "/version"))[0] == 200  # nobody else waits
    code, said = asking.result()
    assert code == 500 and said["message"].startswith('Internal error occurred: failed calling webhook "a.example.com": ')
    assert why in said["message"], said["message"]


@pytest.mark.parametrize(
    ("mutating", "more", "why"),
    [
        (True, {"patch": base64.b64encode(b"[]").decode()}, "webhook returned response.patch but not response.patchType"),
        (True, {"patchType": "JSONPatch"}, "webhook returned response.patchType but not response.patch"),
        (True, {"patch": "W10=", "patchType": "Merge"}, 'unsupported patch type "Merge"'),
        (True, {"patch": "!!!", "patchType": "JSONPatch"}, "Internal error occurred: error decoding patch"),
        (True, {"patch": base64.b64encode(b"{}").decode(), "patchType": "JSONPatch"}, "a JSON patch is an array"),
        (False, {"patch": "W10="}, "validating webhook may not return response.patch"),
        (False, {"patchType": "JSONPatch"}, "validating webhook may not return response.patchType"),
        (False, {"allowed": "yes"}, "response.allowed is no boolean"),
    ],
)
async def test_an_answer_is_what_its_kind_may_say(admin: Client, hooks: Harbour, mutating: bool, more: Any, why: str) -> None:
    await register(admin, mutating, hook(hooks))
    hooks.answers["/a"] = lambda request: allowed(request, **more)
    code, said = await admin.call("POST", CONFIG_MAPS, config_map())
    assert code == 500 and why in said["message"], said


async def test_who_is_not_who_the_bundle_says_is_not_believed(admin: Client, hooks: Harbour) -> None:
    client = {"url": hooks.url("/a")}
    await register(admin, False, hook(hooks, clientConfig=client))
    code, said = await admin.call("POST", CONFIG_MAPS, config_map())
    assert code == 500 and "tls: failed to verify certificate: x509: certificate signed by unknown authority" in said["message"]
    assert not hooks.asked


async def test_a_service_is_asked_where_it_is_to_be_had_and_by_its_own_name(admin: Client, hooks: Harbour) -> None:
    service = {"namespace": "harbour", "name": "hook", "path": "/a", "port": hooks.port}
    await register(admin, False, hook(hooks, clientConfig={"service": service, "caBundle": hooks.authority}))
    code, said = await admin.call("POST", CONFIG_MAPS, config_map())
    assert code == 500 and said["message"].endswith(
        f'Post "https://hook.harbour.svc:{hooks.port}/a?timeout=5s": service "hook" not found'
    )
    await admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": "harbour"}})
    body = {"metadata": {"name": "hook"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    assert (await admin.call("POST", "/api/v1/namespaces/harbour/services", body))[0] == 201
    assert (await admin.call("POST", CONFIG_MAPS, config_map()))[0] == 201
    assert len(hooks.of("/a")) == 1


async def test_a_dry_run_asks_only_who_has_no_side_effects(admin: Client, hooks: Harbour) -> None:
    await register(admin, False, hook(hooks))
    assert (await admin.call("POST", f"{CONFIG_MAPS}?dryRun=All", config_map()))[0] == 201
    assert hooks.of("/a")[0]["request"]["dryRun"] is True
    assert (await admin.call("GET", f"{CONFIG_MAPS}/m"))[0] == 404


async def test_the_older_review_is_spoken_too(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks, admissionReviewVersions=["v1beta1"]))
    hooks.answers["/a"] = lambda request: {
        "allowed": True,
        "patch": base64.b64encode(b'[{"op":"add","path":"/data","value":{"old":"yes"}}]').decode(),
    }
    _, made = await admin.call("POST", CONFIG_MAPS, config_map())
    assert made["data"] == {"old": "yes"} and hooks.of("/a")[0]["apiVersion"] == "admission.k8s.io/v1beta1"


async def test_another_version_is_shown_as_the_rule_names_it(admin: Client, hooks: Harbour) -> None:
    rule = {"apiGroups": ["autoscaling"], "apiVersions": ["v2"], "resources": ["horizontalpodautoscalers"], "operations": ["*"]}
    await register(admin, True, hook(hooks, rule=rule))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "replace", "path": "/spec/maxReplicas", "value": 7})
    spec = {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}
    path = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    code, made = await admin.call("POST", path, {"metadata": {"name": "h"}, "spec": spec})
    assert code == 201 and made["apiVersion"] == "autoscaling/v1" and made["spec"]["maxReplicas"] == 7, made
    request = hooks.of("/a")[0]["request"]
    assert request["kind"]["version"] == "v2" and request["requestKind"]["version"] == "v1"
    assert request["object"]["apiVersion"] == "autoscaling/v2" and request["object"]["spec"]["metrics"]


async def test_parts_are_sent_as_what_they_are(admin: Client, hooks: Harbour) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    assert (await admin.call("POST", path, {"metadata": {"name": "d"}, "spec": spec}))[0] == 201
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["*/scale", "*/status"], "operations": ["*"]}
    await register(admin, True, hook(hooks, rule=rule))
    hooks.answers["/a"] = lambda request: (
        patch(request, {"op": "replace", "path": "/spec/replicas", "value": 5})
        if request["subResource"] == "scale"
        else allowed(request)
    )
    code, scale = await admin.call("PUT", f"{path}/d/scale", {"metadata": {"name": "d"}, "spec": {"replicas": 3}})
    assert code == 200 and scale["spec"]["replicas"] == 5, scale
    request = hooks.of("/a")[0]["request"]
    assert request["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"} and request["subResource"] == "scale"
    assert (request["oldObject"]["spec"]["replicas"], request["object"]["spec"]["replicas"]) == (1, 3)
    _, deployment = await admin.call("GET", f"{path}/d")
    assert deployment["spec"]["replicas"] == 5
    assert (await admin.call("PUT", f"{path}/d/status", deployment))[0] == 200
    assert hooks.of("/a")[1]["request"]["subResource"] == "status"


async def test_evictions_and_bindings_are_sent_as_what_they_are(api: Api, admin: Client, hooks: Harbour) -> None:
    pods = "/api/v1/namespaces/default/pods"
    await admin.call("POST", "/api/v1/nodes", {"metadata": {"name": "n1"}})
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods", "pods/*"], "operations": ["*"]}
    await register(admin, True, hook(hooks, rule=rule))
    code, pod = await admin.call(
        "POST", pods, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    )
    assert code == 201, pod
    shown = hooks.of("/a")[0]["request"]["object"]
    assert shown["spec"]["serviceAccountName"] == "default" and shown["spec"]["volumes"] == pod["spec"]["volumes"]
    body = {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "p"}, "target": {"name": "n1"}}
    assert (await admin.call("POST", f"{pods}/p/binding", body))[0] == 201
    body = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "p"}}
    assert (await admin.call("POST", f"{pods}/p/eviction", body))[0] == 201
    kinds = [(r["request"]["operation"], r["request"].get("subResource"), r["request"]["kind"]["kind"]) for r in hooks.of("/a")]
    assert kinds == [("CREATE", None, "Pod"), ("CREATE", "binding", "Binding"), ("CREATE", "eviction", "Eviction")]
    assert hooks.of("/a")[1]["request"]["object"]["target"]["name"] == "n1"


async def test_selectors_leave_out(admin: Client, hooks: Harbour) -> None:
    only = {"matchLabels": {"asked": "yes"}}
    await register(admin, False, hook(hooks, "/o", objectSelector=only), hook(hooks, "/n", namespaceSelector=only))
    await admin.config_map("m")
    await admin.config_map("l", {"asked": "yes"})
    assert [r["request"]["name"] for r in hooks.of("/o")] == ["l"] and not hooks.of("/n")
    label = b'{"metadata":{"labels":{"asked":"yes"}}}'
    headers = {"headers": {"Content-Type": "application/merge-patch+json"}}
    assert (await admin.call("PATCH", "/api/v1/namespaces/default", label, **headers))[0] == 200
    await admin.config_map("q")
    assert [r["request"]["name"] for r in hooks.of("/n")] == ["q"]


async def test_one_cannot_lock_everybody_out_of_itself(admin: Client, hooks: Harbour) -> None:
    everything = hook(hooks, rule=ANY, clientConfig={"url": "https://127.0.0.1:1/", "caBundle": hooks.authority})
    await register(admin, False, everything)
    assert (await admin.call("POST", CONFIG_MAPS, config_map()))[0] == 500
    review = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {}}
    review["spec"] = {"resourceAttributes": {"verb": "get", "resource": "pods"}}
    assert (await admin.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review))[0] == 201
    assert (await admin.call("DELETE", f"{CONFIGS[False]}/x"))[0] == 200
    assert (await admin.call("POST", CONFIG_MAPS, config_map()))[0] == 201


async def test_what_they_note_stands_on_the_log(api: Api, admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, LOW) | {"auditAnnotations": {"why": "it rained"}}
    await admin.call("POST", CONFIG_MAPS, config_map())
    events = [e async for batch in api.cluster.log.read(api.cluster.view.revision - 1) for e in batch]
    assert events[-1].origin is not None and events[-1].origin.annotations == {
        "a.example.com/why": "it rained",
        "mutation.webhook.admission.k8s.io/round_0_index_0": '{"configuration":"x","webhook":"a.example.com","mutated":true}',
    }


async def test_rules_are_asked_about_as_well_and_do_not_wait(api: Api, admin: Client, hooks: Harbour) -> None:
    await register(admin, False, hook(hooks))
    gate = asyncio.Event()

    async def slow(request: Any) -> Any:
        await gate.wait()
        return denied(request, message="not by you")

    hooks.answers["/a"] = slow
    cluster: Cluster = api.cluster
    decision = DecisionTaken(reconciler="r", key="k", read_revision=1, now_ns=0, reason="why", commands=(), digest="d")
    obj = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="r", namespace="default"))
    future = cluster.committer.submit_decision(decision, [Create(object=obj)], actor="system:controller:r", cause=None)
    assert (await admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": "meanwhile"}}))[0] == 201
    assert not future.done()
    gate.set()
    _, refusal = await future
    assert getattr(refusal, "message", "") == 'admission webhook "a.example.com" denied the request: not by you'
    assert hooks.of("/a")[0]["request"]["userInfo"]["username"] == "system:controller:r"


async def test_a_token_is_asked_about(api: Api, admin: Client, hooks: Harbour) -> None:
    account = "/api/v1/namespaces/default/serviceaccounts"
    assert (await admin.call("POST", account, {"metadata": {"name": "sa"}}))[0] == 201
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["serviceaccounts/token"], "operations": ["CREATE"]}
    await register(admin, True, hook(hooks, rule=rule))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "replace", "path": "/spec/expirationSeconds", "value": 900})
    body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": 3600}}
    code, made = await admin.call("POST", f"{account}/sa/token", body)
    assert (code, made["spec"]["expirationSeconds"]) == (201, 900), made
    request = hooks.of("/a")[0]["request"]
    assert (request["subResource"], request["kind"]["kind"], request["name"]) == ("token", "TokenRequest", "sa")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("exec?command=sh&command=-c&stdout=true", "PodExecOptions"),
        ("attach?stdout=true", "PodAttachOptions"),
        ("portforward?ports=80", "PodPortForwardOptions"),
        ("proxy/a/b", "PodProxyOptions"),
    ],
)
async def test_a_connection_is_asked_about_before_it_is_made(admin: Client, hooks: Harbour, path: str, kind: str) -> None:
    pods = "/api/v1/namespaces/default/pods"
    await admin.call("POST", pods, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/*"], "operations": ["CONNECT"]}
    await register(admin, False, hook(hooks, rule=rule))
    hooks.answers["/a"] = lambda request: denied(request, message="no way in", code=403)
    code, said = await admin.call("GET", f"{pods}/p/{path}")
    assert (code, said["message"]) == (403, 'admission webhook "a.example.com" denied the request: no way in'), said
    request = hooks.of("/a")[0]["request"]
    assert (request["operation"], request["kind"]["kind"], request["options"]) == ("CONNECT", kind, None)
    if kind == "PodExecOptions":
        assert request["object"]["command"] == ["sh", "-c"] and request["object"]["stdout"] is True


async def test_a_hundred_that_wait_keep_nobody_waiting(admin: Client, hooks: Harbour) -> None:
    await register(admin, False, hook(hooks, timeoutSeconds=2, failurePolicy="Ignore"))
    hooks.raw["/a"] = _hangs
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(admin.call("POST", CONFIG_MAPS, config_map(f"m{at}"))) for at in range(100)]
        assert (await admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": "other"}}))[0] == 201
        assert not any(task.done() for task in waiting)
    assert {task.result()[0] for task in waiting} == {201}
