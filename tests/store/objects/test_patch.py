"""Patches: the RFCs' and Kubernetes' own."""

import json
from typing import Any

import pytest

from shipslog.store.objects import patch
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import BadRequest, Invalid, TooLarge, Unexpected
from tests.cost import cpu_s_at_most

POD = {
    "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}, "finalizers": ["f1", "f2"]},
    "spec": {
        "containers": [{"name": "one", "image": "i:1", "args": ["a"]}, {"name": "two", "image": "i:2"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "nodeSelector": {"disk": "ssd"},
    },
}


def strategic(change: Any, current: dict[str, Any] = POD) -> dict[str, Any]:
    return patch.apply(core_v1.Pod, json.dumps(current).encode(), json.dumps(change).encode(), patch.STRATEGIC_PATCH)


def test_lists_merge_by_their_key() -> None:
    out = strategic({"spec": {"containers": [{"name": "two", "image": "i:3"}, {"name": "three", "image": "j"}]}})
    assert out["spec"]["containers"] == [
        {"name": "one", "image": "i:1", "args": ["a"]},
        {"name": "two", "image": "i:3"},
        {"name": "three", "image": "j"},
    ]


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
    out = patch.apply(core_v1.Pod, json.dumps(POD).encode(), body, patch.MERGE_PATCH)
    assert out["metadata"]["labels"] == {"b": "2"}
    assert out["spec"]["containers"] == [{"name": "z"}]


def test_json_patch() -> None:
    operations = [
        {"op": "test", "path": "/metadata/name", "value": "x"},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "i:9"},
        {"op": "remove", "path": "/metadata/labels/a"},
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "three"}},
    ]
    out = patch.apply(core_v1.Pod, json.dumps(POD).encode(), json.dumps(operations).encode(), patch.JSON_PATCH)
    assert [c["name"] for c in out["spec"]["containers"]] == ["one", "two", "three"]
    assert out["spec"]["containers"][0]["image"] == "i:9"
    assert out["metadata"]["labels"] == {"b": "2"}


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
        patch.apply(core_v1.Pod, json.dumps(POD).encode(), body, patch.JSON_PATCH)


def test_json_patches_count_from_the_end_too() -> None:
    current = {"spec": {"items": [1, 2, 3]}}

    def patched(*operations: dict[str, Any]) -> Any:
        return patch.apply(core_v1.Pod, json.dumps(current).encode(), json.dumps(operations).encode(), patch.JSON_PATCH)[
            "spec"
        ]["items"]

    assert patched({"op": "replace", "path": "/spec/items/-1", "value": 9}) == [1, 2, 9]
    assert patched({"op": "add", "path": "/spec/items/-1", "value": 9}) == [1, 2, 3, 9]
    assert patched({"op": "add", "path": "/spec/items/-", "value": 9}) == [1, 2, 3, 9]
    assert patched({"op": "remove", "path": "/spec/items/-3"}) == [2, 3]
    assert patched({"op": "move", "from": "/spec/items/-1", "path": "/spec/items/0"}) == [3, 1, 2]
    assert patched({"op": "test", "path": "/metadata/annotations", "value": None}) == [1, 2, 3]
    for broken in ({"op": "remove", "path": "/spec/items/-4"}, {"op": "test", "path": "/spec/items/0", "value": None}):
        with pytest.raises(Invalid):
            patched(broken)


# --- what a patch may cost ---

MIB = 1024 * 1024


def test_copies_are_bounded_by_their_bytes() -> None:
    """Each `copy` of a member into itself doubles it: 40 operations would be a terabyte."""
    doubling = [{"op": "copy", "from": "/spec", "path": f"/spec/again{i}"} for i in range(40)]
    with pytest.raises(Invalid) as refused:
        patch.apply(core_v1.Pod, json.dumps(POD).encode(), json.dumps(doubling).encode(), patch.JSON_PATCH)
    assert "accumulated size increase of copy" in refused.value.causes[0].message


