"""What an event is on the disk."""

from typing import get_args

import msgspec
import pytest

from shipslog.store.events import Origin, decode_fact, decode_origin, encode_fact
from shipslog.store.facts import AnyFact, ObjectDeleted

RAW = msgspec.Raw(b'{"metadata":{"name":"n"},"data":{"a":"b"}}')
FACT = ObjectDeleted(resource="pods", namespace="default", name="n", uid="u", object=RAW)
WHOLE = Origin(verb="create", subresource="eviction", user_agent="kubectl/v1", address="10.0.0.7", impersonator="bob")

# Frozen: a log that has it is read for ever.
WRITTEN = (
    b'{"type":"ObjectDeleted","resource":"pods","namespace":"default","name":"n","uid":"u","object":{"metadata":{"name":"n"},'
    b'"data":{"a":"b"}},"origin":{"verb":"create","subresource":"eviction","user_agent":"kubectl/v1","address":"10.0.0.7",'
    b'"impersonator":"bob"}}'
)


def test_an_origin_is_written_behind_its_fact() -> None:
    assert encode_fact(FACT, WHOLE) == WRITTEN
    assert (decode_fact(WRITTEN), decode_origin(WRITTEN)) == (FACT, WHOLE)
    assert set(Origin.__struct_fields__) == set(msgspec.json.decode(WRITTEN)["origin"])


def test_without_one_a_fact_is_written_as_ever() -> None:
    assert encode_fact(FACT, None) == encode_fact(FACT) == msgspec.json.encode(FACT)
    assert decode_origin(encode_fact(FACT)) is None
    assert not [t for t in get_args(AnyFact) if "origin" in t.__struct_fields__]


@pytest.mark.parametrize("body", [b'{"a":1,"origin":{"verb":"forged"}}', b'{"a":{"b":1,"origin":{"verb":"forged"}}}'])
def test_an_object_cannot_give_itself_an_origin(body: bytes) -> None:
    fact = msgspec.structs.replace(FACT, object=msgspec.Raw(body))
    assert decode_origin(encode_fact(fact)) is None
    assert decode_origin(encode_fact(fact, WHOLE)) == WHOLE
