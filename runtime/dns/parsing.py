"""Packets of strangers, read by dnslib within bounds: what they say is theirs, how long it takes to read is not.

dnslib reads a name of any length, and each again that leads to another: 64 KiB of names that lead to the one before took it
four minutes, in which nothing else of this process went on.

Tests: tests/runtime/dns/test_parsing.py
"""

import dnslib
from dnslib.buffer import BufferError as BufferFault
from dnslib.label import DNSBuffer, DNSLabel

LONGEST_NAME = 255  # bytes on the wire, with the length of each label and the last one's end
LONGEST_LABEL = 63
HOPS = 32  # from one place where a name goes on to the next
RECORDS = 128  # with the question


def parsed(packet: bytes) -> dnslib.DNSRecord:
    """The packet. Errors: dnslib.DNSError, also for more records than RECORDS, and names that are too long or lead on and on;
    whatever else dnslib makes of nonsense."""
    buffer = _Buffer(packet)
    try:
        header = dnslib.DNSHeader.parse(buffer)
        if header.q + header.a + header.auth + header.ar > RECORDS:
            raise dnslib.DNSError("more records than anybody needs")
        questions = [dnslib.DNSQuestion.parse(buffer) for _ in range(header.q)]
        answers, authority, additional = (
            [dnslib.RR.parse(buffer) for _ in range(count)] for count in (header.a, header.auth, header.ar)
        )
    except BufferFault as error:
        raise dnslib.DNSError(f"it ends too early: {error}") from error
    return dnslib.DNSRecord(header, questions, answers, auth=authority, ar=additional)


class _Buffer(DNSBuffer):  # type: ignore[misc]
    offset: int

    def decode_name(self, last: int = -1) -> DNSLabel:
        """The name at the offset, which then stands behind it. Errors: dnslib's BufferError."""
        labels: list[bytes] = []
        at = first = self.offset
        end, size, hops = -1, 1, 0
        while (length := self._byte(at)) != 0:
            if length > LONGEST_LABEL:
                to, hops = (length & 0x3F) << 8 | self._byte(at + 1), hops + 1
                if length < 0xC0 or to >= first or hops > HOPS:
                    raise BufferFault(f"no label at {at}")
                end = at + 2 if end < 0 else end
                at = first = to
                continue
            label = bytes(self.data[at + 1 : at + 1 + length])
            size += length + 1
            if len(label) < length or size > LONGEST_NAME:
                raise BufferFault(f"the name at {self.offset} is too long")
            try:
                label.decode()
            except UnicodeDecodeError as error:
                raise BufferFault(f"no text at {at}") from error
            labels.append(label)
            at += length + 1
        self.offset = at + 1 if end < 0 else end
        return DNSLabel(labels)

    def _byte(self, at: int) -> int:
        if at >= len(self.data):
            raise BufferFault(f"nothing at {at}")
        return int(self.data[at])
