"""An event: one fact at one place in the one order. The unit of the log."""

import msgspec

from .facts import AnyFact


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact with its place (`revision`, gap-free from 1), its time (ns UTC), who did it, and what that was a reaction to."""

    revision: int
    time_ns: int
    actor: str  # alice, system:node:n1, system:controller:endpoints
    cause: int | None = None  # the revision that the actor reacted to; None for a person's own wish
    fact: AnyFact


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyFact)


def encode_fact(fact: AnyFact) -> bytes:
    """The fact as tagged JSON."""
    return _encoder.encode(fact)


def decode_fact(data: bytes) -> AnyFact:
    """The fact that `encode_fact` wrote. Errors: msgspec.DecodeError for anything else."""
    fact: AnyFact = _decoder.decode(data)
    return fact
