"""What must be asked outside before a command is proposed: webhooks, policies, quota of other servers.

It is asked by the request's own task; the writer never waits for anybody but the disk. What was seen is a precondition: when
the object has changed until the command is evaluated, the command is overtaken, and is asked about again.
"""

from typing import Protocol

from msgspec import Struct

from shipslog.store.commands import AnyObjectCommand, Bind, Create, Evict, Update
from shipslog.store.refusals import Conflict
from shipslog.store.view import View

TRIES = 5  # an object that changes faster than it can be asked about


class Consultant(Protocol):
    """Somebody outside who has a say. -> the command as it shall be proposed. Errors: Refusal, and nothing is proposed."""

    async def __call__(
        self, command: AnyObjectCommand, *, view: View, actor: str, groups: tuple[str, ...], dry_run: bool
    ) -> AnyObjectCommand: ...


class Seen(Struct, frozen=True):
    """The object that was asked about, and its revision then; 0 when it was not there."""

    resource: str
    namespace: str
    name: str
    revision: int

    def holds(self, view: View) -> bool:
        return revision_of(view, self.resource, self.namespace, self.name) == self.revision


class Overtaken(Conflict):
    """The object changed while somebody outside was asked about the command."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(
            f'{seen.resource} "{seen.name}" changed while the command was being admitted, {TRIES} times over; nothing was '
            "written. Read it again and send the change anew.",
            name=seen.name, kind=seen.resource,
        )  # fmt: skip


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
