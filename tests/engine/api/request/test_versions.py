"""A kind in another version than the one that is stored: the same objects, read, written, watched and selected in its words."""

import json
from typing import Any

import pytest

from shipslog.store.objects.types import core_v1, events_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from tests.engine.api.conftest import Api, Client

NEW, OLD = "/apis/events.k8s.io/v1/namespaces/default/events", "/api/v1/namespaces/default/events"
BETA = NEW.replace("/v1/", "/v1beta1/")  # which is not strict
EVENT = {
    "kind": "Event",
    "apiVersion": "events.k8s.io/v1",
    "metadata": {"name": "e"},
    "eventTime": "2026-01-02T03:04:05.000006Z",
    "reportingController": "c.example.com",
    "reportingInstance": "c-1",
    "action": "Doing",
    "reason": "Did",
    "type": "Normal",
    "note": "said",
    "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
}
PDBS = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets"


async def made(admin: Client) -> Any:
    code, event = await admin.call("POST", NEW, EVENT)
    assert code == 201, event
    return event


async def test_it_is_answered_in_its_words_and_stored_in_others(api: Api, admin: Client) -> None:
    event = await made(admin)
    assert (event["apiVersion"], event["note"], event["regarding"]["name"]) == ("events.k8s.io/v1", "said", "p")
    stored = api.cluster.get(core_v1.Event, "e")
    assert (stored.api_version, stored.message, stored.involved_object.name) == ("v1", "said", "p")
    assert stored.reporting_component == "c.example.com" and stored.event_time == EVENT["eventTime"]
    code, old = await admin.call("GET", f"{OLD}/e")
    assert code == 200 and old["message"] == "said" and old["metadata"] == event["metadata"]
    assert (await admin.call("GET", f"{NEW}/e"))[1] == event
    code, older = await admin.call("GET", NEW.replace("/v1/", "/v1beta1/") + "/e")
    assert code == 200 and older == event | {"apiVersion": "events.k8s.io/v1beta1"}


async def test_lists_name_its_version_and_select_by_its_fields(admin: Client) -> None:
    await made(admin)
    _, found = await admin.call("GET", f"{NEW}?fieldSelector=regarding.name=p,reportingController=c.example.com")
    assert (found["kind"], found["apiVersion"]) == ("EventList", "events.k8s.io/v1")
    assert [(item["note"], "message" in item) for item in found["items"]] == [("said", False)]
    assert (await admin.call("GET", f"{NEW}?fieldSelector=regarding.name=q"))[1]["items"] == []
    code, status = await admin.call("GET", f"{NEW}?fieldSelector=involvedObject.name=p")
    assert code == 400 and "field label not supported: involvedObject.name" in status["message"]
    code, status = await admin.call("GET", f"{OLD}?fieldSelector=regarding.name=p")
    assert code == 400 and 'Unable to find "/v1' in status["message"]


async def test_a_patch_is_of_what_its_client_sees(api: Api, admin: Client) -> None:
    await made(admin)
    for number, media in enumerate(("merge-patch", "strategic-merge-patch")):
        body = json.dumps({"note": f"again {number}"}).encode()
        headers = {"Content-Type": f"application/{media}+json"}
        code, patched = await admin.call("PATCH", f"{BETA}/e", body, headers=headers)
        assert (code, patched["note"], patched["apiVersion"]) == (200, f"again {number}", "events.k8s.io/v1beta1"), patched
        assert api.cluster.get(core_v1.Event, "e").message == f"again {number}"
    body = json.dumps([{"op": "test", "path": "/note", "value": "again 1"}, {"op": "remove", "path": "/note"}]).encode()
    code, patched = await admin.call("PATCH", f"{BETA}/e", body, headers={"Content-Type": "application/json-patch+json"})
    assert code == 200 and not patched.get("note") and not api.cluster.get(core_v1.Event, "e").message


async def test_a_put_and_a_body_of_the_wrong_version(admin: Client) -> None:
    event = await made(admin)
    changed = event | {"apiVersion": "events.k8s.io/v1beta1", "note": "changed"}
    code, changed = await admin.call("PUT", f"{BETA}/e", changed)
    assert (code, changed["note"]) == (200, "changed")
    code, status = await admin.call("POST", NEW, EVENT | {"apiVersion": "v1", "metadata": {"name": "f"}})
    assert code == 400 and "events.k8s.io/v1" in status["message"], "the URL says which version it is"


