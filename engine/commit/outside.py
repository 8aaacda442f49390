"""What must be asked outside before a command is proposed: webhooks, policies, whoever converts between versions.

It is asked by the request's own task, or beside the rule that decided; the writer never waits for anybody but the disk. First
some may change what is asked for, then it is worked out what that comes to, then others may refuse that. What they saw is a
precondition: when the command does not come to the same at its turn, it is overtaken, and they are asked again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine.admission import Admission
from shipslog.engine.admission.matching import Asked
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.clock import Entropy
from shipslog.engine.time.long_work import SHORT_BYTES, LongWork
from shipslog.store.commands import AnyObjectCommand, Bind, Create, Evict, Update
from shipslog.store.events import Origin
from shipslog.store.objects.scheme import Kind, Unconverted
from shipslog.store.refusals import Conflict
from shipslog.store.view import View

from .converted_versions import ConvertedVersions
from .preparation import Prepared, prepare, wanted_aside
from .reinvocation import ROUNDS, Rounds
from .transitions import Evaluation, Transition, Wanted

CONVERSIONS = 8  # of one command: there are three at most, of the object as it is, as it is shown, and as it shall be
TRIES = 5  # an object that changes faster than it can be asked about
NOTED = 16 * 1024  # characters of what is noted of one command, on the log
SEED_BITS = 128  # of the random choices of one command, made once and made again at its turn


class RequestInfo(Struct, frozen=True):
    """What a request says of itself beside its command: for who is asked about it."""

    uid: str = ""  # of the user
    extra: Mapping[str, tuple[str, ...]] = {}
    api_version: str = ""  # in which the object came; "" for the stored version
    options: Mapping[str, Any] | None = None  # CreateOptions, UpdateOptions, DeleteOptions, as JSON


class Asking(Struct, kw_only=True):
    """A command that is being asked about. Whoever is asked may add to `warnings` and `annotations`."""

    view: MemoryView  # as committed
    actor: str
    groups: tuple[str, ...] = ()
    dry_run: bool = False
    request_info: RequestInfo = RequestInfo()
    context: Admission
    annotations: dict[str, str] = {}
    rounds: Rounds = msgspec.field(default_factory=Rounds)

    def warn(self, message: str) -> None:
        self.context.warnings.append(message)


Convert = Callable[[MemoryView, Unconverted], Awaitable[Any]]


class Consultant(Protocol):
    """Somebody outside who has a say."""

    def concerns(self, command: AnyObjectCommand, view: MemoryView, actor: str) -> bool:
        """Whether it may have one in this command. Asked of every command that anybody submits, so it costs nothing."""

    async def change(self, wanted: Wanted, asking: Asking) -> Wanted:
        """What is asked for, perhaps changed (`mutated`). Errors: Refusal, and nothing is proposed."""

    async def check(self, wanted: Wanted, change: Evaluation, asking: Asking) -> None:
        """Look at what it comes to. Errors: Refusal, and nothing is proposed."""

    async def mutate(self, asked: Asked, kind: Kind, asking: Asking) -> Any:
        """What is sent with a request that is no command (a connection, a token), perhaps changed. Errors: Refusal."""

    async def validate(self, asked: Asked, kind: Kind, asking: Asking) -> None:
        """Look at it then. Errors: Refusal."""


class Seen(Struct, frozen=True):
    """The object that was asked about, and its revision then; 0 when it was not there."""

    resource: str
    namespace: str
    name: str
    revision: int

    def holds(self, view: View) -> bool:
        return revision_of(view, self.resource, self.namespace, self.name) == self.revision


class Advised(Struct, frozen=True, kw_only=True):
    """A command that all have been asked about, with what they have seen of it."""

    wanted: Wanted
    change: Evaluation
    seen: Seen
    seed: int
    now_ns: int
    warnings: tuple[str, ...]
    annotations: Mapping[str, str]
    prepared: Prepared | None = None  # of a long command

    def holds(self, head: MemoryView, ctx: Admission) -> Evaluation | None:
        """What it comes to, if that is what they have seen; None where it is something else by now."""
        if not self.seen.holds(head):
            return None
        if self.prepared is not None:
            return self.change if self.prepared.holds(head) else None
        again = replace(ctx, now_ns=self.now_ns, entropy=Entropy(self.seed), warnings=[])
        change = Transition(head, again.entropy).finished(self.wanted, again)
        return change if (change.effect, change.object) == (self.change.effect, self.change.object) else None

    def recorded(self, origin: Origin | None) -> Origin | None:
        """Where it came from, with what was noted of it by who was asked."""
        kept, left = {}, NOTED
        for key, text in self.annotations.items():
            left -= len(key) + len(text)
            if left < 0:
                break
            kept[key] = text
        return replace(origin if origin is not None else Origin(), annotations=kept) if kept else origin


class Overtaken(Conflict):
    """The object changed while somebody outside was asked about the command."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(
            f'{seen.resource} "{seen.name}" changed while the command was being admitted, {TRIES} times over; nothing was '
            "written. Read it again and send the change anew.",
            name=seen.name, kind=seen.resource,
        )  # fmt: skip
        self.about = seen.resource, seen.namespace, seen.name


