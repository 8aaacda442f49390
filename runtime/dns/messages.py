"""Questions and answers as packets: dnslib reads and packs them; the addresses of one name are packed here, many at once.

An answer is packed once for all who ask the same; each gets it with his own id, its addresses turned by one place.

Tests: tests/engine/dns/test_name_server.py, tests/engine/dns/test_zone.py
"""

import socket
import struct
from typing import TYPE_CHECKING

import dnslib
from msgspec import Struct

from .parsing import LONGEST_NAME, parsed
from .records import AAAA, ADDRESSES, CNAME, NS, PTR, SOA, SRV, TTL_S, TXT, A, Answer, Record, Service

if TYPE_CHECKING:
    from .forwarder import Found

HEADER = 12
LARGEST = 65_535  # over TCP
PLAIN, EDNS = 512, 1_232  # over UDP: without and with EDNS (as name servers agreed on in 2020)
OPT = 41
FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 1, 2, 3, 4, 5, 16
_NAME_OF_QUESTION = b"\xc0\x0c"


class Malformed(Exception):
    """A packet that is no question; `rcode` is what the asker is to be told."""

    def __init__(self, rcode: int) -> None:
        super().__init__(rcode)
        self.rcode = rcode


class Question(Struct, frozen=True):
    """`name` in lower case, without its last dot; `data` is what came, `packet` as it was read, `udp_size` what may go back by
    UDP. `secure`: whether signatures are wanted too (the DO bit)."""

    name: str
    type: int
    data: bytes
    packet: dnslib.DNSRecord
    edns: bool
    udp_size: int
    secure: bool

    @property
    def id(self) -> bytes:
        return self.data[:2]


class Packed(Struct, frozen=True):
    """A packed answer without its id: `head`, then `addresses` of `width` bytes each, then `tail`."""

    head: bytes
    addresses: bytes = b""
    width: int = 1
    tail: bytes = b""

    def turned(self, by: int) -> bytes:
        """The packet with another address first each time."""
        if len(self.addresses) <= self.width:
            return self.head + self.addresses + self.tail
        at = by * self.width % len(self.addresses)
        return self.head + self.addresses[at:] + self.addresses[:at] + self.tail


def asked(data: bytes) -> Question:
    """Read a question. Errors: Malformed; ValueError for what must not be answered at all (an answer, or no header)."""
    if len(data) < HEADER or data[2] & 0x80:
        raise ValueError("no question")
    flags, questions, answers, authorities, additional = struct.unpack_from("!HHHHH", data, 2)
    if flags >> 11 & 0xF:
        raise Malformed(NOTIMP)
    if questions != 1 or answers or authorities or additional > 2 or _end_of_question(data) == HEADER:
        raise Malformed(FORMERR)
    try:
        packet = parsed(data)
        name = str(packet.q.qname).rstrip(".").lower()
    except Exception as error:  # whatever a library makes of what strangers send
        raise Malformed(FORMERR) from error
    if packet.q.qclass != 1 or packet.q.qtype in (251, 252):
        raise Malformed(REFUSED)
    opt = next((r for r in packet.ar if r.rtype == OPT), None)
    if opt is not None and opt.edns_ver:
        raise Malformed(BADVERS)
    size = PLAIN if opt is None else min(max(opt.edns_len, PLAIN), EDNS)
    return Question(
        name=name, type=packet.q.qtype, data=data, packet=packet, edns=opt is not None, udp_size=size,
        secure=opt is not None and bool(opt.edns_do),
    )  # fmt: skip


def refused(data: bytes, rcode: int) -> bytes:
    """An answer that only says why there is none; `data` has a header at least."""
    flags = 0x8000 | (data[2] & 0x79) << 8 | rcode & 0xF
    whole = _end_of_question(data)
    question = data[HEADER:whole]
    opt = struct.pack("!BHHIH", 0, OPT, EDNS, rcode >> 4 << 24, 0) if rcode > 0xF else b""
    counts = struct.pack("!HHHHH", flags, 1 if question else 0, 0, 0, 1 if opt else 0)
    return data[:2] + counts + question + opt


def _end_of_question(data: bytes) -> int:
    """Where the one question ends; HEADER if it cannot be read: its name is too long, or leads elsewhere (compression, which
    has nothing to lead to yet)."""
    at, last = HEADER, min(len(data) - 5, HEADER + LONGEST_NAME - 1)
    while at <= last and 0 < data[at] < 64:
        at += data[at] + 1
    return at + 5 if at <= last and data[at] == 0 else HEADER


