"""Protobuf bodies, written here by a small encoder of its own along the published field numbers."""

import base64

import pytest

from shipslog.store.objects.types import core_v1
from shipslog.store.objects.wire import protobuf
from shipslog.store.refusals import BadRequest


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def part(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def test_unwraps_the_envelope() -> None:
    body = b"k8s\x00" + part(1, part(1, "v1") + part(2, "ConfigMap")) + part(2, b"raw")
    assert protobuf.unwrap(body) == ("v1", "ConfigMap", b"raw")


@pytest.mark.parametrize("body", [b"", b"{}", b"k8s\x00\x0a\xff", b"k8s\x00\x0f", b"k8s\x00" + b"\xff" * 30])
def test_refuses_what_is_no_envelope(body: bytes) -> None:
    with pytest.raises(BadRequest):
        protobuf.unwrap(body)


def test_a_config_map() -> None:
    metadata = part(1, "cm") + part(3, "ns") + part(11, part(1, "app") + part(2, "web")) + part(8, part(1, 1_800_000_000))
    body = part(1, metadata) + part(2, part(1, "key") + part(2, "value")) + part(3, part(1, "bin") + part(2, b"\x00\xff"))
    got = protobuf.decode(core_v1.ConfigMap, body + part(4, 1) + part(99, "from the future"))
    assert (got.metadata.name, got.metadata.namespace, got.metadata.labels) == ("cm", "ns", {"app": "web"})
    assert got.metadata.creation_timestamp == "2027-01-15T08:00:00Z"
    assert got.data == {"key": "value"}
    assert got.binary_data == {"bin": base64.b64encode(b"\x00\xff").decode()}
    assert got.immutable is True


def test_a_pod_with_what_json_inlines() -> None:
    probe = part(1, part(2, part(1, "/healthz") + part(2, part(1, 0) + part(2, 8080)))) + part(2, 3)
    limits = part(1, part(1, "cpu") + part(2, part(1, "1000m")))
    env = part(1, "E") + part(3, part(3, part(1, part(1, "cm")) + part(2, "k")))
    container = part(1, "c") + part(2, "image") + part(8, limits) + part(10, probe) + part(7, env) + part(4, "x") + part(4, "y")
    volume = part(1, "v") + part(2, part(19, part(1, part(1, "settings"))))
    port = part(1, "http") + part(3, 80)
    spec = part(2, container + part(6, port)) + part(1, volume) + part(4, 7) + part(11, 1)
    pod = protobuf.decode(core_v1.Pod, part(1, part(1, "p")) + part(2, spec))
    c = pod.spec.containers[0]
    assert (c.name, c.image, c.args, c.resources.limits) == ("c", "image", ("x", "y"), {"cpu": "1"})
    assert c.liveness_probe is not None and c.liveness_probe.http_get is not None
    assert (c.liveness_probe.http_get.path, c.liveness_probe.http_get.port) == ("/healthz", 8080)
    assert c.env[0].value_from is not None and c.env[0].value_from.config_map_key_ref is not None
    assert c.env[0].value_from.config_map_key_ref.name == "cm"
    assert pod.spec.volumes[0].config_map is not None and pod.spec.volumes[0].config_map.name == "settings"
    assert (pod.spec.termination_grace_period_seconds, pod.spec.host_network) == (7, True)
    assert c.ports[0].container_port == 80


def test_negative_numbers_and_intstr() -> None:
    toleration = protobuf.decode(core_v1.Toleration, part(5, -1))
    assert toleration.toleration_seconds == -1
    port = protobuf.decode(core_v1.ServicePort, part(3, 80) + part(4, part(1, 1) + part(3, "http")))
    assert (port.port, port.target_port) == (80, "http")


@pytest.mark.parametrize(
    "body", [b"\x0a\x05ab", b"\x0a", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", part(1, b"\xff\xfe")]
)
def test_refuses_what_is_cut_off(body: bytes) -> None:
    with pytest.raises(BadRequest):
        protobuf.decode(core_v1.Pod, body)
