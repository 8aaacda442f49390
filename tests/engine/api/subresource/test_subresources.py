"""Scale, binding, eviction, status; what each takes."""

from pathlib import Path
from typing import Any

import pytest

from shipslog.engine.api.connection import handler
from shipslog.engine.api.subresource.subresources import handlers
from shipslog.engine.auth import certificates
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.auth.attributes import Attributes
from shipslog.engine.auth.authorization import forbidden
from shipslog.engine.auth.users import User
from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.store.objects.builtin import BUILTIN
from tests.engine.api.conftest import Api, Client
from tests.engine.auth.test_authentication import account_token

NAMESPACE = "/api/v1/namespaces/default"
MERGE = {"Content-Type": "application/merge-patch+json"}


async def controller(admin: Client, replicas: int) -> Any:
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"app": "w"}, "template": template}
    code, made = await admin.call("POST", f"{NAMESPACE}/replicationcontrollers", {"metadata": {"name": "w"}, "spec": spec})
    assert code == 201, made
    return made


async def test_scale(admin: Client) -> None:
    made = await controller(admin, 1)
    path = f"{NAMESPACE}/replicationcontrollers/w/scale"
    code, scale = await admin.call("GET", path)
    assert (code, scale["kind"], scale["apiVersion"]) == (200, "Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]["selector"]) == ({"replicas": 1}, "app=w")
    assert scale["metadata"]["uid"] == made["metadata"]["uid"]
    code, scale = await admin.call("PATCH", path, b'{"spec":{"replicas":3}}', headers=MERGE)
    assert (code, scale["spec"]["replicas"]) == (200, 3)
    scale["spec"]["replicas"] = 2
    code, scaled = await admin.call("PUT", path, scale)
    assert (code, scaled["spec"]["replicas"]) == (200, 2)
    code, status = await admin.call("PUT", path, scale)
    assert (code, status["reason"]) == (409, "Conflict")
    other = {**scaled, "metadata": {**scaled["metadata"], "uid": "other"}}
    code, status = await admin.call("PUT", path, other)
    assert code == 409 and "Precondition failed: UID in precondition: other" in status["message"]
    scaled["spec"]["replicas"] = -1
    code, status = await admin.call("PUT", path, scaled)
    assert (code, status["details"]["causes"][0]["field"]) == (422, "spec.replicas")
    assert (await admin.call("GET", f"{NAMESPACE}/configmaps/w/scale"))[0] == 404


async def pod(admin: Client) -> Any:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    code, made = await admin.call("POST", f"{NAMESPACE}/pods", body)
    assert code == 201, made
    return made


async def test_binding(admin: Client) -> None:
    await pod(admin)
    body = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    code, status = await admin.call("POST", f"{NAMESPACE}/bindings", body)
    assert (code, status["status"]) == (201, "Success")
    assert (await admin.call("GET", f"{NAMESPACE}/pods/p"))[1]["spec"]["nodeName"] == "n"
    code, status = await admin.call("POST", f"{NAMESPACE}/pods/p/binding", body)
    assert (code, status["reason"]) == (409, "Conflict")
    code, status = await admin.call("POST", f"{NAMESPACE}/pods/p/binding", {"metadata": {"name": "p"}, "target": {}})
    assert (code, status["details"]["causes"][0]["field"]) == (422, "target.name")


async def test_eviction(admin: Client) -> None:
    await pod(admin)
    body = {"metadata": {"name": "p"}, "deleteOptions": {"dryRun": ["All"]}}
    code, status = await admin.call("POST", f"{NAMESPACE}/pods/p/eviction", body)
    assert (code, status["status"], status["code"]) == (201, "Success", 201)
    assert (await admin.call("GET", f"{NAMESPACE}/pods/p"))[0] == 200
    assert (await admin.call("POST", f"{NAMESPACE}/pods/p/eviction", {"metadata": {"name": "p"}}))[0] == 201
    assert (await admin.call("GET", f"{NAMESPACE}/pods/p"))[0] == 404
    assert (await admin.call("POST", f"{NAMESPACE}/pods/p/eviction", {"metadata": {"name": "p"}}))[0] == 404


async def test_status_is_a_door_of_its_own(admin: Client) -> None:
    made = await pod(admin)
    code, patched = await admin.call("PATCH", f"{NAMESPACE}/pods/p/status", b'{"status":{"phase":"Running"}}', headers=MERGE)
    assert (code, patched["status"]["phase"]) == (200, "Running")
    assert patched["spec"] == made["spec"]
    assert (await admin.call("POST", f"{NAMESPACE}/pods/p/status", made))[0] == 405
    assert (await admin.call("GET", f"{NAMESPACE}/pods/p/nonsense"))[0] == 404


def test_every_sort_that_a_kind_has_is_answered(tmp_path: Path) -> None:
    sorts = {type(subresource_of(kind, name)) for kind in BUILTIN.served() for name in kind.subresources}
    assert sorts == set(handlers(AccountTokens(certificates.ensure(tmp_path).account_key)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "pods/p/status"),
        ("POST", "pods/p/log"),
        ("PUT", "pods/p/log"),
        ("PATCH", "pods/p/log"),
        ("PUT", "pods/p/exec"),
        ("GET", "pods/p/binding"),
        ("PATCH", "pods/p/eviction"),
        ("DELETE", "pods/p/ephemeralcontainers"),
        ("PUT", "serviceaccounts/p/token"),
    ],
)
async def test_a_verb_that_is_not_among_its_own_changes_nothing(admin: Client, method: str, path: str) -> None:
    made = await pod(admin)
    code, status = await admin.call(method, f"{NAMESPACE}/{path}", made, headers=MERGE if method == "PATCH" else {})
    assert (code, status["reason"]) == (405, "MethodNotAllowed")
    assert (await admin.call("GET", f"{NAMESPACE}/pods/p"))[1] == made


async def test_of_a_namespace_finalizers_have_a_path_that_only_takes_a_put(admin: Client) -> None:
    path = "/api/v1/namespaces/default/finalize"
    assert (await admin.call("GET", path))[0] == 405
    _, namespace = await admin.call("GET", "/api/v1/namespaces/default")
    code, put = await admin.call("PUT", path, namespace)
    assert (code, put["kind"]) == (200, "Namespace")
    assert (await admin.call("GET", "/api/v1/namespaces/default/status"))[0] == 200


@pytest.mark.parametrize(
    ("part", "verbs"),
    [
        ("pods/p/exec?command=x", ["get", "create"]),
        ("pods/p/attach", ["get", "create"]),
        ("pods/p/portforward?ports=80", ["get", "create"]),
        ("pods/p/log", ["get"]),
        ("pods/p/proxy/x", ["get"]),
        ("services/s/proxy/x", ["get"]),
    ],
)
async def test_a_get_that_runs_something_needs_create_besides(
    api: Api, admin: Client, monkeypatch: pytest.MonkeyPatch, part: str, verbs: list[str]
) -> None:
    account, asked, refused = api.client(token=await account_token(admin)), list[str](), list[str]()

    def require(user: User, wanted: Attributes, view: Any) -> None:
        asked.append(wanted.verb)
        if wanted.verb in refused:
            raise forbidden(user, wanted)

    monkeypatch.setattr(handler, "require", require)
    await account.call("GET", f"{NAMESPACE}/{part}")
    assert asked == verbs
    plural, _, subresource = part.partition("?")[0].split("/")[:3]
    for verb in verbs:
        refused[:] = [verb]
        code, said = await account.call("GET", f"{NAMESPACE}/{part}")
        assert code == 403 and f'cannot {verb} resource "{plural}/{subresource}"' in said["message"], said