def test_what_one_operation_costs_does_not_depend_on_the_document() -> None:
    data = {f"k{i}": "" for i in range(30_000)}
    adds = [{"op": "add", "path": f"/data/n{i}", "value": ""} for i in range(9_000)]
    tests = [{"op": "test", "path": "/data", "value": {"k0": ""}}]
    with cpu_s_at_most(3):
        out = patch.apply(core_v1.ConfigMap, json.dumps({"data": data}).encode(), json.dumps(adds).encode(), patch.JSON_PATCH)
    assert len(out["data"]) == 39_000
    with cpu_s_at_most(3), pytest.raises(Invalid):
        patch.apply(
            core_v1.ConfigMap, json.dumps({"data": data}).encode(), json.dumps(tests * 9_000).encode(), patch.JSON_PATCH
        )


def test_insertions_at_the_front_of_a_long_array_are_bounded() -> None:
    current = json.dumps({"metadata": {"finalizers": ["f"] * 60_000}}).encode()
    inserts = [{"op": "add", "path": "/metadata/finalizers/0", "value": "x"}] * 10_000
    with pytest.raises(TooLarge, match="replace the array"):
        patch.apply(core_v1.ConfigMap, current, json.dumps(inserts).encode(), patch.JSON_PATCH)
    out = patch.apply(core_v1.ConfigMap, current, json.dumps(inserts[:100]).encode(), patch.JSON_PATCH)
    assert len(out["metadata"]["finalizers"]) == 60_100


@pytest.mark.parametrize(
    "change",
    [
        {"$deleteFromPrimitiveList/finalizers": [f"f{i}" for i in range(60_000)]},
        {"finalizers": [f"g{i}" for i in range(60_000)]},
        {"$setElementOrder/finalizers": [f"f{i}" for i in reversed(range(60_000))]},
        {"ownerReferences": [{"uid": f"u{i}"} for i in range(60_000)]},
        {"ownerReferences": [{"$patch": "delete", "uid": f"o{i}"} for i in range(60_000)]},
        {"labels": {"$retainKeys": [f"l{i}" for i in range(60_000)]}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_strategic_merges_are_linear(change: dict[str, Any]) -> None:
    owners, labels = [{"uid": f"o{i}"} for i in range(60_000)], {f"l{i}": "" for i in range(60_000)}
    current = {"metadata": {"finalizers": [f"f{i}" for i in range(60_000)], "ownerReferences": owners, "labels": labels}}
    with cpu_s_at_most(3):
        strategic({"metadata": change}, current)


def test_naming_one_item_again_and_again_is_bounded() -> None:
    current = {"spec": {"containers": [{"name": "c", "args": ["a"] * 5_000}]}}
    again = [{"name": "c", "$deleteFromPrimitiveList/args": ["x"]}] * 2_000
    with pytest.raises(TooLarge, match="name each item once"):
        strategic({"spec": {"containers": again}}, current)


def test_nesting_is_bounded() -> None:
    deep = b'{"a":' * 150 + b"1" + b"}" * 150
    for media in (patch.MERGE_PATCH, patch.STRATEGIC_PATCH):
        assert patch.apply(core_v1.ConfigMap, b"{}", deep, media)
        for body in (b'{"a":' * 300 + b"1" + b"}" * 300, b'{"a":' * 100_000):
            with pytest.raises(BadRequest, match="nested too deeply"):
                patch.apply(core_v1.ConfigMap, b"{}", body, media)
    deeper = [{"op": "add", "path": "/a" * 150 * i, "value": json.loads(deep)} for i in (1, 2)]
    with pytest.raises(Invalid, match="request"):
        patch.apply(core_v1.ConfigMap, deep, json.dumps(deeper).encode(), patch.JSON_PATCH)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ({"op": "add", "path": "/a/²", "value": 1}, Invalid),
        ({"op": "add", "path": "/list/00", "value": 1}, Invalid),
        ({"op": "replace", "path": "/list/-", "value": 1}, Invalid),
        ({"op": "remove", "path": ""}, Invalid),
        ({"op": "add", "path": "no slash", "value": 1}, Invalid),
        ({"op": "test", "path": "/one", "value": True}, Invalid),
        ({"op": "add", "path": 1, "value": 1}, BadRequest),
        ({"op": "add", "path": "/a"}, BadRequest),
        ({"op": ["add"], "path": "/a", "value": 1}, BadRequest),
        ({"op": "move", "path": "/a"}, BadRequest),
    ],
)
def test_operations_that_cannot_be(operation: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        patch.apply(core_v1.ConfigMap, b'{"list":[1],"one":1}', json.dumps([operation]).encode(), patch.JSON_PATCH)
