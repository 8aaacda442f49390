"""Policies and webhooks that change the same objects: each sees what the other made, and is asked again if it wants that."""

from typing import Any

import pytest

from tests.engine.api.conftest import CONFIG_MAPS, Client
from tests.engine.webhooks.conftest import hooks
from tests.engine.webhooks.harbour import Harbour, patch
from tests.engine.webhooks.test_admission import LOW, config_map, hook, register

from .test_policies import mutate, policy

__all__ = ["hooks"]
COUNT = "Object{data: {'seen': 'seen' in object.data ? object.data['seen'] + 'x' : 'x'}}"
POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


async def test_a_webhook_sees_what_a_policy_has_made_and_keeps_it(admin: Client, hooks: Harbour) -> None:
    await mutate(admin, "Object{data: {'by': 'policy'}}")
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": "/data/too", "value": "webhook"})
    code, made = await admin.call("POST", CONFIG_MAPS, config_map(a="b"))
    assert (code, made["data"]) == (201, {"a": "b", "by": "policy", "too": "webhook"})
    (review,) = hooks.of("/a")
    assert review["request"]["object"]["data"] == {"a": "b", "by": "policy"}


@pytest.mark.parametrize(("again", "seen"), [("IfNeeded", "xx"), ("Never", "x")])
async def test_a_policy_is_asked_again_for_what_a_webhook_has_changed(
    admin: Client, hooks: Harbour, again: str, seen: str
) -> None:
    await mutate(admin, COUNT, reinvocationPolicy=again)
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": "/data/tide", "value": "low"})
    code, made = await admin.call("POST", CONFIG_MAPS, config_map(a="b"))
    assert (code, made["data"]) == (201, {"a": "b", "seen": seen, "tide": "low"})
    assert len(hooks.of("/a")) == 1


async def test_a_webhook_is_asked_again_for_what_a_policy_has_changed_the_second_time(admin: Client, hooks: Harbour) -> None:
    await mutate(admin, COUNT, reinvocationPolicy="IfNeeded")
    await register(admin, True, hook(hooks, "/a", reinvocationPolicy="IfNeeded"), hook(hooks, "/b"))
    hooks.answers["/a"] = lambda request: patch(request, {"op": "add", "path": "/data/tide", "value": "low"})
    await admin.call("POST", CONFIG_MAPS, config_map(a="b"))
    assert [path for path, _ in hooks.asked] == ["/a", "/b", "/a"]
    assert hooks.of("/a")[1]["request"]["object"]["data"] == {"a": "b", "seen": "xx", "tide": "low"}


async def test_nobody_is_asked_again_where_nothing_was_changed(admin: Client, hooks: Harbour) -> None:
    await mutate(admin, "Object{data: {'a': 'b'}}", reinvocationPolicy="IfNeeded")
    await register(admin, True, hook(hooks, reinvocationPolicy="IfNeeded"))
    await admin.call("POST", CONFIG_MAPS, config_map(a="b"))
    assert [path for path, _ in hooks.asked] == ["/a"]


async def test_a_pods_parts_that_are_chosen_by_chance_are_the_same_for_all(admin: Client, hooks: Harbour) -> None:
    """What the cluster adds to a pod is added once: those who change it and those who look at it see the same."""
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    await mutate(admin, "Object{metadata: Object.metadata{labels: {'a': 'b'}}}", matchConstraints={"resourceRules": [pods]})
    await register(admin, True, hook(hooks, "/a", pods))
    await register(admin, False, hook(hooks, "/b", pods))
    await admin.call("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    code, made = await admin.call("POST", "/api/v1/namespaces/default/pods", POD)
    assert code == 201, made
    shown = [hooks.of(path)[0]["request"]["object"]["spec"]["volumes"] for path in ("/a", "/b")]
    assert shown[0] == shown[1] == made["spec"]["volumes"] and shown[0]


async def test_they_are_shown_who_owns_what(admin: Client, hooks: Harbour) -> None:
    await register(admin, True, hook(hooks))
    hooks.answers["/a"] = lambda request: patch(request, LOW)
    _, made = await admin.call("POST", f"{CONFIG_MAPS}?fieldManager=me", config_map(a="b"))
    merge = {"Content-Type": "application/merge-patch+json"}
    await admin.call("PATCH", f"{CONFIG_MAPS}/m?fieldManager=you", {"data": {"c": "d"}}, headers=merge)
    apply = {"Content-Type": "application/apply-patch+yaml"}
    await admin.call("PATCH", f"{CONFIG_MAPS}/m?fieldManager=she", config_map(e="f"), headers=apply)
    managers: list[Any] = [review["request"]["object"]["metadata"]["managedFields"] for review in hooks.of("/a")]
    assert managers[0] == made["metadata"]["managedFields"], "what it adds is nobody's"
    assert [[(m["manager"], m["operation"]) for m in entries] for entries in managers] == [
        [("me", "Update")],
        [("me", "Update"), ("you", "Update")],
        [("she", "Apply"), ("me", "Update"), ("you", "Update")],
    ]
    assert managers[1][1]["fieldsV1"] == {"f:data": {"f:c": {}}}


async def test_conditions_may_ask_who_may_do_what(admin: Client, hooks: Harbour) -> None:
    may = "authorizer.group('').resource('pods').namespace('default').check('create').allowed()"
    account = "authorizer.serviceAccount('default', 'x').group('').resource('secrets').check('get').allowed()"
    await register(
        admin,
        True,
        hook(
            hooks,
            "/a",
            matchConditions=[{"name": "may", "expression": f"{may} && authorizer.requestResource.check('get').allowed()"}],
        ),
        hook(hooks, "/b", matchConditions=[{"name": "not", "expression": account}]),
    )
    code, _ = await admin.call("POST", CONFIG_MAPS, config_map())
    assert code == 201 and [path for path, _ in hooks.asked] == ["/a"]


async def test_a_collection_is_asked_about_object_by_object(admin: Client, hooks: Harbour) -> None:
    for name in ("m", "n"):
        await admin.config_map(name)
    await register(admin, False, hook(hooks))
    gone = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["configmaps"]}
    await policy(admin, "oldObject.metadata.name != 'n'", matchConstraints={"resourceRules": [gone]})
    code, _ = await admin.call("DELETE", CONFIG_MAPS)
    assert code == 422
    asked = [review["request"] for review in hooks.of("/a")]
    assert {(request["name"], request["oldObject"]["metadata"]["name"]) for request in asked} == {("m", "m")}
