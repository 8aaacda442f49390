"""GET and LIST over HTTP."""

import gzip

import msgspec

from shipslog.engine.api.verbs.reads import Token, decode_token, encode_token
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client

TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1,application/json"}


async def test_an_object_is_read_as_it_was_written(admin: Client) -> None:
    made = await admin.config_map("a", {"l": "x"}, k="v")
    code, read = await admin.call("GET", f"{CONFIG_MAPS}/a")
    assert code == 200
    assert read == made
    assert list(read)[:2] == ["kind", "apiVersion"]


async def test_what_is_not_there_is_not_found(admin: Client) -> None:
    code, status = await admin.call("GET", f"{CONFIG_MAPS}/none")
    assert code == 404
    assert status["reason"] == "NotFound"
    assert status["message"] == 'configmaps "none" not found'
    assert status["details"] == {"name": "none", "kind": "configmaps"}


async def test_paths_that_nobody_knows(admin: Client) -> None:
    for path in ("/api/v1/bananas", f"{CONFIG_MAPS}/a/b"):
        code, status = await admin.call("GET", path)
        assert (code, status["reason"]) == (404, "NotFound"), path
    for path in ("/apis/nowhere/v1/things", "/apis/nowhere", "/nothing"):
        assert await admin.call("GET", path) == (404, "404 page not found\n"), path


async def test_a_list_has_a_revision_and_items_without_kind(admin: Client) -> None:
    for name in ("b", "a", "c"):
        await admin.config_map(name)
    code, listed = await admin.call("GET", CONFIG_MAPS)
    assert code == 200
    assert (listed["kind"], listed["apiVersion"]) == ("ConfigMapList", "v1")
    assert [i["metadata"]["name"] for i in listed["items"]] == ["a", "b", "c"]
    assert all("kind" not in i and "apiVersion" not in i for i in listed["items"])
    assert int(listed["metadata"]["resourceVersion"]) >= max(int(i["metadata"]["resourceVersion"]) for i in listed["items"])


async def test_an_empty_list_is_a_list(admin: Client) -> None:
    code, listed = await admin.call("GET", "/api/v1/namespaces/nowhere/configmaps")
    assert (code, listed["items"]) == (200, [])


async def test_selectors(admin: Client) -> None:
    await admin.config_map("a", {"l": "x"})
    await admin.config_map("b", {"l": "y"})
    for query, names in (
        ("labelSelector=l%3Dx", ["a"]),
        ("fieldSelector=metadata.name%3Db", ["b"]),
        ("labelSelector=l%3Dz", []),
    ):
        _, listed = await admin.call("GET", f"{CONFIG_MAPS}?{query}")
        assert [i["metadata"]["name"] for i in listed["items"]] == names, query
    code, status = await admin.call("GET", f"{CONFIG_MAPS}?fieldSelector=data.a%3Db")
    assert (code, status["reason"]) == (400, "BadRequest")
    assert "field label not supported: data.a" in status["message"]


