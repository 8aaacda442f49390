"""Answers questions of DNS from a view that moves on, and hands on what is not of the cluster.

An answer of the cluster is packed once and given to all who ask the same, until anything changes that names come from."""

from collections import Counter
from collections.abc import Callable, Iterator

import dnslib

from shipslog.engine.measures import Family, counter
from shipslog.runtime.dns import messages
from shipslog.runtime.dns.forwarder import Forwarder, Found, Unanswered
from shipslog.runtime.dns.messages import Malformed, Packed, Question
from shipslog.runtime.dns.records import ADDRESSES, ANY, Answer, Record
from shipslog.runtime.dns.server import Slow
from shipslog.store.events import Event
from shipslog.store.facts import ObjectFact
from shipslog.store.state import Entry
from shipslog.store.view import Objects

from . import zone

KEPT = 4_096  # packed answers
LONGEST_CHAIN = 8  # of one ExternalName that leads to the next


class NameServer:
    """Answers for `DnsServer`. `view` gives the state that answers are read from."""

    def __init__(self, view: Callable[[], Objects], forwarder: Forwarder) -> None:
        self._view, self._forwarder = view, forwarder
        self._packed: dict[tuple[bytes, bool], Packed] = {}
        self._turn = 0
        self.answered: Counter[str] = Counter()  # by rcode
        self.hits = 0

    def on_event(self, event: Event, entry: Entry | None, previous: Entry | None) -> None:
        """A listener of the log: names may mean something else now."""
        if self._packed and isinstance(event.fact, ObjectFact) and event.fact.resource in zone.READ:
            self._packed.clear()

    def at_once(self, data: bytes, *, tcp: bool) -> bytes | Slow:
        """See Answers."""
        key = (data[2:], tcp)
        packed = self._packed.get(key)
        if packed is not None:
            self.hits += 1
            self._turn += 1
            return data[:2] + packed.turned(self._turn)
        try:
            question = messages.asked(data)
        except ValueError:
            return b""
        except Malformed as error:
            self._count(error.rcode)
            return messages.refused(data, error.rcode)
        if question.type == ANY:
            return self._of_anything(question)
        found = zone.answer(self._view(), question.name, question.type)
        if found is None:
            return self._from_others(question, tcp)
        if found.chase:
            return self._chased(question, found, tcp)
        return self._given(key, question, found, tcp)

    def measured(self) -> Iterator[Family]:
        """For /metrics."""
        rows = [((rcode,), float(count)) for rcode, count in sorted(self.answered.items())]
        yield Family("shipslog_dns_answers", "Questions of DNS that were answered anew.", "counter", ("rcode",), rows)
        yield counter("shipslog_dns_answers_kept", "Questions that an answer of before did for.", self.hits)
        yield counter("shipslog_dns_forwarded", "Questions that other name servers were asked.", self._forwarder.asked)
        yield counter("shipslog_dns_forward_kept", "Questions that another's answer of before did for.", self._forwarder.hits)
        yield counter("shipslog_dns_forward_failures", "Questions that no other name server answered.", self._forwarder.failed)

    def _count(self, rcode: int) -> None:
        self.answered[str(dnslib.RCODE.get(rcode, rcode))] += 1

    def _given(self, key: tuple[bytes, bool], question: Question, found: Answer, tcp: bool) -> bytes:
        packed = messages.pack(question, found, zone.authority(found.zone), tcp=tcp)
        self._count(0 if found.exists else messages.NXDOMAIN)
        if found.kept:
            if len(self._packed) >= KEPT:
                self._packed.clear()
            self._packed[key] = packed
        return question.id + packed.turned(0)

    def _of_anything(self, question: Question) -> bytes:
        """RFC 8482: nobody who means well asks for all that there is."""
        self._count(messages.NOTIMP)
        return messages.refused(question.data, messages.NOTIMP)

    def _chased(self, question: Question, found: Answer, tcp: bool) -> bytes | Slow:
        """Where an ExternalName leads; within the cluster that is known at once."""
        chain, answer = list(found.records), found
        while answer.chase and len(chain) < LONGEST_CHAIN and question.type in ADDRESSES:
            then = zone.answer(self._view(), answer.chase, question.type)
            if then is None:
                return self._from_others(question, tcp, tuple(chain), answer.chase)
            chain += [Record(answer.chase, question.type, address) for address in then.addresses[:100]]
            chain += then.records
            answer = then
        whole = Answer(records=tuple(chain), zone=found.zone, kept=False)
        return self._given((b"", tcp), question, whole, tcp)

    def _from_others(self, question: Question, tcp: bool, before: tuple[Record, ...] = (), name: str = "") -> bytes | Slow:
        name = name or question.name
        kept = self._forwarder.kept(name, question.type, question.secure)
        if kept is not None:
            return self._handed_on(question, kept, tcp, before)
        return self._asked_others(question, tcp, before, name)

    async def _asked_others(self, question: Question, tcp: bool, before: tuple[Record, ...], name: str) -> bytes:
        try:
            found = await self._forwarder.ask(name, question.type, secure=question.secure)
        except Unanswered:
            if before:  # the CNAME is known, and where it leads may be asked for again
                return self._given((b"", tcp), question, Answer(records=before, zone=name, kept=False), tcp)
            self._count(messages.SERVFAIL)
            return messages.refused(question.data, messages.SERVFAIL)
        return self._handed_on(question, found, tcp, before)

    def _handed_on(self, question: Question, found: Found, tcp: bool, before: tuple[Record, ...]) -> bytes:
        self._count(found.rcode)
        return messages.handed_on(question, found, before, tcp=tcp)
