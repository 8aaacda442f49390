"""Lists in parts: the same bytes however many parts they come in, in every shape, and others have their turn between."""

import asyncio
import gzip
import json
from typing import Any

import pytest
import yaml

from shipslog.engine.api.response import lists
from shipslog.engine.api.verbs import reads
from shipslog.store.objects.types import core_v1, meta_v1
from tests.engine.api.conftest import CONFIG_MAPS, Api, Client

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PROTOBUF, YAML = "application/vnd.kubernetes.protobuf", "application/yaml"
SHAPES: list[dict[str, str]] = [
    {"Accept": "application/json"},
    {"Accept": TABLE},
    {"Accept": PARTIAL},
    {"Accept": YAML},
    {"Accept": PROTOBUF},
    {"Accept": TABLE, "User-Agent": "curl/8"},
    {"User-Agent": "curl/8"},
    {"Accept-Encoding": "gzip"},
    {"Accept": PROTOBUF, "Accept-Encoding": "gzip"},
]


@pytest.fixture
async def admin(api: Api) -> Client:
    client = api.client(certificate=True)
    client.session._auto_decompress = False
    return client


async def fetched(client: Client, headers: dict[str, str]) -> tuple[bool, bytes]:
    """(whether it came in parts, the body as it was before it was compressed)"""
    async with client.session.get(client.base + CONFIG_MAPS, headers={"Accept-Encoding": "identity", **headers}) as response:
        body = await response.read()
        assert response.status == 200, body
        packed = response.headers.get("Content-Encoding") == "gzip"
        return "Content-Length" not in response.headers, gzip.decompress(body) if packed and body else body


@pytest.mark.parametrize("headers", SHAPES, ids=str)
async def test_parts_come_to_the_whole(admin: Client, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> None:
    for count in (0, 1, 7):
        for i in range(count):
            await admin.call("POST", CONFIG_MAPS, {"metadata": {"name": f"c{i}"}, "data": {"k": "é\n" * 30}})
        _, whole = await fetched(admin, headers)
        for items in (1, 2, 3):
            with monkeypatch.context() as small:
                small.setattr(lists, "PART_ITEMS", items)
                parted, body = await fetched(admin, headers)
                assert parted == (count >= items)
            assert shown(body, headers) == shown(whole, headers)
        if headers.get("Accept") == "application/json":
            assert len(json.loads(whole)["items"]) == count


def shown(body: bytes, headers: dict[str, str]) -> Any:
    """Without the ages in a table, which go on."""
    accept = headers.get("Accept", "")
    if accept == PROTOBUF:
        return body
    value = yaml.safe_load(body) if accept == YAML else json.loads(body)
    return [row["object"] for row in value["rows"]] if "rows" in value else (value, len(body))


async def test_others_have_their_turn_between_parts(api: Api, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PART_ITEMS", 10)
    maps = [core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name=f"c{i}", namespace="default")) for i in range(1_000)]
    await asyncio.gather(*(api.cluster.create(one) for one in maps))
    other, answered = api.client(certificate=True), 0
    await other.call("GET", f"{CONFIG_MAPS}/c1")
    listing = asyncio.gather(*(fetched(admin, {}) for _ in range(8)))
    while not listing.done():
        assert (await other.call("GET", f"{CONFIG_MAPS}/c1"))[0] == 200
        answered += 1
    assert all(len(json.loads(body)["items"]) == 1_000 for _, body in await listing)
    assert answered > 8


async def test_pages_are_of_one_moment_and_come_to_the_whole(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "SELECTED_AT_ONCE", 2)
    for i in range(9):
        await admin.config_map(f"c{i}", {"odd": str(i % 2)})
    for selector in ("", "&labelSelector=odd!=1", "&labelSelector=odd=0"):
        _, page = await admin.call("GET", f"{CONFIG_MAPS}?limit=2{selector}")
        seen = [item["metadata"]["name"] for item in page["items"]]
        await admin.config_map(f"late{len(seen)}{len(selector)}", {"odd": "0"})
        while token := page["metadata"].get("continue"):
            assert ("remainingItemCount" in page["metadata"]) == (not selector)
            _, page = await admin.call("GET", f"{CONFIG_MAPS}?limit=2&continue={token}{selector}")
            seen += [item["metadata"]["name"] for item in page["items"]]
        wanted = [f"c{i}" for i in range(0, 9, 2 if selector else 1)]
        assert [name for name in seen if name.startswith("c")] == wanted and sorted(set(seen)) == seen


async def test_pages_are_kept_by_number_of_objects_and_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "PAGED_OBJECTS", 10)
    pages = reads.Pages()
    some: list[Any] = [None] * 4
    for revision in (1, 2, 3):
        pages.keep(("configmaps", None, "", "", revision), some)
    assert [pages.get(("configmaps", None, "", "", r)) is not None for r in (1, 2, 3)] == [False, True, True]
    monkeypatch.setattr(reads, "PAGED_S", -1.0)
    pages.keep(("configmaps", None, "", "", 4), some)
    assert [pages.get(("configmaps", None, "", "", r)) is not None for r in (2, 3, 4)] == [False, False, True]
