"""Objects cannot be changed, all the way down: everybody who reads one reads the same."""

import copy
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.wire import codec

CHANGES = {
    "[]=": lambda m: m.__setitem__("a", "c"),
    "del": lambda m: m.__delitem__("a"),
    "update": lambda m: m.update(a="c"),
    "|=": lambda m: m.__ior__({"a": "c"}),
    "setdefault": lambda m: m.setdefault("z", ""),
    "pop": lambda m: m.pop("a"),
    "popitem": lambda m: m.popitem(),
    "clear": lambda m: m.clear(),
}


def made() -> dict[str, core_v1.ConfigMap]:
    """The same config map, however it came about."""
    built = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="x", labels={"a": "b"}), data={"a": "b"})
    data = codec.encode(built)
    return {
        "built": built,
        "restored": codec.restore(core_v1.ConfigMap, data),
        "decoded": codec.decode(core_v1.ConfigMap, data)[0],
        "replaced": replace(core_v1.ConfigMap(), metadata=built.metadata, data={"a": "b"}),
        "copied": copy.deepcopy(built),
        "walked": codec.from_builtins(core_v1.ConfigMap, codec.to_builtins(built))[0],
    }


@pytest.mark.parametrize("how", list(made()))
@pytest.mark.parametrize("change", list(CHANGES))
def test_no_map_can_be_changed(how: str, change: str) -> None:
    obj = made()[how]
    for held in (obj.data, obj.metadata.labels, obj.metadata.annotations, obj.binary_data):
        with pytest.raises(TypeError, match="replace"):
            CHANGES[change](held)
    assert obj == made()["built"]


def test_what_holds_any_json_cannot_be_changed_either() -> None:
    entry = meta_v1.ManagedFieldsEntry(fields_v1={"f:data": {"f:a": {}, "l": [{"x": 1}]}})
    for held in (entry.fields_v1, entry.fields_v1["f:data"], entry.fields_v1["f:data"]["l"][0]):
        with pytest.raises(TypeError, match="replace"):
            held["a"] = 1
    assert codec.encode(entry) == b'{"fieldsV1":{"f:data":{"f:a":{},"l":[{"x":1}]}}}'


def test_empty_maps_are_left_out_and_required_ones_are_not() -> None:
    empty: dict[str, Any] = {}
    assert codec.encode(core_v1.ConfigMap(data=empty)) == b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}'
    assert empty == {} and (core_v1.ConfigMap().data | {"a": "b"}) == {"a": "b"}


async def test_what_was_committed_stays_what_the_log_says() -> None:
    async with Cluster.open(None, runtime="none", reconcilers=()) as engine:
        await engine.create(core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="x", namespace="default"), data={"a": "b"}))
        held = engine.get(core_v1.ConfigMap, "x")
        with pytest.raises(TypeError, match=r"cluster\.update"):
            held.data["a"] = "c"
        changed = await engine.update(replace(held, data={**held.data, "a": "c"}))
        assert changed.data == {"a": "c"} and engine.get(core_v1.ConfigMap, "x").data == {"a": "c"}
