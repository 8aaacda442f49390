"""Protobuf that is written: by hand for what is easily got wrong, and against samples of every kind where they are at hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shipslog.store.objects.fields.shapes import Shape
from shipslog.store.objects.types import (
    authentication_v1,
    authorization_v1,
    autoscaling_v1,
    coordination_v1,
    core_v1,
    discovery_v1,
    meta_v1,
    policy_v1,
    scheduling_v1,
)
from shipslog.store.objects.wire import protobuf, protobuf_encoding
from tests.store.objects.wire.test_protobuf import part, varint

SAMPLES = Path(__file__).resolve().parents[5] / "shared" / "reference" / "roundtrip"
MODULES = (
    authentication_v1,
    authorization_v1,
    autoscaling_v1,
    coordination_v1,
    core_v1,
    discovery_v1,
    meta_v1,
    policy_v1,
    scheduling_v1,
)
NAMES = part(1, "") + part(2, "") + part(3, "") + part(4, "") + part(5, "") + part(6, "") + part(7, 0)
EMPTY_META = NAMES + part(8, b"")  # the time of creation is there though it is zero


def test_values_are_written_when_they_are_zero_and_pointers_are_not() -> None:
    assert protobuf_encoding.encode(core_v1.ConfigMap()) == part(1, EMPTY_META)
    made = core_v1.ConfigMap(data={"b": "2", "a": ""}, binary_data={"x": "AP8="}, immutable=False)
    data = part(2, part(1, "a") + part(2, "")) + part(2, part(1, "b") + part(2, "2"))
    assert protobuf_encoding.encode(made) == part(1, EMPTY_META) + data + part(3, part(1, "x") + part(2, b"\0\xff")) + part(
        4, 0
    )


def test_times_are_seconds_and_nanoseconds() -> None:
    meta = meta_v1.ObjectMeta(creation_timestamp="2027-01-15T08:00:00Z")
    moment = part(8, part(1, 1_800_000_000) + part(2, 0))
    assert protobuf_encoding.encode(meta) == NAMES + moment
    spec = coordination_v1.LeaseSpec(renew_time="2027-01-15T08:00:00.000001Z", lease_transitions=-1)
    assert protobuf_encoding.encode(spec) == part(4, part(1, 1_800_000_000) + part(2, 1000)) + varint(5 << 3) + varint(-1)


def test_a_volume_has_its_source_in_a_message_of_its_own() -> None:
    volume = core_v1.Volume(name="v", config_map=core_v1.ConfigMapVolumeSource(name="cm"))
    assert protobuf_encoding.encode(volume) == part(1, "v") + part(2, part(19, part(1, part(1, "cm"))))


def test_ports_by_number_and_by_name() -> None:
    action = core_v1.HTTPGetAction(port="http")
    tail = part(3, "") + part(4, "")
    assert protobuf_encoding.encode(action) == part(1, "") + part(2, part(1, 1) + part(2, 0) + part(3, "http")) + tail
    action = core_v1.HTTPGetAction(port=80)
    assert protobuf_encoding.encode(action) == part(1, "") + part(2, part(1, 0) + part(2, 80) + part(3, "")) + tail


def test_the_envelope_and_the_frame_of_a_watch() -> None:
    meta = part(1, part(1, "v1") + part(2, "Status"))
    assert protobuf_encoding.enveloped("v1", "Status", b"raw") == b"k8s\0" + meta + part(2, b"raw") + part(3, "") + part(4, "")
    event = part(1, "ADDED") + part(2, part(1, b"body"))
    assert protobuf_encoding.watch_frame("ADDED", b"body") == len(event).to_bytes(4, "big") + event


def test_a_list() -> None:
    metadata = meta_v1.ListMeta(resource_version="7", continue_="on", remaining_item_count=3)
    head = part(1, part(1, "") + part(2, "7") + part(3, "on") + part(4, 3))
    before, each, behind = protobuf_encoding.list_around("v1", "PodList", metadata, [1, 0])
    whole = before + each[0] + b"x" + each[1] + behind
    assert whole == protobuf_encoding.enveloped("v1", "PodList", head + part(2, "x") + part(2, ""))


# --- against samples ---


def kinds() -> Iterator[tuple[str, str, type[Any]]]:
    """(apiVersion, kind, type) of every type of ours that names itself."""
    for module in MODULES:
        for struct in vars(module).values():
            if isinstance(struct, type) and {"api_version", "kind"} <= set(getattr(struct, "__struct_fields__", ())):
                try:
                    empty = struct()
                except TypeError:
                    continue
                if empty.api_version:
                    yield empty.api_version, empty.kind, struct


def known(struct: type[Any], data: bytes) -> bytes:
    """A message without the fields that our types, of an older release, do not have."""
    return _known(protobuf.numbered_of(struct), data)


def _known(numbered: Any, data: bytes) -> bytes:
    out = b""
    for number, wire, value in protobuf._parts(data):
        target = numbered.get(number)
        if target is None:
            continue
        if wire == protobuf.BYTES:
            out += part(number, _known(target[1], value) if isinstance(target, tuple) else _inside(target.shape, value))
        else:
            out += varint(number << 3 | wire) + (varint(value) if wire == protobuf.VARINT else value)
    return out


def _inside(shape: Shape, value: bytes) -> bytes:
    if shape.form == "struct":
        assert shape.struct is not None
        return known(shape.struct, value)
    if shape.form == "list":
        assert shape.item is not None
        return _inside(shape.item, value)
    if shape.form == "map":
        assert shape.item is not None
        return b"".join([part(n, v if n == 1 or w == 0 else _inside(shape.item, v)) for n, w, v in protobuf._parts(value)])
    return value


def test_every_sample_is_written_as_it_was() -> None:
    ours = {(api_version, kind): struct for api_version, kind, struct in kinds()}
    seen = set()
    for file in sorted(SAMPLES.glob("*.pb")):
        api_version, kind, raw = protobuf.unwrap(file.read_bytes())
        struct = ours.get((api_version, kind))
        if struct is None or kind == "WatchEvent":  # whose object is bytes here, not JSON
            continue
        assert protobuf_encoding.enveloped(api_version, kind, raw) == file.read_bytes(), file.name
        assert protobuf_encoding.encode(protobuf.decode(struct, raw)) == known(struct, raw), file.name
        seen.add(kind)
    assert {
        "Pod",
        "Node",
        "Service",
        "Lease",
        "EndpointSlice",
        "PodDisruptionBudget",
        "Secret",
        "Event",
    } <= seen or not SAMPLES.exists()
