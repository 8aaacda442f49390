"""An event as one line: what happened, who did it, because of what, and why."""

from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from shipslog.store import facts
from shipslog.store.events import Event, Origin
from shipslog.store.objects.values.times import micro_time
from shipslog.store.wording import counted

from .differences import Difference
from .reader import Reader, state
from .subjects import Subject, commanded, grouped, subject_of
from .summary import ENDPOINTS, event_text, summary
from .wanted import Filter, Sort, sort_of


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event, told."""

    revision: int
    time: str  # 2026-11-23T10:32:00.000000Z
    actor: str
    cause: int | None = None
    sort: Sort
    fact: str  # its tag on the log
    effect: str = ""  # of an object: created, modified, deleting (marked for deletion), deleted
    resource: str = ""  # what it is about
    namespace: str = ""
    name: str = ""
    what: str
    reason: str = ""  # of the decision behind it, of the failure, or what was asked for
    changes: tuple[Difference, ...] = ()  # (field path, before, after); the missing side is None
    origin: Origin | None = None


async def line_of(reader: Reader, event: Event) -> Line:
    """An event that the reader may see, told."""
    subject, fact = await subject_of(event, reader.pods), event.fact
    effect, changes, reason = "", list[Difference](), ""
    if isinstance(fact, facts.ObjectFact):
        changes = await reader.changes(event)
        effect = effect_of(event, changes)
        text = await _changed(reader, event, fact, effect, changes)
        what = f"{effect} {_object(fact, subject)}" + (f": {text}" if text else "")
        reason = await reader.reason(event) or asked_for(event.origin)
    elif isinstance(fact, facts.DecisionTaken):
        commands = grouped([_with_names(command, subject, fact) for command in fact.commands])
        what, reason = f"decided on {subject if subject.name else fact.key}: {commands or 'nothing'}", fact.reason
    else:
        what, reason = _of_fact(fact, subject)
    return Line(
        revision=event.revision, time=micro_time(event.time_ns), actor=event.actor, cause=event.cause, sort=sort_of(event),
        fact=tag_of(fact), effect=effect, resource=subject.resource, namespace=subject.namespace,
        name=subject.name, what=what, reason=reason, changes=tuple(changes), origin=event.origin,
    )  # fmt: skip


async def lines(reader: Reader, wanted: Filter, after: int, until: int | None, *, follow: bool = False) -> AsyncIterator[Line]:
    """The events with after < revision <= until that are wanted, told; with `follow` those that come after them, for ever."""
    events = reader.follow(after) if follow else reader.read(after, until)
    async for event in events:
        if wanted.wants(event, await subject_of(event, reader.pods)):
            yield await line_of(reader, event)


def tag_of(fact: facts.Fact) -> str:
    """What a fact is called on the log."""
    return str(type(fact).__struct_config__.tag)


def effect_of(event: Event, changes: list[Difference]) -> str:
    """created, modified, deleting (it is marked, and goes when whoever has a say has had it), deleted."""
    match event.fact:
        case facts.ObjectCreated():
            return "created"
        case facts.ObjectDeleted():
            return "deleted"
    marked = any(path == "metadata.deletionTimestamp" and was is None for path, was, _ in changes)
    return "deleting" if marked else "modified"


async def _changed(reader: Reader, event: Event, fact: facts.ObjectFact, effect: str, changes: list[Difference]) -> str:
    if fact.resource == "events":
        return event_text(state(event))
    if fact.resource not in ENDPOINTS:
        return summary(fact.resource, {}, {}, changes) if effect == "modified" else ""
    previous = await reader.before(event)
    before, after = state(previous) if previous is not None else {}, state(event)
    return summary(fact.resource, before, {} if effect == "deleted" else after, changes if effect == "modified" else [])


def _object(fact: facts.ObjectFact, subject: Subject) -> str:
    door = fact.subresource if isinstance(fact, facts.ObjectModified) else ""
    return str(subject).replace(" ", f"/{door} ", 1) if door else str(subject)


def _with_names(command: str, subject: Subject, fact: facts.DecisionTaken) -> str:
    """A command without what was said before it: `Update status`, `Bind to n0`, `StopContainer web` for what was decided on."""
    verb, _, what = command.partition(" ")
    named = commanded(command)
    if named == subject and what:
        where = f"{subject.namespace}/{subject.name}" if subject.namespace else subject.name
        kind, _, rest = what.rpartition(where)
        return " ".join(filter(None, (verb, kind.strip().partition("/")[2], rest.strip())))
    if named is None and what:
        identity = what.split("/")[1:]  # of a runtime's command: container/UID/web, image/NODE/IMAGE
        parts = [part for part in identity if part not in (fact.key.rpartition("/")[2], subject.name)]
        return " ".join([verb, "/".join(parts[what.startswith("image/") and len(parts) > 1 :])]).strip()
    return command


def _of_fact(fact: Any, subject: Subject) -> tuple[str, str]:
    """(what, reason) of what a node reported, or of the engine itself."""
    if isinstance(fact, facts.ContainerFact):
        return _of_container(fact, str(subject))
    match fact:
        case facts.EngineStarted():
            return f"engine started, version {fact.version}", ""
        case facts.ClockStepped():
            return f"clock put back from {micro_time(fact.from_ns)}", ""
        case facts.Forgotten():
            return "let go: a heartbeat", ""
        case facts.MetricsObserved():
            return f"measured for {subject}: it should have {fact.recommended}, and has {fact.replicas}", ""
        case facts.NodeObserved():
            has = ", ".join(f"{name} {fact.capacity[name]}" for name in ("cpu", "memory") if name in fact.capacity)
            return f"node {fact.node} reported itself" + (f": {has}" if has else ""), ""
        case facts.SandboxStarted():
            return f"sandbox started for {subject} on {fact.node}" + (f", address {fact.ip}" if fact.ip else ""), ""
        case facts.SandboxFailed():
            return f"sandbox failed for {subject} on {fact.node}", _message(fact)
        case facts.SandboxExited():
            return f"sandbox exited of {subject} on {fact.node}", ""
        case facts.SandboxRemoved():
            return f"sandbox removed of {subject} on {fact.node}", ""
        case facts.ImagePulled():
            return f"image {fact.image} {'is present' if fact.present else 'pulled'} on {fact.node}", ""
        case facts.ImagePullFailed():
            return f"image {fact.image} not pulled on {fact.node}", _message(fact)
        case facts.RulesetApplied():
            return f"packet rules applied on {fact.node}: {counted(fact.services, 'Service', 'Services')}", ""
        case facts.RulesetFailed():
            return f"packet rules refused on {fact.node}", fact.message
        case facts.NetworkPoliciesApplied():
            return f"network policies applied on {fact.node}: {counted(len(fact.pods), 'pod is', 'pods are')} under some", ""
        case facts.NetworkPoliciesFailed():
            return f"network policies refused on {fact.node}", fact.message
        case facts.VolumeMade():
            return f"volume {fact.volume} made on {fact.node}", ""
        case facts.VolumeRemoved():
            return f"volume {fact.volume} removed from {fact.node}", ""
        case facts.VolumeScrubbed():
            return f"volume {fact.volume} emptied on {fact.node}", ""
        case facts.VolumeExpanded():
            return f"volume {fact.volume} larger on {fact.node}: {fact.size_bytes:,} bytes", ""
        case facts.VolumeExpansionFailed():
            return f"volume {fact.volume} not larger on {fact.node}", fact.message
        case facts.VolumeOperationFailed():
            return f"volume {fact.volume} not as it should be on {fact.node}", fact.message
    return tag_of(fact), ""


def _of_container(fact: facts.ContainerFact, pod: str) -> tuple[str, str]:
    which = f"container {fact.container}"
    of = f"of {pod}" + (f", attempt {fact.attempt}" if fact.attempt else "")
    match fact:
        case facts.ContainerStarted():
            return f"{which} started {of}", ""
        case facts.ContainerStartFailed():
            return f"{which} not started {of}", _message(fact)
        case facts.ContainerExited():
            how = f"by signal {fact.signal}" if fact.signal else f"with {fact.exit_code}"
            return f"{which} exited {how} {of}", _message(fact)
        case facts.ProbeFlipped():
            return f"{which} {'passes' if fact.healthy else 'fails'} its {fact.probe} probe {of}", fact.message
    return tag_of(fact), ""


def _message(fact: Any) -> str:
    return ": ".join(filter(None, (fact.reason, fact.message)))


def asked_for(origin: Origin | None) -> str:
    """`asked for: create eviction, by kubectl/v1.37.0 at 10.0.0.7, impersonated by system:admin`"""
    if origin is None or not origin.verb:  # what a rule did, with a note of who was asked about it
        return ""
    parts = [f"{origin.verb} {origin.subresource}".strip()]
    where = f" at {origin.address}" if origin.address else ""
    if origin.user_agent or where:
        parts.append(f"by {origin.user_agent or 'a client without a name'}{where}")
    if origin.impersonator:
        parts.append(f"impersonated by {origin.impersonator}")
    return "asked for: " + ", ".join(parts)
