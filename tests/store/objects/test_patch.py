"""Patches: the RFCs' and Kubernetes' own."""

import json
from typing import Any

import pytest

from shipslog.store.objects import core_v1, patch
from shipslog.store.refusals import BadRequest, Invalid, TooLarge, Unexpected

POD = {
    "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}, "finalizers": ["f1", "f2"]},
    "spec": {
        "containers": [{"name": "one", "image": "i:1", "args": ["a"]}, {"name": "two", "image": "i:2"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "nodeSelector": {"disk": "ssd"},
    },
}


def strategic(change: Any, current: dict[str, Any] = POD) -> dict[str, Any]:
    before = json.dumps(current)
    out = patch.apply(core_v1.Pod, current, json.dumps(change).encode(), patch.STRATEGIC_PATCH)
    assert json.dumps(current) == before, "the current object was changed"
    return out


def test_lists_merge_by_their_key() -> None:
    out = strategic({"spec": {"containers": [{"name": "two", "image": "i:3"}, {"name": "three", "image": "j"}]}})
    assert out["spec"]["containers"] == [
        {"name": "one", "image": "i:1", "args": ["a"]}, {"name": "two", "image": "i:3"}, {"name": "three", "image": "j"},
    ]  # fmt: skip


def test_items_are_deleted_and_lists_replaced() -> None:
    gone = strategic({"spec": {"containers": [{"name": "one", "$patch": "delete"}]}})
    assert [c["name"] for c in gone["spec"]["containers"]] == ["two"]
    new = strategic({"spec": {"containers": [{"$patch": "replace"}, {"name": "z"}]}})
    assert new["spec"]["containers"] == [{"name": "z"}]


def test_order_is_set() -> None:
    change = {
        "spec": {
            "$setElementOrder/containers": [{"name": "new"}, {"name": "one"}],
            "containers": [{"name": "new", "image": "n"}],
        }
    }
    assert [c["name"] for c in strategic(change)["spec"]["containers"]] == ["new", "one", "two"]
    swapped = strategic({"spec": {"$setElementOrder/containers": [{"name": "two"}, {"name": "one"}]}})
    assert [c["name"] for c in swapped["spec"]["containers"]] == ["two", "one"]


def test_primitive_lists_merge_and_lose() -> None:
    out = strategic({"metadata": {"finalizers": ["f3"], "$deleteFromPrimitiveList/finalizers": ["f1"]}})
    assert out["metadata"]["finalizers"] == ["f2", "f3"]


def test_lists_without_a_key_are_replaced() -> None:
    out = strategic({"spec": {"containers": [{"name": "one", "args": ["b", "c"]}]}})
    assert out["spec"]["containers"][0]["args"] == ["b", "c"]


def test_null_removes_and_maps_merge() -> None:
    out = strategic({"metadata": {"labels": {"a": None, "c": "3"}}, "spec": {"nodeSelector": None}})
    assert out["metadata"]["labels"] == {"b": "2", "c": "3"}
    assert "nodeSelector" not in out["spec"]


def test_maps_are_replaced_on_demand() -> None:
    assert strategic({"metadata": {"labels": {"$patch": "replace", "z": "9"}}})["metadata"]["labels"] == {"z": "9"}


def test_keys_are_retained() -> None:
    change = {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}}
    assert strategic(change)["spec"]["volumes"] == [{"name": "v", "hostPath": {"path": "/x"}}]


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"containers": [{"image": "no name"}]}},
        {"spec": {"$patch": "explode"}},
        {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name"], "hostPath": {}}]}},
        {"spec": {"$setElementOrder/containers": "x"}},
        [],
    ],
)
def test_bad_strategic_patches(change: Any) -> None:
    with pytest.raises((BadRequest, Invalid, Unexpected)):
        strategic(change)


def test_merge_patch() -> None:
    body = json.dumps({"metadata": {"labels": {"a": None}}, "spec": {"containers": [{"name": "z"}]}}).encode()
    out = patch.apply(core_v1.Pod, POD, body, patch.MERGE_PATCH)
    assert out["metadata"]["labels"] == {"b": "2"}
    assert out["spec"]["containers"] == [{"name": "z"}]


def test_json_patch() -> None:
    operations = [
        {"op": "test", "path": "/metadata/name", "value": "x"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "i:9"},
        {"op": "remove", "path": "/metadata/labels/a"},
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "three"}},
    ]
    out = patch.apply(core_v1.Pod, POD, json.dumps(operations).encode(), patch.JSON_PATCH)
    assert [c["name"] for c in out["spec"]["containers"]] == ["one", "two", "three"]
    assert out["spec"]["containers"][0]["image"] == "i:9"
    assert out["metadata"]["labels"] == {"b": "2"}
    assert POD["metadata"]["labels"] == {"a": "1", "b": "2"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", BadRequest),
        (b'{"op":"add"}', BadRequest),
        (b'[{"op":"fly","path":"/a"}]', BadRequest),
        (b'[{"op":"test","path":"/metadata/name","value":"y"}]', Invalid),
        (b'[{"op":"remove","path":"/nothing/here"}]', Invalid),
        (b'[{"op":"replace","path":"","value":1}]', Invalid),
        (b"[" + b",".join([b'{"op":"test","path":"/metadata/name","value":"x"}'] * 10_001) + b"]", TooLarge),
    ],
)
def test_bad_json_patches(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        patch.apply(core_v1.Pod, POD, body, patch.JSON_PATCH)


def test_json_patches_count_from_the_end_too() -> None:
    current = {"spec": {"items": [1, 2, 3]}}

    def patched(*operations: dict[str, Any]) -> Any:
        return patch.apply(core_v1.Pod, current, json.dumps(operations).encode(), patch.JSON_PATCH)["spec"]["items"]

    assert patched({"op": "replace", "path": "/spec/items/-1", "value": 9}) == [1, 2, 9]
    assert patched({"op": "add", "path": "/spec/items/-1", "value": 9}) == [1, 2, 3, 9]
    assert patched({"op": "add", "path": "/spec/items/-", "value": 9}) == [1, 2, 3, 9]
    assert patched({"op": "remove", "path": "/spec/items/-3"}) == [2, 3]
    assert patched({"op": "move", "from": "/spec/items/-1", "path": "/spec/items/0"}) == [3, 1, 2]
    assert patched({"op": "test", "path": "/metadata/annotations", "value": None}) == [1, 2, 3]
    for broken in ({"op": "remove", "path": "/spec/items/-4"}, {"op": "test", "path": "/spec/items/0", "value": None}):
        with pytest.raises(Invalid):
            patched(broken)
    assert current == {"spec": {"items": [1, 2, 3]}}