async def test_a_watch_and_a_table(admin: Client) -> None:
    event = await made(admin)
    stream = await admin.stream(f"{NEW}?watch=1&resourceVersion=1&timeoutSeconds=5")
    assert json.loads(await stream.content.readline()) == {"type": "ADDED", "object": event}
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    _, table = await admin.call("GET", f"{NEW}?includeObject=Object", headers=accept)
    assert table["rows"][0]["object"] == event and "said" in table["rows"][0]["cells"]


async def test_old_versions_that_differ_in_name_only(api: Api, admin: Client) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}
    code, budget = await admin.call("POST", PDBS, {"metadata": {"name": "b"}, "spec": spec})
    assert code == 201 and budget["apiVersion"] == "policy/v1beta1"
    _, listed = await admin.call("GET", PDBS)
    assert listed["apiVersion"] == "policy/v1beta1" and [item["metadata"]["name"] for item in listed["items"]] == ["b"]
    assert (await admin.call("GET", PDBS.replace("v1beta1", "v1") + "/b"))[1]["apiVersion"] == "policy/v1"
    await admin.call("DELETE", f"{PDBS}/b")
    assert (await admin.call("GET", PDBS))[1]["items"] == []


async def test_discovery_prefers_the_stored_version(admin: Client) -> None:
    _, groups = await admin.call("GET", "/apis")
    policy = next(group for group in groups["groups"] if group["name"] == "policy")
    assert [v["version"] for v in policy["versions"]] == ["v1", "v1beta1"] and policy["preferredVersion"]["version"] == "v1"
    _, resources = await admin.call("GET", "/apis/events.k8s.io/v1")
    assert [r["name"] for r in resources["resources"]] == ["events"]


async def test_the_library_takes_any_version(api: Api) -> None:
    cluster = api.cluster
    note = events_v1.Event(
        metadata=ObjectMeta(name="e", namespace="default"), regarding=core_v1.ObjectReference(kind="Pod", namespace="default"),
        event_time="2026-01-02T03:04:05.000006Z", reporting_controller="c", reporting_instance="i", action="a", reason="r",
        type="Normal", note="said",
    )  # fmt: skip
    assert (await cluster.create(note)).message == "said"  # type: ignore[attr-defined]
    budget = {
        "apiVersion": "policy/v1beta1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 1},
    }
    await cluster.apply(budget)
    await cluster.apply(budget | {"spec": {"maxUnavailable": 1}})
    found = cluster.get("pdb", "b")
    assert (found.api_version, found.spec.min_available, found.spec.max_unavailable) == ("policy/v1", None, 1)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"type": "Odd"}, "type"),
        ({"eventTime": None}, "eventTime"),
        ({"series": {"count": 1, "lastObservedTime": "2026-01-02T03:04:05.000006Z"}}, "series.count"),
        ({"series": {"count": 2, "lastObservedTime": None}}, "series.lastObservedTime"),
        ({"deprecatedCount": 3}, "count"),
        ({"deprecatedSource": {"component": "c"}}, "source"),
        ({"deprecatedFirstTimestamp": "2026-01-02T03:04:05Z"}, "firstTimestamp"),
    ],
)
async def test_new_events_are_held_to_stricter_rules(admin: Client, wrong: dict[str, Any], field: str) -> None:
    code, status = await admin.call("POST", NEW, EVENT | wrong)
    assert code == 422 and [c["field"] for c in status["details"]["causes"]] == [field], status
    if field in ("series.count", "count"):
        code, _ = await admin.call("POST", BETA, EVENT | wrong | {"apiVersion": "events.k8s.io/v1beta1"})
        assert code == 201


async def test_of_an_event_the_series_alone_goes_on(admin: Client) -> None:
    event = await made(admin)
    series = {"count": 2, "lastObservedTime": "2026-01-02T03:05:05.000006Z"}
    code, changed = await admin.call("PUT", f"{NEW}/e", event | {"series": series})
    assert (code, changed["series"]) == (200, series), changed
    changed["metadata"].pop("resourceVersion")
    code, status = await admin.call("PUT", f"{NEW}/e", changed | {"note": "other", "type": "Warning"})
    assert code == 422 and {c["field"] for c in status["details"]["causes"]} == {"message", "type"}, status
