"""What no type can hold: refused at the door with a 4xx, whichever way it comes, and nothing is left behind."""

import struct
from typing import Any

import pytest

from .conftest import CONFIG_MAPS, Api

PODS = "/api/v1/namespaces/default/pods"
PROTOBUF = "application/vnd.kubernetes.protobuf"
PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def body(kind: str, message: bytes) -> bytes:
    return b"k8s\0" + field(1, field(1, b"v1") + field(2, kind.encode())) + field(2, message)


def broken(value: bytes, media: str = "") -> bytes:
    if media == PATCHES[0]:
        return b'[{"op":"add","path":"/data","value":{%b}}]' % value
    return b'{"metadata":{"name":"a"},"data":{%b}}' % value


BAD_TEXT = {"string": b'"k":"\xff"', "key": b'"\xff":"v"', "half": b'"k":"\xc3"', "surrogate": b'"k":"\xed\xa0\x80"'}


@pytest.mark.parametrize("text", BAD_TEXT)
async def test_text_that_is_no_utf8(api: Api, text: str) -> None:
    admin = api.client(certificate=True)
    await admin.config_map("a", k="v")
    before = api.cluster.view.revision
    for method, path, media in (
        ("POST", CONFIG_MAPS, "application/json"),
        ("PUT", f"{CONFIG_MAPS}/a", "application/json"),
        ("POST", CONFIG_MAPS, "application/yaml"),
        ("DELETE", f"{CONFIG_MAPS}/a", "application/json"),
        *(("PATCH", f"{CONFIG_MAPS}/a", media) for media in PATCHES),
    ):
        code, said = await admin.call(method, path, broken(BAD_TEXT[text], media), headers={"Content-Type": media})
        assert 400 <= code < 500, (method, media, said)
    assert api.cluster.view.revision == before


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z"])
async def test_times_that_leave_the_range_with_their_zone(api: Api, time: str) -> None:
    admin = api.client(certificate=True)
    await admin.config_map("a", k="v")
    lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    bodies: list[tuple[str, str, Any, str]] = [
        ("POST", lease, {"metadata": {"name": "l"}, "spec": {"renewTime": time}}, "application/json"),
        ("POST", PODS, {"metadata": {"name": "p", "deletionTimestamp": time}}, "application/json"),
        ("PATCH", f"{CONFIG_MAPS}/a", {"metadata": {"managedFields": [{"manager": "m", "time": time}]}}, PATCHES[1]),
    ]
    for method, path, value, media in bodies:
        code, said = await admin.call(method, path, value, headers={"Content-Type": media})
        assert 400 <= code < 500, (path, code, said)


@pytest.mark.parametrize("seconds", [(1 << 63) - 1, -(1 << 63), 253_402_300_800, -62_135_596_801])
async def test_times_in_protobuf_that_no_calendar_has(api: Api, seconds: int) -> None:
    admin = api.client(certificate=True)
    for nanos in (0, (1 << 63) - 1, -1):
        meta = field(1, b"a") + field(8, field(1, seconds) + field(2, nanos))
        code, said = await admin.call(
            "POST", CONFIG_MAPS, body("ConfigMap", field(1, meta)), headers={"Content-Type": PROTOBUF}
        )
        assert code < 500, said
        await admin.call("DELETE", f"{CONFIG_MAPS}/a")


@pytest.mark.parametrize("number", [1 << 31, -(1 << 31) - 1, (1 << 63) - 1, 1 << 40])
async def test_numbers_in_protobuf_beyond_their_type(api: Api, number: int) -> None:
    admin = api.client(certificate=True)
    port = field(3, number)
    container = field(1, b"c") + field(2, b"i") + field(6, port)
    message = field(1, field(1, b"a")) + field(2, field(2, container))
    code, said = await admin.call("POST", PODS, body("Pod", message), headers={"Content-Type": PROTOBUF})
    assert code < 500, said
    short = struct.pack("<I", 7)
    code, said = await admin.call("POST", PODS, body("Pod", message)[:-1] + short, headers={"Content-Type": PROTOBUF})
    assert code < 500, said
