"""An event: one fact at one place in the one order. The unit of the log."""

from typing import get_args

import msgspec

from .facts import AnyFact
from .upcasts import UPCASTS


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The request that an event answers: which door it came through, and who stood there besides the actor."""

    verb: str = ""  # as authorization names it: create, update, patch, delete, deletecollection
    subresource: str = ""  # "eviction": then a pod that is deleted was evicted
    user_agent: str = ""  # what the client calls itself
    address: str = ""  # of the client, as the server saw it
    impersonator: str = ""  # who asked in the actor's name
    annotations: dict[str, str] = {}  # what those say of it who were asked outside, as an audit log would have it


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact with its place (`revision`, gap-free from 1), its time (ns UTC), who did it, and what that was a reaction to."""

    revision: int
    time_ns: int
    actor: str  # alice, system:node:n1, system:controller:endpoints
    cause: int | None = None  # the revision that the actor reacted to; None for a person's own wish
    origin: Origin | None = None  # for whom `cause` is None: the request; None for what the engine does
    fact: AnyFact


class _Told(msgspec.Struct):
    """A fact as it is written, of which only the origin is looked at."""

    origin: Origin | None = None


TAGS = frozenset(fact.__struct_config__.tag for fact in get_args(AnyFact))

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyFact)
_origins = msgspec.json.Decoder(_Told)


def encode_fact(fact: AnyFact, origin: Origin | None = None) -> bytes:
    """The fact as tagged JSON. An origin is its last member: no fact has a field of that name, and what was written without
    one reads as it did."""
    data = _encoder.encode(fact)
    if origin is None:
        return data
    return b'%s,"origin":%s}' % (data[:-1], _encoder.encode(origin))


class UnknownFact(Exception):
    """A fact whose tag this version does not know: a newer one wrote it."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        super().__init__(f"a fact {tag!r} is not known to this version")


def decode_fact(data: bytes) -> AnyFact:
    """The fact that `encode_fact` of this or an older format wrote; fields that its type does not have are passed over.

    Errors: UnknownFact for one of a newer format, msgspec.DecodeError for anything else."""
    try:
        fact: AnyFact = _decoder.decode(data)
    except msgspec.ValidationError as error:
        return _decode_other(data, error)
    return fact


def _decode_other(data: bytes, error: msgspec.ValidationError) -> AnyFact:
    """No fact of today's: an older one is brought up, a newer one is named."""
    fields = msgspec.json.decode(data)
    tag = fields.get("type") if isinstance(fields, dict) else None
    if tag in UPCASTS:
        fact: AnyFact = _decoder.decode(msgspec.json.encode(UPCASTS[tag].to(fields)))
        return fact
    if isinstance(tag, str) and tag not in TAGS:
        raise UnknownFact(tag)
    raise error


def decode_origin(data: bytes) -> Origin | None:
    """The origin that `encode_fact` wrote; None without one. Errors: msgspec.DecodeError."""
    if b',"origin":{' not in data:
        return None
    return _origins.decode(data).origin
