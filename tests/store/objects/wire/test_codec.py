"""What clients send, as Kubernetes reads it: nulls, unknown and repeated fields, wrong types, scalars in their one form."""

import pytest

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest

CANNOT = 'Pod in version "v1" cannot be handled as a Pod: '


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"spec":{"foo":1}}', 'strict decoding error: unknown field "spec.foo"'),
        (
            b'{"spec":{"containers":[{"bar":2,"name":"x"}]},"more":3}',
            'strict decoding error: unknown field "spec.containers[0].bar", unknown field "more"',
        ),
        (b'{"spec":{"hostname":"a","hostname":"b"}}', 'strict decoding error: duplicate field "spec.hostname"'),
        (
            b'{"spec":{"containers":"x"}}',
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            b'{"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}}',
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type "
            "int32",
        ),
        (
            b'{"spec":{"activeDeadlineSeconds":99999999999999999999}}',
            "json: cannot unmarshal number 99999999999999999999 into Go struct field PodSpec.spec.activeDeadlineSeconds of "
            "type int64",
        ),
        (
            b'{"metadata":{"labels":{"a":1}}}',
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (b'{"spec":{"containers":[{"resources":{"limits":{"cpu":"1x"}}}]}}', "quantities must match the regular expression"),
        (b'{"metadata":{"creationTimestamp":"yesterday"}}', 'parsing time "yesterday"'),
    ],
)
def test_refuses_in_the_words_of_kubernetes(body: bytes, why: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        codec.decode(core_v1.Pod, body)
    assert refusal.value.message.startswith(CANNOT + why)


@pytest.mark.parametrize("body", [b"{", b'"x"', b"[]", b"\xff", b"[" * 100_000])
def test_refuses_what_is_no_object(body: bytes) -> None:
    with pytest.raises(BadRequest, match=r"must be of type Pod"):
        codec.decode(core_v1.Pod, body)


def test_unknown_fields_are_errors_warnings_or_nothing() -> None:
    body = b'{"metadata":{"name":"x"},"spec":{"foo":1}}'
    pod, warnings = codec.decode(core_v1.Pod, body, validation="Warn")
    assert (pod.metadata.name, warnings) == ("x", ('unknown field "spec.foo"',))
    assert codec.decode(core_v1.Pod, body, validation="Ignore")[1] == ()


def test_null_is_absence() -> None:
    body = b'{"metadata":{"name":"x","creationTimestamp":null,"labels":null},"spec":{"containers":null},"status":null}'
    assert codec.decode(core_v1.Pod, body)[0] == core_v1.Pod(metadata=core_v1.meta_v1.ObjectMeta(name="x"))


def test_the_text_of_a_null_timestamp_within_a_string_stays() -> None:
    text = 'he said "creationTimestamp":null, and left'
    body = codec.encode(core_v1.ConfigMap(data={"a": text}))
    assert codec.decode(core_v1.ConfigMap, body)[0].data["a"] == text


def test_scalars_come_into_their_one_form() -> None:
    body = (
        b'{"metadata":{"creationTimestamp":"2026-01-01T01:00:00+01:00"},'
        b'"spec":{"containers":[{"resources":{"limits":{"cpu":"1000m","memory":"1024Mi"}}}]}}'
    )
    pod, _ = codec.decode(core_v1.Pod, body)
    assert pod.metadata.creation_timestamp == "2026-01-01T00:00:00Z"
    assert pod.spec.containers[0].resources.limits == {"cpu": "1", "memory": "1Gi"}


def test_secrets_hold_base64() -> None:
    assert codec.decode(core_v1.Secret, b'{"data":{"a":"aGk="}}')[0].data == {"a": "aGk="}
    with pytest.raises(BadRequest, match="illegal base64 data at input byte 2"):
        codec.decode(core_v1.Secret, b'{"data":{"a":"ab*d"}}')


@pytest.mark.parametrize("kind", BUILTIN.kinds(), ids=lambda k: k.resource)
def test_every_kind_survives_its_encoding(kind: Kind) -> None:
    empty = kind.type()
    assert codec.restore(kind.type, codec.encode(empty)) == empty
    assert codec.from_builtins(kind.type, codec.to_builtins(empty)) == (empty, ())
    assert (empty.kind, empty.api_version) == (kind.kind, kind.api_version)