def pack(question: Question, answer: Answer, soa: Record, *, tcp: bool) -> Packed:
    """An answer with authority, as much of it as may go back; what had to be left out is said by the TC bit."""
    most = LARGEST if tcp else question.udp_size
    reply = _reply(question, authoritative=True)
    for record in answer.records:
        reply.add_answer(_packed(record))
    if not answer.exists:
        reply.header.rcode = NXDOMAIN
    if not answer.addresses and not answer.records:
        reply.add_auth(_packed(soa))
    width = 12 + (4 if question.type == A else 16)
    body = reply.pack()
    room = (most - len(body)) // width
    if room < 0:
        return Packed(_cut(reply, most)[2:])
    tail_at = len(body) - (11 if question.edns else 0)  # the OPT record stands last
    addresses = answer.addresses[:room]
    count = len(addresses) + len(answer.records)
    flags = reply.header.bitmap | (0x0200 if len(addresses) < len(answer.addresses) else 0)
    more = _additional(answer.additional, most - len(body) - width * len(addresses))
    counts = struct.pack("!HHHHH", flags, 1, count, len(reply.auth), len(reply.ar) + len(more))
    packed = b"".join(_address(question.type, address) for address in addresses)
    if answer.addresses:
        return Packed(counts + body[HEADER:tail_at], packed, width, body[tail_at:])
    return Packed(counts + body[HEADER:tail_at] + b"".join(more) + body[tail_at:])


def handed_on(question: Question, found: "Found", before: tuple[Record, ...], *, tcp: bool) -> bytes:
    """What another server said, to who asked; `before`: the records that led there."""
    reply = _reply(question, authoritative=False)
    reply.rr = [*map(_packed, before), *found.answers]
    reply.auth = list(found.authority)
    reply.ar = [*found.additional, *reply.ar]
    reply.header.rcode = found.rcode
    most = LARGEST if tcp else question.udp_size
    packet = bytes(reply.pack())
    return packet if len(packet) <= most else _cut(reply, most)


def _reply(question: Question, *, authoritative: bool) -> dnslib.DNSRecord:
    reply = question.packet.reply(aa=int(authoritative), ra=1)
    reply.header.rd = question.packet.header.rd
    if question.edns:
        reply.add_ar(dnslib.EDNS0(udp_len=EDNS))
    return reply


def _cut(reply: dnslib.DNSRecord, most: int) -> bytes:
    """Without the records at the end that do not fit: the asker comes again by TCP."""
    reply.header.tc = 1
    reply.auth, reply.ar = [], [r for r in reply.ar if r.rtype == OPT]
    while len(packet := reply.pack()) > most and reply.rr:
        reply.rr = reply.rr[: len(reply.rr) // 2]
    return bytes(packet)


def _address(kind: int, address: str) -> bytes:
    packed = socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, address)
    return _NAME_OF_QUESTION + struct.pack("!HHIH", kind, 1, TTL_S, len(packed)) + packed


def _additional(records: tuple[Record, ...], room: int) -> list[bytes]:
    """As many as fit; that some are left out need not be said."""
    found: list[bytes] = []
    for record in records:
        data = socket.inet_pton(socket.AF_INET if ADDRESSES[record.type] == 4 else socket.AF_INET6, str(record.value))
        packed = _name(record.name) + struct.pack("!HHIH", record.type, 1, record.ttl_s, len(data)) + data
        if len(packed) > room:
            break
        room -= len(packed)
        found.append(packed)
    return found


def _name(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"


def _packed(record: Record) -> dnslib.RR:
    value = record.value
    if isinstance(value, Service):
        return dnslib.RR(
            record.name, SRV, rdata=dnslib.SRV(value.priority, value.weight, value.port, value.target), ttl=record.ttl_s
        )
    made = {
        NS: dnslib.NS,
        CNAME: dnslib.CNAME,
        PTR: dnslib.PTR,
        TXT: dnslib.TXT,
        A: dnslib.A,
        AAAA: dnslib.AAAA,
    }
    if record.type == SOA:
        primary, mailbox, *times = value.split()
        return dnslib.RR(record.name, SOA, rdata=dnslib.SOA(primary, mailbox, tuple(map(int, times))), ttl=record.ttl_s)
    return dnslib.RR(record.name, record.type, rdata=made[record.type](value), ttl=record.ttl_s)