async def test_pages_come_from_one_moment(admin: Client) -> None:
    for name in "abcde":
        await admin.config_map(name)
    _, first = await admin.call("GET", f"{CONFIG_MAPS}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    token, revision = first["metadata"]["continue"], first["metadata"]["resourceVersion"]
    await admin.config_map("cc")
    _, second = await admin.call("GET", f"{CONFIG_MAPS}?limit=2&continue={token}")
    assert [i["metadata"]["name"] for i in second["items"]] == ["c", "d"]
    assert second["metadata"]["resourceVersion"] == revision
    _, third = await admin.call("GET", f"{CONFIG_MAPS}?limit=2&continue={second['metadata']['continue']}")
    assert [i["metadata"]["name"] for i in third["items"]] == ["e"]
    assert "continue" not in third["metadata"]


async def test_an_old_page_has_expired_and_a_token_to_go_on(api: Api, admin: Client) -> None:
    for name in "abc":
        await admin.config_map(name)
    _, first = await admin.call("GET", f"{CONFIG_MAPS}?limit=1")
    await admin.config_map("d")
    api.server.handler.pages = type(api.server.handler.pages)()
    code, status = await admin.call("GET", f"{CONFIG_MAPS}?limit=9&continue={first['metadata']['continue']}")
    assert (code, status["reason"]) == (410, "Expired")
    _, rest = await admin.call("GET", f"{CONFIG_MAPS}?limit=9&continue={status['metadata']['continue']}")
    assert [i["metadata"]["name"] for i in rest["items"]] == ["b", "c", "d"]


async def test_bad_parameters_of_a_list(admin: Client) -> None:
    for query in (
        "limit=x",
        "continue=%%%",
        "resourceVersion=abc",
        "timeoutSeconds=x",
    ):
        code, status = await admin.call("GET", f"{CONFIG_MAPS}?{query}")
        assert (code, status["reason"]) == (400, "BadRequest"), query
    for query, field in (
        ("resourceVersionMatch=Exact", "resourceVersionMatch"),
        ("resourceVersionMatch=x&resourceVersion=1", "resourceVersionMatch"),
        ("resourceVersionMatch=Exact&resourceVersion=0", "resourceVersionMatch"),
        ("sendInitialEvents=true", "sendInitialEvents"),
        ("watch=1&sendInitialEvents=true", "resourceVersionMatch"),
        ("watch=1&resourceVersionMatch=NotOlderThan", "resourceVersionMatch"),
    ):
        code, status = await admin.call("GET", f"{CONFIG_MAPS}?{query}")
        assert (code, status["details"]["kind"], status["details"]["causes"][0]["field"]) == (422, "ListOptions", field), query
    code, status = await admin.call("GET", f"{CONFIG_MAPS}?resourceVersion=999999")
    assert (code, status["reason"]) == (504, "Timeout")


async def test_tables_and_partial_objects(admin: Client) -> None:
    await admin.config_map("a", k="v")
    _, table = await admin.call("GET", CONFIG_MAPS, headers=TABLE)
    assert table["kind"] == "Table"
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", 1]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    partial = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    _, listed = await admin.call("GET", CONFIG_MAPS, headers=partial)
    assert listed["kind"] == "PartialObjectMetadataList"
    assert set(listed["items"][0]) == {"kind", "apiVersion", "metadata"}


async def test_yaml_and_what_cannot_be_given(admin: Client) -> None:
    await admin.config_map("a", k="v")
    code, text = await admin.call("GET", f"{CONFIG_MAPS}/a", headers={"Accept": "application/yaml"})
    assert code == 200
    assert "apiVersion: v1" in text
    code, status = await admin.call("GET", f"{CONFIG_MAPS}/a", headers={"Accept": "image/png"})
    assert (code, status["reason"]) == (406, "NotAcceptable")


async def test_methods_that_a_path_does_not_have(admin: Client) -> None:
    await admin.config_map("a")
    for method, path in (
        ("HEAD", f"{CONFIG_MAPS}/a"),
        ("PUT", CONFIG_MAPS),
        ("PATCH", CONFIG_MAPS),
        ("DELETE", "/api/v1/configmaps"),
        ("POST", "/api/v1/configmaps"),
        ("POST", f"{CONFIG_MAPS}/a"),
    ):
        code, _ = await admin.call(method, path, {} if method in ("PUT", "PATCH", "POST") else None)
        assert code == 405, (method, path)
    assert (await admin.call("GET", f"{CONFIG_MAPS}/a"))[0] == 200


async def test_shapes_of_lists_are_for_lists(admin: Client) -> None:
    await admin.config_map("a")
    shape = "application/json;as={};g=meta.k8s.io;v=v1"
    assert (await admin.call("GET", f"{CONFIG_MAPS}/a", headers={"Accept": shape.format("PartialObjectMetadataList")}))[
        0
    ] == 406
    assert (await admin.call("GET", CONFIG_MAPS, headers={"Accept": shape.format("PartialObjectMetadata")}))[0] == 406
    assert (await admin.call("GET", f"{CONFIG_MAPS}?watch=1", headers={"Accept": "application/yaml"}))[0] == 406


async def test_people_get_it_indented(admin: Client) -> None:
    await admin.config_map("a")
    async with admin.session.get(f"{admin.base}{CONFIG_MAPS}/a?pretty=true") as response:
        pretty = await response.text()
    assert pretty.startswith('{\n  "kind": "ConfigMap",\n  "apiVersion": "v1"')
    async with admin.session.get(f"{admin.base}{CONFIG_MAPS}/a", headers={"User-Agent": "curl/8"}) as response:
        assert await response.text() == pretty
    async with admin.session.get(f"{admin.base}{CONFIG_MAPS}/a") as response:
        assert "\n" not in await response.text()


def test_a_continue_token_says_what_it_was_made_of() -> None:
    token = Token(7, ("ns", "name"))
    assert decode_token(encode_token(token)) == token


async def test_large_answers_are_compressed_for_who_asks(admin: Client) -> None:
    for name in ("a", "b"):
        await admin.config_map(name, text=name * 70_000)
    await admin.config_map("c", text="c" * 140_000)
    admin.session._auto_decompress = False
    for path, asked, packed in (
        ("", "gzip", True),
        ("", "deflate, gzip , br", True),
        ("", "identity", False),
        ("", "gzip;q=0", False),
        ("", "*", False),
        ("/a", "gzip", False),
        ("/none", "gzip", False),
    ):
        async with admin.session.get(admin.base + CONFIG_MAPS + path, headers={"Accept-Encoding": asked}) as response:
            body = await response.read()
        assert (response.headers.get("Content-Encoding") == "gzip") == packed, (path, asked)
        assert ("Accept-Encoding" in response.headers.get("Vary", "")) == packed
        assert len(body) == int(response.headers.get("Content-Length", len(body)))  # lists of more than one part have none
        value = msgspec.json.decode(gzip.decompress(body) if packed else body)
        assert packed is False or [len(item["data"]["text"]) for item in value["items"]] == [70_000, 70_000, 140_000]
    for more in ({}, {"Accept": "application/vnd.kubernetes.protobuf"}, {"User-Agent": "curl/8"}):
        headers = {"Accept-Encoding": "gzip", **more}
        async with admin.session.get(f"{admin.base}{CONFIG_MAPS}/c", headers=headers) as response:
            assert response.headers["Content-Encoding"] == "gzip" and len(gzip.decompress(await response.read())) > 140_000
