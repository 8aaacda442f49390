"""POST, PUT, PATCH and DELETE over HTTP."""

import asyncio
import io
import json

import pytest

from shipslog.engine.api.response import replies
from tests.engine.api.conftest import CONFIG_MAPS, Client

MERGE = {"Content-Type": "application/merge-patch+json"}


async def test_the_body_may_leave_out_what_the_url_says(admin: Client) -> None:
    made = await admin.config_map("a", k="v")
    assert (made["apiVersion"], made["kind"], made["metadata"]["namespace"]) == ("v1", "ConfigMap", "default")
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"].endswith("Z")


async def test_what_exists_is_not_made_again(admin: Client) -> None:
    await admin.config_map("a")
    code, status = await admin.call("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    assert (code, status["reason"]) == (409, "AlreadyExists")


async def test_generated_names(admin: Client) -> None:
    code, made = await admin.call("POST", CONFIG_MAPS, {"metadata": {"generateName": "g-"}})
    assert code == 201
    assert made["metadata"]["name"].startswith("g-")
    assert len(made["metadata"]["name"]) == 7


async def test_the_body_must_fit_the_url(admin: Client) -> None:
    for body in (
        {"metadata": {"name": "a", "namespace": "other"}},
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}},
        {"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"name": "a"}},
    ):
        code, status = await admin.call("POST", CONFIG_MAPS, body)
        assert (code, status["reason"]) == (400, "BadRequest"), body
    await admin.config_map("a")
    code, status = await admin.call("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "b"}})
    assert (code, status["reason"]) == (400, "BadRequest")


async def test_bodies_that_are_none(admin: Client) -> None:
    for body in (b"", b"{", b"[]", b"null"):
        code, status = await admin.call("POST", CONFIG_MAPS, body, headers={"Content-Type": "application/json"})
        assert (code, status["reason"]) == (400, "BadRequest"), body
    code, status = await admin.call("POST", CONFIG_MAPS, b"x", headers={"Content-Type": "text/csv"})
    assert (code, status["reason"]) == (415, "UnsupportedMediaType")


async def test_a_body_over_three_mebibytes_is_refused(admin: Client) -> None:
    body = json.dumps({"metadata": {"name": "a"}, "data": {"k": "x" * (3 << 20)}}).encode()
    headers = {"Content-Type": "application/json"}
    async with admin.session.post(admin.base + CONFIG_MAPS, data=io.BytesIO(body), headers=headers) as response:
        code, status = response.status, await response.json()
    assert (code, status["reason"]) == (413, "RequestEntityTooLarge")
    code, _ = await admin.call("GET", f"{CONFIG_MAPS}/a")
    assert code == 404


async def test_yaml_bodies(admin: Client) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"
    code, made = await admin.call("POST", CONFIG_MAPS, body, headers={"Content-Type": "application/yaml"})
    assert (code, made["data"]) == (201, {"k": "v"})


async def test_warnings_have_room_and_no_more(admin: Client) -> None:
    """kubectl prints them; ten thousand of them would be megabytes of headers that no client reads."""
    aliases = [{"ip": "1.2.3.4", "hostnames": ["a"]}] * 10_000
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "b"}], "hostAliases": aliases}}
    code, _, headers = await admin.full("POST", "/api/v1/namespaces/default/pods", pod)
    told = headers.getall("Warning")
    assert code == 201 and 10 < len(told) < 100 and sum(map(len, told)) < 6000
    assert told[0].startswith('299 - "spec.hostAliases[1].ip: duplicates')


def test_a_long_warning_is_cut_where_they_are_too_long_together() -> None:
    assert replies.warned(["a" * 4096, "a" * 4096]) == [replies.warning("a" * 4096)]
    assert replies.warned(["a" * 4096, "b", ""]) == [replies.warning("a" * 256), replies.warning("b")]


async def test_a_long_answer_comes_whole(admin: Client) -> None:
    data = {f"k{i}": f"{i}" * 100 for i in range(2000)}
    await admin.config_map("a", **data)
    for path in (f"{CONFIG_MAPS}/a", f"{CONFIG_MAPS}/a?pretty=1"):
        assert (await admin.call("GET", path))[1]["data"] == data


