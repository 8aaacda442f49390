"""Definitions whose versions a webhook turns into each other: stored in one, shown in all, and asked about once."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from shipslog.engine.state import snapshots
from tests.engine.api.conftest import Api, Client

from .harbour import Harbour, patch

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "sea.example.com"
V1, V2 = (f"/apis/{GROUP}/{version}/namespaces/default/ships" for version in ("v1", "v2"))
MERGE = {"headers": {"Content-Type": "application/merge-patch+json"}}
APPLY = {"headers": {"Content-Type": "application/apply-patch+yaml"}}
Convert = Callable[[dict[str, Any], str], dict[str, Any]]


def schema(**properties: Any) -> dict[str, Any]:
    spec = {"type": "object", "properties": properties}
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": {"type": "object"}}}}


def definition(hooks: Harbour, stored: str = "v1") -> dict[str, Any]:
    text = {"type": "string"}
    versions = [
        {"name": "v1", "served": True, "storage": stored == "v1", "schema": schema(place=text)},
        {
            "name": "v2",
            "served": True,
            "storage": stored == "v2",
            "schema": schema(port=text, berth=text),
            "additionalPrinterColumns": [{"name": "Berth", "type": "string", "jsonPath": ".spec.berth"}],
            "selectableFields": [{"jsonPath": ".spec.berth"}],
        },
    ]
    client = {"url": hooks.url("/convert"), "caBundle": hooks.authority}
    return {
        "metadata": {"name": f"ships.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": "ships", "kind": "Ship", "singular": "ship", "listKind": "ShipList"},
            "versions": versions,
            "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}},
        },
    }


def sail(obj: dict[str, Any], wanted: str) -> dict[str, Any]:
    """v1 has a place, Bergen/7; v2 a port and a berth."""
    spec = obj.get("spec", {})
    if wanted.endswith("v2") and "place" in spec:
        port, _, berth = spec["place"].partition("/")
        spec = {"port": port, "berth": berth}
    elif wanted.endswith("v1") and "port" in spec:
        spec = {"place": f"{spec['port']}/{spec.get('berth', '')}"}
    return {**obj, "apiVersion": wanted, "spec": spec}


class Converting:
    def __init__(self, hooks: Harbour) -> None:
        self.reviews: list[Any] = []
        self.convert: Convert = sail
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda response: response
        hooks.raw["/convert"] = self._answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        review = await request.json()
        self.reviews.append(review)
        asked = review["request"]
        made = [self.convert(obj, asked["desiredAPIVersion"]) for obj in asked["objects"]]
        response = {"uid": asked["uid"], "result": {"status": "Success"}, "convertedObjects": made}
        return web.json_response({**{k: review[k] for k in ("kind", "apiVersion")}, "response": self.change(response)})


@pytest.fixture
def converting(hooks: Harbour) -> Converting:
    return Converting(hooks)


@pytest.fixture
def rules() -> tuple[Any, ...]:
    from shipslog.reconcilers.cluster import custom_resource_definition

    return (custom_resource_definition.RECONCILER,)


async def define(admin: Client, hooks: Harbour) -> None:
    code, made = await admin.call("POST", DEFINITIONS, definition(hooks))
    assert code == 201, made
    async with asyncio.timeout(20):
        while (await admin.call("GET", V2))[0] != 200:
            await asyncio.sleep(0.02)


def ship(name: str = "fram", **spec: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec or {"port": "Oslo", "berth": "3"}}


async def test_it_is_stored_in_one_version_and_shown_in_all(
    api: Api, admin: Client, hooks: Harbour, converting: Converting
) -> None:
    await define(admin, hooks)
    code, made = await admin.call("POST", V2, ship())
    assert (code, made["apiVersion"], made["spec"]) == (201, f"{GROUP}/v2", {"port": "Oslo", "berth": "3"})
    assert json.loads(api.cluster.view.entries(f"ships.{GROUP}")[0].encoded)["spec"] == {"place": "Oslo/3"}
    _, v1 = await admin.call("GET", f"{V1}/fram")
    assert (v1["apiVersion"], v1["spec"]) == (f"{GROUP}/v1", {"place": "Oslo/3"})
    _, v2 = await admin.call("GET", f"{V2}/fram")
    assert v2["spec"] == {"port": "Oslo", "berth": "3"} and v2["metadata"] == made["metadata"]
    review = converting.reviews[0]
    assert (review["kind"], review["apiVersion"]) == ("ConversionReview", "apiextensions.k8s.io/v1")
    assert review["request"]["desiredAPIVersion"] == f"{GROUP}/v1"


async def test_lists_ask_once(admin: Client, hooks: Harbour, converting: Converting) -> None:
    await define(admin, hooks)
    for name in ("a", "b", "c"):
        await admin.call("POST", V1, ship(name, place=f"Bergen/{name}"))
    converting.reviews.clear()
    both = await asyncio.gather(admin.call("GET", V2), admin.call("GET", V2))
    assert all([i["spec"]["berth"] for i in found["items"]] == ["a", "b", "c"] for _, found in both)
    await admin.call("GET", f"{V2}/a")
    assert [len(review["request"]["objects"]) for review in converting.reviews] == [3]
    _, held = await admin.call("GET", f"{V1}/b")
    code, _ = await admin.call("PUT", f"{V1}/b", held | {"spec": ship("b", place="Bergen/z")["spec"]})
    assert code == 200
    converting.reviews.clear()
    _, found = await admin.call("GET", f"{V2}?fieldSelector=spec.berth%3Dz")
    assert [i["metadata"]["name"] for i in found["items"]] == ["b"]
    assert [len(review["request"]["objects"]) for review in converting.reviews] == [1]
    _, table = await admin.call("GET", V2, headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"})
    assert [row["cells"] for row in table["rows"]] == [["a", "a"], ["b", "z"], ["c", "c"]]
    _, first = await admin.call("GET", f"{V2}?limit=2")
    _, rest = await admin.call("GET", f"{V2}?limit=2&continue={first['metadata']['continue']}")
    assert [i["apiVersion"] for i in (*first["items"], *rest["items"])] == [f"{GROUP}/v2"] * 3


async def test_patches_and_applies_are_of_the_version_that_they_name(
    admin: Client, hooks: Harbour, converting: Converting
) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship(place="Oslo/3"))
    code, made = await admin.call("PATCH", f"{V2}/fram", b'{"spec":{"berth":"4"}}', **MERGE)
    assert (code, made["spec"]) == (200, {"port": "Oslo", "berth": "4"}), made
    code, made = await admin.call(
        "PATCH",
        f"{V2}/fram",
        b'[{"op":"test","path":"/spec/port","value":"Oslo"}]',
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert code == 200, made
    body = {"apiVersion": f"{GROUP}/v2", "kind": "Ship", **ship(port="Bodø", berth="4")}
    code, made = await admin.call("PATCH", f"{V2}/fram?fieldManager=f&force=true", json.dumps(body).encode(), **APPLY)
    assert (code, made["spec"]) == (200, {"port": "Bodø", "berth": "4"}), made
    assert (await admin.call("GET", f"{V1}/fram"))[1]["spec"] == {"place": "Bodø/4"}
    made["spec"]["berth"] = "5"
    code, made = await admin.call("PUT", f"{V2}/fram", made)
    assert (code, made["spec"]["berth"]) == (200, "5"), made
    assert (await admin.call("DELETE", f"{V2}/fram"))[0] == 200
    assert (await admin.call("GET", f"{V1}/fram"))[0] == 404


async def test_watches_show_their_version(admin: Client, hooks: Harbour, converting: Converting) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship("a", place="Oslo/1"))
    stream = await admin.stream(f"{V2}?watch=1")
    await admin.call("POST", V1, ship("b", place="Oslo/2"))
    await admin.call("DELETE", f"{V1}/a")
    lines = [json.loads(await stream.content.readline()) for _ in range(3)]
    seen = [(line["type"], line["object"]["apiVersion"], line["object"]["spec"]["berth"]) for line in lines]
    assert seen == [("ADDED", f"{GROUP}/v2", "1"), ("ADDED", f"{GROUP}/v2", "2"), ("DELETED", f"{GROUP}/v2", "1")]


async def test_what_was_stored_in_another_version_is_converted_when_it_is_read(
    api: Api, admin: Client, hooks: Harbour, converting: Converting
) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship("old", place="Oslo/3"))
    _, found = await admin.call("GET", f"{DEFINITIONS}/ships.{GROUP}")
    for version in found["spec"]["versions"]:
        version["storage"] = version["name"] == "v2"
    code, found = await admin.call("PUT", f"{DEFINITIONS}/ships.{GROUP}", found)
    assert code == 200 and found["status"]["storedVersions"] == ["v1", "v2"], found
    assert (await admin.call("GET", f"{V2}/old"))[1]["spec"] == {"port": "Oslo", "berth": "3"}
    assert (await admin.call("GET", f"{V1}/old"))[1]["spec"] == {"place": "Oslo/3"}
    entry = api.cluster.view.entries(f"ships.{GROUP}")[0]
    assert json.loads(entry.encoded)["apiVersion"] == f"{GROUP}/v1"
    code, made = await admin.call("PATCH", f"{V1}/old", b'{"spec":{"place":"Oslo/9"}}', **MERGE)
    assert (code, made["spec"]) == (200, {"place": "Oslo/9"}), made
    entry = api.cluster.view.entries(f"ships.{GROUP}")[0]
    assert json.loads(entry.encoded)["apiVersion"] == f"{GROUP}/v2"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"uid": "7"}, 'got "7"'),
        ({"result": {"status": "Failure", "message": "no such berth"}}, "no such berth"),
        ({"result": {"status": "Failure"}}, "response.result.status was 'Failure', not 'Success'"),
        ({"convertedObjects": []}, "returned 0 objects, expected 1"),
        ({"convertedObjects": [7]}, "it is no object"),
    ],
)
async def test_a_failure_is_worded_as_kubernetes_does(
    admin: Client, hooks: Harbour, converting: Converting, change: Any, why: str
) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship(place="Oslo/3"))
    converting.change = lambda response: {**response, **change}
    for path in (f"{V2}/fram", V2):
        code, said = await admin.call("GET", path)
        assert code == 500 and said["message"].startswith(f"conversion webhook for {GROUP}/v1, Kind=Ship"), said
        assert why in said["message"], said
    assert (await admin.call("GET", f"{V1}/fram"))[0] == 200
    stream = await admin.stream(f"{V2}?watch=1")
    line = json.loads(await stream.content.readline())
    assert line["type"] == "ERROR" and why in line["object"]["message"]


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("apiVersion", "x/v9", "invalid groupVersion (expected sea.example.com/v2, received x/v9)"),
        ("kind", "Boat", "invalid kind (expected Ship, received Boat)"),
        ("metadata.name", "other", "must have the same name: other != fram"),
        ("metadata.uid", "7", "must have the same UID: 7 != "),
        ("metadata.labels", {"a": 7}, "returned invalid metadata in object at index 0"),
    ],
)
async def test_what_a_webhook_may_not_change_is_refused(
    admin: Client, hooks: Harbour, converting: Converting, field: str, value: Any, why: str
) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship(place="Oslo/3"))

    def lying(obj: dict[str, Any], wanted: str) -> dict[str, Any]:
        made = json.loads(json.dumps(sail(obj, wanted)))
        *way, last = field.split(".")
        (made[way[0]] if way else made)[last] = value
        return made

    converting.convert = lying
    code, said = await admin.call("GET", f"{V2}/fram")
    assert code == 500 and why in said["message"], said


async def test_labels_are_the_webhooks_and_the_rest_is_as_it_was(admin: Client, hooks: Harbour, converting: Converting) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship(place="Oslo/3"))

    def labelling(obj: dict[str, Any], wanted: str) -> dict[str, Any]:
        made = sail(obj, wanted)
        metadata = {**made["metadata"], "labels": {"flag": "no"}, "finalizers": ["x.example.com/y"], "resourceVersion": "1"}
        return {**made, "metadata": metadata}

    converting.convert = labelling
    _, made = await admin.call("GET", f"{V2}/fram")
    assert made["metadata"]["labels"] == {"flag": "no"} and "finalizers" not in made["metadata"]
    assert made["metadata"]["resourceVersion"] != "1"


async def test_admission_webhooks_see_the_version_of_their_rule(admin: Client, hooks: Harbour, converting: Converting) -> None:
    await define(admin, hooks)
    rule = {"apiGroups": [GROUP], "apiVersions": ["v2"], "resources": ["ships"], "operations": ["*"]}
    hook = {
        "name": "a.example.com",
        "clientConfig": {"url": hooks.url("/a"), "caBundle": hooks.authority},
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    body = {"metadata": {"name": "x"}, "webhooks": [hook]}
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    assert (await admin.call("POST", path, body))[0] == 201
    hooks.answers["/a"] = lambda request: patch(request, {"op": "replace", "path": "/spec/berth", "value": "9"})
    code, made = await admin.call("POST", V1, ship(place="Oslo/3"))
    assert (code, made["spec"]) == (201, {"place": "Oslo/9"}), made
    assert hooks.of("/a")[0]["request"]["object"]["spec"] == {"port": "Oslo", "berth": "3"}


@pytest.mark.parametrize(
    ("webhook", "fields"),
    [
        (None, ["spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions"]),
        (
            {"conversionReviewVersions": ["v9"], "clientConfig": {"url": "http://x"}},
            ["spec.conversion.webhookClientConfig.url", "spec.conversion.conversionReviewVersions"],
        ),
    ],
)
async def test_a_definition_says_who_converts(admin: Client, hooks: Harbour, webhook: Any, fields: list[str]) -> None:
    body = definition(hooks)
    body["spec"]["conversion"]["webhook"] = webhook
    code, said = await admin.call("POST", DEFINITIONS, body)
    assert code == 422 and [c["field"] for c in said["details"]["causes"]] == fields, said


async def test_what_is_wrong_in_its_own_version_is_not_converted(admin: Client, hooks: Harbour, converting: Converting) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship(place="Oslo/3"))
    converting.reviews.clear()
    code, said = await admin.call("POST", V2, {"metadata": {"name": "x"}, "spec": {"port": 7}})
    assert code == 422 and said["details"]["causes"][0]["field"] == "spec.port" and not converting.reviews, said
    code, said = await admin.call("PATCH", f"{V2}/fram", b'{"spec":{"port":7}}', **MERGE)
    assert code == 422 and said["details"]["causes"][0]["field"] == "spec.port", said


async def test_when_nobody_converts_any_more_only_names_differ_and_a_copy_says_the_same(
    api: Api, admin: Client, hooks: Harbour, converting: Converting
) -> None:
    await define(admin, hooks)
    await admin.call("POST", V1, ship("old", place="Oslo/3"))
    _, found = await admin.call("GET", f"{DEFINITIONS}/ships.{GROUP}")
    for version in found["spec"]["versions"]:
        version["storage"] = version["name"] == "v2"
    _, found = await admin.call("PUT", f"{DEFINITIONS}/ships.{GROUP}", found)
    found["spec"]["conversion"] = {"strategy": "None"}
    assert (await admin.call("PUT", f"{DEFINITIONS}/ships.{GROUP}", found))[0] == 200
    converting.reviews.clear()
    code, shown = await admin.call("GET", f"{V2}/old")
    assert (code, shown["apiVersion"]) == (200, f"{GROUP}/v2") and not converting.reviews
    view = api.cluster.view
    assert [e.encoded for e in view.copy().entries(f"ships.{GROUP}")] == [e.encoded for e in view.entries(f"ships.{GROUP}")]
    taken = snapshots.take(view)
    again = snapshots.restore(taken)
    assert [e.encoded for e in again.entries(f"ships.{GROUP}")] == [e.encoded for e in view.entries(f"ships.{GROUP}")]
