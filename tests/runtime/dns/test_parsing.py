"""What strangers send is read within bounds."""

import struct
import time

import dnslib
import pytest

from shipslog.runtime.dns.parsing import HOPS, RECORDS, parsed

QUESTION = b"\1a\7example\0\0\1\0\1"


def answer(records: bytes, count: int) -> bytes:
    return struct.pack("!HHHHHH", 7, 0x8180, 1, count, 0, 0) + QUESTION + records


def record(name: bytes, kind: int = 1, data: bytes = b"\1\2\3\4") -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def leads_to(at: int) -> bytes:
    return struct.pack("!H", 0xC000 | at)


def test_it_reads_what_dnslib_reads() -> None:
    reply = dnslib.DNSRecord.question("www.example.org", "MX").reply()
    for line in ("MX 10 mail.example.org.", "SRV 1 2 53 ns.example.org.", 'TXT "x"', "CNAME example.org.", "AAAA fd00::1"):
        reply.add_answer(*dnslib.RR.fromZone(f"www.example.org. 60 IN {line}"))
    reply.add_auth(*dnslib.RR.fromZone("example.org. 60 IN SOA ns.example.org. me.example.org. 1 2 3 4 5"))
    reply.add_ar(dnslib.EDNS0(udp_len=1232))
    packet = bytes(reply.pack())
    assert parsed(packet).pack() == dnslib.DNSRecord.parse(packet).pack() == packet


@pytest.mark.parametrize("count", [RECORDS - 1, 3_900])
def test_names_that_lead_to_the_one_before_are_soon_read(count: int) -> None:
    """Longer and longer: dnslib alone takes minutes."""
    packet, before = bytearray(answer(b"", count)), 12
    for _ in range(count):
        name, before = b"\1x" + leads_to(before), len(packet) if len(packet) < 0x3F00 else before
        packet += record(name)
    begun = time.process_time()
    with pytest.raises(dnslib.DNSError):
        parsed(bytes(packet))
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "records",
    [
        record(leads_to(12 + len(QUESTION))),  # to itself
        record(leads_to(0x3FFF)),
        record(b"\x40" + b"a" * 64 + b"\0"),
        record((b"\x3f" + b"a" * 63) * 4 + b"\0"),
        record(b"\1"),
        record(b"\0", 5, b"".join(leads_to(12 + len(QUESTION) + 11 + max(0, i - 1) * 2) for i in range(HOPS * 2)))
        + record(leads_to(12 + len(QUESTION) + 11 + HOPS * 4 - 2)),
        record(b"\0", 1, b"")[:-3],
    ],
)
def test_nonsense_is_told_so(records: bytes) -> None:
    with pytest.raises(dnslib.DNSError):
        parsed(answer(records, 2 if len(records) > 100 and records[:1] == b"\0" else 1))
