"""What a question gets, apart from how it is packed.

Tests: tests/engine/dns/test_name_server.py, tests/engine/dns/test_zone.py
"""

from msgspec import Struct

A, NS, CNAME, SOA, PTR, TXT, AAAA, SRV, ANY = 1, 2, 5, 6, 12, 16, 28, 33, 255  # RFC 1035, 3596, 2782
ADDRESSES = {A: 4, AAAA: 6}  # type -> version of IP
TTL_S = 5


class Service(Struct, frozen=True):
    """The value of a SRV record."""

    target: str
    port: int
    weight: int = 100
    priority: int = 0


class Record(Struct, frozen=True):
    """`name` without its last dot, lower case. `value`: an address, a name, a text, or a Service."""

    name: str
    type: int
    value: str | Service
    ttl_s: int = TTL_S


class Answer(Struct, frozen=True):
    """What a zone says to a question: `addresses` are of the name that was asked for, in any order, packed for their number.

    Nothing of the type that was asked for is no answer, but the name `exists`. `chase`: the name that a CNAME in `records`
    leads to. `kept`: whether the answer holds until the zone changes."""

    addresses: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    exists: bool = True
    chase: str = ""
    kept: bool = True
    zone: str = ""  # whose authority it is


def question_type(number: int) -> str:
    """As people name it, for counting: what is rare is "other"."""
    return {A: "A", AAAA: "AAAA", SRV: "SRV", PTR: "PTR", TXT: "TXT", CNAME: "CNAME", SOA: "SOA", NS: "NS"}.get(number, "other")
