"""What an event is on the disk."""

from typing import get_args

import msgspec
import pytest

from shipslog.store.events import TAGS, Origin, UnknownFact, decode_fact, decode_origin, encode_fact
from shipslog.store.facts import AnyFact, ClockStepped, ObjectDeleted
from shipslog.store.upcasts import UPCASTS, Upcast

RAW = msgspec.Raw(b'{"metadata":{"name":"n"},"data":{"a":"b"}}')
FACT = ObjectDeleted(resource="pods", namespace="default", name="n", uid="u", object=RAW)
WHOLE = Origin(
    verb="create", subresource="eviction", user_agent="kubectl/v1", address="10.0.0.7", impersonator="bob",
    annotations={"hook.example.com/why": "it had to be"},
)  # fmt: skip

# Frozen: a log that has it is read for ever.
WRITTEN = (
    b'{"type":"ObjectDeleted","resource":"pods","namespace":"default","name":"n","uid":"u","object":{"metadata":{"name":"n"},'
    b'"data":{"a":"b"}},"origin":{"verb":"create","subresource":"eviction","user_agent":"kubectl/v1","address":"10.0.0.7",'
    b'"impersonator":"bob","annotations":{"hook.example.com/why":"it had to be"}}}'
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


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert decode_fact(b'{"type":"ClockStepped","from_ns":7,"why":"a battery"}') == ClockStepped(from_ns=7)


def test_a_fact_of_a_newer_version_is_named() -> None:
    with pytest.raises(UnknownFact, match="a fact 'ShipLaunched' is not known") as raised:
        decode_fact(b'{"type":"ShipLaunched","name":"Fram"}')
    assert raised.value.tag == "ShipLaunched"


@pytest.mark.parametrize("data", [b"", b"{", b"7", b"[]", b"{}", b'{"type":7}', b'{"type":"ClockStepped","from_ns":"x"}'])
def test_what_is_no_fact_is_called_so(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_fact(data)


def test_a_fact_of_an_older_format_is_brought_up(monkeypatch: pytest.MonkeyPatch) -> None:
    older = Upcast(until=1, to=lambda told: {"type": "ClockStepped", "from_ns": told["from_s"] * 1_000_000_000})
    monkeypatch.setitem(UPCASTS, "ClockMoved", older)
    assert decode_fact(b'{"type":"ClockMoved","from_s":7}') == ClockStepped(from_ns=7_000_000_000)
    assert not set(UPCASTS) & TAGS, "a tag has one meaning"