async def advised(
    command: AnyObjectCommand,
    consultants: Sequence[Consultant],
    asking: Asking,
    work: LongWork,
    *,
    seed: int,
    size_bytes: int,
    convert: Convert | None = None,
) -> Advised:
    """Ask all about a command. `convert`: has an object made that only another server can make.
    Errors: Refusal, theirs or what it comes to; Overtaken."""
    view, ctx = asking.view, asking.context
    seen = seen_by(view, command)
    long = size_bytes > SHORT_BYTES
    wanted = await _wanted(command, asking, work, size_bytes, convert)
    for asking.rounds.number in ROUNDS:
        for consultant in consultants:
            wanted = await consultant.change(wanted, asking)
        if asking.rounds.are_over:
            break
    if not seen.holds(view):
        raise Overtaken(seen)
    prepared, entropy = None, Entropy(seed)
    if long:
        prepared = await prepare(
            wanted, view, work, now_ns=ctx.now_ns, entropy=entropy, actor=asking.actor, groups=asking.groups,
            dry_run=asking.dry_run, size_bytes=size_bytes,
        )  # fmt: skip
        change = prepared.change
        ctx.warnings.extend(prepared.warnings)
    else:
        change = Transition(view, entropy).finished(wanted, replace(ctx, entropy=entropy))
    for consultant in consultants:
        await consultant.check(wanted, change, asking)
    return Advised(
        wanted=wanted, change=change, seen=seen, seed=seed, now_ns=ctx.now_ns, warnings=tuple(ctx.warnings),
        annotations=asking.annotations, prepared=prepared,
    )  # fmt: skip


async def admitted(asked: Asked, kind: Kind, consultants: Sequence[Consultant], asking: Asking) -> Any:
    """Ask all about what is no command. -> the object as they will have it. Errors: Refusal."""
    for asking.rounds.number in ROUNDS:
        for consultant in consultants:
            asked = replace(asked, object=await consultant.mutate(asked, kind, asking))
        if asking.rounds.are_over:
            break
    for consultant in consultants:
        await consultant.validate(asked, kind, asking)
    return asked.object


async def _wanted(
    command: AnyObjectCommand, asking: Asking, work: LongWork, size_bytes: int, convert: Convert | None
) -> Wanted:
    """What a command asks for; what is needed of other versions for that is had made, one after the other."""
    view, ctx, converted = asking.view, asking.context, ConvertedVersions()
    for _ in range(CONVERSIONS):
        again = replace(ctx, warnings=[])
        try:
            if size_bytes > SHORT_BYTES:
                wanted = await wanted_aside(command, view, work, again, size_bytes, converted)
            else:
                wanted = Transition(view, ctx.entropy, converted).wanted(command, again)
        except Unconverted as missing:
            if convert is None:
                raise
            converted.add(missing, await convert(view, missing))
            continue
        ctx.warnings.extend(again.warnings)
        return wanted
    raise Overtaken(seen_by(view, command))


def seen_by(view: View, command: AnyObjectCommand) -> Seen:
    """What there is to see of the object of a command."""
    match command:
        case Create() | Update():
            meta, resource = command.object.metadata, view.scheme.of(command.object).resource
            name, namespace = meta.name, meta.namespace
        case Bind() | Evict():
            resource, name, namespace = "pods", command.name, command.namespace
        case _:
            resource, name, namespace = command.resource, command.name, command.namespace
    return Seen(resource, namespace, name, revision_of(view, resource, namespace, name))


def revision_of(view: View, resource: str, namespace: str, name: str) -> int:
    entry = view.entry(resource, name, namespace) if name else None
    return entry.revision if entry is not None else 0