async def test_unknown_fields(admin: Client) -> None:
    body = {"metadata": {"name": "a"}, "nonsense": 1}
    code, status = await admin.call("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body)
    assert (code, status["reason"]) == (400, "BadRequest")
    assert 'unknown field "nonsense"' in status["message"]
    code, _, headers = await admin.full("POST", CONFIG_MAPS, body)
    assert code == 201
    assert headers["Warning"] == '299 - "unknown field \\"nonsense\\""'
    body["metadata"] = {"name": "b"}
    code, _, headers = await admin.full("POST", f"{CONFIG_MAPS}?fieldValidation=Ignore", body)
    assert (code, "Warning" in headers) == (201, False)
    code, status = await admin.call("POST", f"{CONFIG_MAPS}?fieldValidation=Perhaps", body)
    assert (code, status["details"]["causes"][0]["field"]) == (422, "fieldValidation")


async def test_a_dry_run_writes_nothing(admin: Client) -> None:
    code, made = await admin.call("POST", f"{CONFIG_MAPS}?dryRun=All", {"metadata": {"name": "a"}})
    assert (code, made["metadata"]["name"]) == (201, "a")
    code, _ = await admin.call("GET", f"{CONFIG_MAPS}/a")
    assert code == 404
    code, _ = await admin.call("POST", f"{CONFIG_MAPS}?dryRun=All&dryRun=All", {"metadata": {"name": "a"}})
    assert code == 201
    code, status = await admin.call("POST", f"{CONFIG_MAPS}?dryRun=Some", {"metadata": {"name": "a"}})
    assert (code, status["reason"]) == (422, "Invalid")
    cause = {k: status["details"]["causes"][0][k] for k in ("reason", "field")}
    assert cause == {"reason": "FieldValueNotSupported", "field": "dryRun"}
    assert (status["details"]["group"], status["details"]["kind"]) == ("meta.k8s.io", "CreateOptions")


async def test_replace_and_its_precondition(admin: Client) -> None:
    made = await admin.config_map("a", k="1")
    code, replaced = await admin.call("PUT", f"{CONFIG_MAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "2"}})
    assert (code, replaced["data"]) == (200, {"k": "2"})
    assert replaced["metadata"]["uid"] == made["metadata"]["uid"]
    code, status = await admin.call("PUT", f"{CONFIG_MAPS}/a", made)
    assert (code, status["reason"]) == (409, "Conflict")


async def test_one_that_was_known_is_not_made_anew_by_its_replacement(admin: Client) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/a"
    code, status = await admin.call("PUT", path, {"metadata": {"name": "a", "uid": "u"}, "spec": {}})
    assert (code, status["reason"]) == (409, "Conflict"), status
    code, _ = await admin.call("PUT", path, {"metadata": {"name": "a"}, "spec": {}})
    assert code == 201


async def test_of_many_that_come_at_once_only_so_many_get_what_is_left_of_a_quota(admin: Client) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/configmaps": "5"}}}
    code, _ = await admin.call("POST", "/api/v1/namespaces/default/resourcequotas", quota)
    assert code == 201
    answers = await asyncio.gather(*(admin.call("POST", CONFIG_MAPS, {"metadata": {"name": f"a{i}"}}) for i in range(12)))
    there = await admin.call("GET", CONFIG_MAPS)
    assert len(there[1]["items"]) == 5
    refused = [said["message"] for code, said in answers if code == 403]
    assert len(refused) >= 7 and all("exceeded quota: q, requested: count/configmaps=1" in message for message in refused)


async def test_patches(admin: Client) -> None:
    await admin.config_map("a", k="1")
    code, patched = await admin.call("PATCH", f"{CONFIG_MAPS}/a", b'{"data":{"j":"2"}}', headers=MERGE)
    assert (code, patched["data"]) == (200, {"k": "1", "j": "2"})
    headers = {"Content-Type": "application/json-patch+json"}
    body = b'[{"op":"remove","path":"/data/k"}]'
    code, patched = await admin.call("PATCH", f"{CONFIG_MAPS}/a", body, headers=headers)
    assert (code, patched["data"]) == (200, {"j": "2"})
    for media in ("application/json", "application/apply-patch+cbor"):
        code, status = await admin.call("PATCH", f"{CONFIG_MAPS}/a", b"{}", headers={"Content-Type": media})
        assert (code, status["reason"]) == (415, "UnsupportedMediaType")


async def test_delete_says_what_went(admin: Client) -> None:
    made = await admin.config_map("a")
    code, status = await admin.call("DELETE", f"{CONFIG_MAPS}/a")
    assert (code, status["status"]) == (200, "Success")
    assert status["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    code, _ = await admin.call("DELETE", f"{CONFIG_MAPS}/a")
    assert code == 404


async def test_delete_with_preconditions_and_options(admin: Client) -> None:
    made = await admin.config_map("a")
    code, status = await admin.call("DELETE", f"{CONFIG_MAPS}/a", {"preconditions": {"uid": "other"}})
    assert (code, status["reason"]) == (409, "Conflict")
    code, status = await admin.call("DELETE", f"{CONFIG_MAPS}/a?propagationPolicy=Sideways")
    assert (code, status["reason"]) == (422, "Invalid")
    code, _ = await admin.call("DELETE", f"{CONFIG_MAPS}/a?dryRun=All")
    assert code == 200
    assert (await admin.call("GET", f"{CONFIG_MAPS}/a"))[0] == 200
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": made["metadata"]["uid"]}}
    code, _ = await admin.call("DELETE", f"{CONFIG_MAPS}/a?dryRun=All", body)
    assert code == 200
    assert (await admin.call("GET", f"{CONFIG_MAPS}/a"))[0] == 404, "where there is a body, the query has no say"
    code, _ = await admin.call("GET", f"{CONFIG_MAPS}/a")
    assert code == 404


async def test_delete_of_a_collection(admin: Client) -> None:
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        await admin.config_map(name, {"l": label})
    code, gone = await admin.call("DELETE", f"{CONFIG_MAPS}?labelSelector=l%3Dx")
    assert (code, [i["metadata"]["name"] for i in gone["items"]]) == (200, ["a", "b"])
    _, left = await admin.call("GET", CONFIG_MAPS)
    assert [i["metadata"]["name"] for i in left["items"]] == ["c"]
    code, status = await admin.call("DELETE", "/api/v1/namespaces")
    assert (code, status["reason"]) == (405, "MethodNotAllowed")


async def test_methods_that_make_no_sense(admin: Client) -> None:
    for method, path in (("POST", f"{CONFIG_MAPS}/a"), ("PUT", CONFIG_MAPS), ("OPTIONS", CONFIG_MAPS), ("POST", "/version")):
        code, status = await admin.call(method, path, {"metadata": {"name": "a"}})
        assert code in (404, 405), (method, path, status)


async def test_preconditions_hold_for_collections_too(admin: Client) -> None:
    await admin.config_map("a", labels={"l": "x"})
    code, _ = await admin.call("DELETE", f"{CONFIG_MAPS}?labelSelector=l%3Dx", {"preconditions": {"uid": "another"}})
    assert code == 409
    assert (await admin.call("GET", f"{CONFIG_MAPS}/a"))[0] == 200


async def test_subresources_take_their_own_kind_only(admin: Client) -> None:
    pods, accounts = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/serviceaccounts"
    await admin.call("POST", pods, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    await admin.call("POST", accounts, {"metadata": {"name": "s"}})
    await admin.call("POST", accounts, {"metadata": {"name": "default"}})
    for path, body in (
        (f"{pods}/p/eviction", {"kind": "Pod", "apiVersion": "v1"}),
        (f"{pods}/p/eviction", {"kind": "Eviction", "apiVersion": "policy/v9"}),
        (f"{pods}/p/binding", {"kind": "Pod", "apiVersion": "v1", "target": {"name": "n"}}),
        (f"{accounts}/s/token", {"kind": "Pod", "apiVersion": "v1"}),
        (f"{accounts}/s/token", {"spec": {"boundObjectRef": {"kind": "Pod", "name": "p"}}}),
    ):
        code, status = await admin.call("POST", path, body)
        assert (code, status["reason"]) == (400, "BadRequest"), (path, body)
    code, status = await admin.call("POST", f"{accounts}/s/token", {"metadata": {"name": "other"}})
    assert (code, status["details"]["causes"][0]["field"]) == (422, "metadata.name")
    stale = {"metadata": {"name": "p", "resourceVersion": "1"}, "target": {"name": "n"}}
    assert (await admin.call("POST", f"{pods}/p/binding", stale))[0] == 409
    assert (await admin.call("GET", f"{pods}/p"))[0] == 200


async def test_metadata_that_the_server_keeps(admin: Client) -> None:
    made = await admin.config_map("a")
    meta = made["metadata"]
    path = f"{CONFIG_MAPS}/a"
    code, kept = await admin.call("PATCH", path, {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z"}}, headers=MERGE)
    assert (code, kept["metadata"]["creationTimestamp"]) == (200, meta["creationTimestamp"])
    for change, field in (
        ({"deletionTimestamp": "2001-01-01T00:00:00Z"}, "metadata.deletionTimestamp"),
        ({"deletionGracePeriodSeconds": 5}, "metadata.deletionGracePeriodSeconds"),
        ({"uid": "another"}, "metadata.uid"),
    ):
        code, status = await admin.call("PATCH", path, {"metadata": change}, headers=MERGE)
        assert (code, status["details"]["causes"][0]["field"]) == (422, field)
    code, _ = await admin.call("PUT", path, {"metadata": {"name": "a", "uid": "another"}})
    assert code == 409
    node = {"metadata": {"name": "n", "namespace": "somewhere"}}
    code, made = await admin.call("POST", "/api/v1/nodes", node)
    assert code == 201 and "namespace" not in made["metadata"]
    code, status = await admin.call("POST", CONFIG_MAPS, {"metadata": {"name": "b", "resourceVersion": "5"}})
    assert code == 500 and "reason" not in status


async def test_an_owner_given_twice_is_kept_once(admin: Client) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "u"}
    body = {"metadata": {"name": "b", "ownerReferences": [owner, owner]}}
    code, made, headers = await admin.full("POST", CONFIG_MAPS, body)
    assert (code, len(made["metadata"]["ownerReferences"])) == (201, 1)
    assert "duplicate" in headers["Warning"]


async def test_a_key_that_stands_twice_in_yaml(admin: Client) -> None:
    body = b"metadata: {name: a}\ndata:\n  k: x\n  k: z\n"
    headers = {"Content-Type": "application/yaml"}
    code, status = await admin.call("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body, headers=headers)
    assert code == 400 and 'key "k" already set in map' in status["message"]
    code, _, answer = await admin.full("POST", CONFIG_MAPS, body, headers=headers)
    assert code == 201 and "already set in map" in answer["Warning"]
    code, _, answer = await admin.full("PUT", f"{CONFIG_MAPS}/a", b"nonsense: 1\n" + body, headers=headers)
    assert code == 200 and answer.getall("Warning") == [
        '299 - "line 5: key \\"k\\" already set in map"',
        '299 - "unknown field \\"nonsense\\""',
    ]


async def test_a_key_that_stands_twice_in_what_is_applied_or_patched(admin: Client) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: x\n  k: z\n"
    headers = {"Content-Type": "application/apply-patch+yaml"}
    path = f"{CONFIG_MAPS}/a?fieldManager=m"
    code, status = await admin.call("PATCH", f"{path}&fieldValidation=Strict", body, headers=headers)
    words = "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:"
    assert (code, status["message"]) == (400, f'{words}\n  line 6: key "k" already set in map')
    code, _, answer = await admin.full("PATCH", path, body, headers=headers)
    assert code == 201 and answer["Warning"] == '299 - "line 6: key \\"k\\" already set in map"'
    headers = {"Content-Type": "application/json-patch+json"}
    operations = b'[{"op":"add","path":"/data/l","value":"1","why":"x"}]'
    code, status = await admin.call("PATCH", f"{CONFIG_MAPS}/a?fieldValidation=Strict", operations, headers=headers)
    assert code == 422 and 'strict decoding error: json patch unknown field "[0].why"' in status["message"]
    headers = {"Content-Type": "application/merge-patch+json"}
    code, _, answer = await admin.full("PATCH", f"{CONFIG_MAPS}/a", b'{"data":{"l":"1","l":"2"}}', headers=headers)
    assert code == 200 and answer["Warning"] == '299 - "duplicate field \\"data.l\\""'


async def test_options_that_make_no_sense(admin: Client) -> None:
    await admin.config_map("a")
    for method, query, cause in (
        ("POST", f"fieldManager={'x' * 129}", ("FieldValueTooLong", "fieldManager")),
        ("POST", f"fieldManager={'%C3%A9' * 65}", ("FieldValueTooLong", "fieldManager")),
        ("POST", "fieldManager=%00", ("FieldValueInvalid", "fieldManager")),
        ("PATCH", "force=true", ("FieldValueForbidden", "force")),
    ):
        path = CONFIG_MAPS if method == "POST" else f"{CONFIG_MAPS}/a"
        code, status = await admin.call(
            method, f"{path}?{query}", {"metadata": {"name": "b"}}, headers=MERGE if method == "PATCH" else {}
        )
        found = status["details"]["causes"][0]
        assert (code, (found["reason"], found["field"])) == (422, cause), query


async def test_a_precondition_that_does_not_hold_names_the_kind(admin: Client) -> None:
    await admin.config_map("a")
    for condition, perhaps in (("uid", "deleted and then recreated"), ("resourceVersion", "modified")):
        code, status = await admin.call("DELETE", f"{CONFIG_MAPS}/a", {"preconditions": {condition: "1"}})
        assert (code, status["reason"], status["details"]) == (409, "Conflict", {"name": "a", "kind": "ConfigMap"})
        assert status["message"].startswith('Operation cannot be fulfilled on ConfigMap "a": the ')
        assert status["message"].endswith(f"The object might have been {perhaps}")


async def test_groups_are_of_somebody(admin: Client) -> None:
    code, status = await admin.call("GET", CONFIG_MAPS, headers={"Impersonate-Group": "g"})
    assert code == 400 and "without impersonating a user" in status["message"]


async def test_an_apply_in_another_form_is_told_which_forms_there_are(admin: Client) -> None:
    await admin.config_map("a")
    headers = {"Content-Type": "application/apply-patch+cbor"}
    code, status = await admin.call("PATCH", f"{CONFIG_MAPS}/a?force=true&fieldManager=m", b"{}", headers=headers)
    served = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"
    words = "the body of the request was in an unknown format - accepted media types include: "
    assert (code, status["message"]) == (415, f"{words}{served}, application/apply-patch+yaml")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"apiVersion": "v1", "kind": "Secret"}, "converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
        ({"apiVersion": "v1", "kind": "Foo"}, 'no kind "Foo" is registered for version "v1" in scheme'),
        ({"apiVersion": "x/v1", "kind": "ConfigMap"}, 'no kind "ConfigMap" is registered for version "x/v1" in scheme'),
    ],
)
async def test_a_body_of_another_kind_is_told_what_it_is(admin: Client, said: dict[str, str], words: str) -> None:
    code, status = await admin.call("POST", CONFIG_MAPS, {**said, "metadata": {"name": "a"}})
    assert (code, status["reason"]) == (400, "BadRequest") and words in status["message"]
    assert status["message"].startswith(f'{said["kind"]} in version "v1" cannot be handled as a ConfigMap: ')


async def test_a_body_of_another_version_is_told_so(admin: Client) -> None:
    body = {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {}}
    code, status = await admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", body)
    words = "the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)"
    assert (code, status["message"]) == (400, words)


async def test_options_are_shown_with_what_they_may_be(admin: Client) -> None:
    for method, query, words in (
        ("POST", "dryRun=true", 'dryRun: Unsupported value: []string{"true"}: supported values: "All"'),
        ("POST", "fieldValidation=x", 'Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"'),
        ("DELETE", "propagationPolicy=x", 'value: "x": supported values: "Foreground", "Background", "Orphan", "nil"'),
        ("DELETE", "gracePeriodSeconds=x", 'gracePeriodSeconds: strconv.ParseInt: parsing "x": invalid syntax'),
        ("DELETE", f"gracePeriodSeconds={2**63}", f'strconv.ParseInt: parsing "{2**63}": value out of range'),
    ):
        _, status = await admin.call(
            method, f"{CONFIG_MAPS}?{query}", {"metadata": {"name": "a"}} if method == "POST" else None
        )
        assert words in status["message"], status
