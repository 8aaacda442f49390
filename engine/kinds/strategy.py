"""What the engine asks of every kind, and the answers of a kind that has none of its own.

A kind's module (`kinds/GROUP/KIND.py`) makes one `STRATEGY`. Source of the steps: the strategies of the generic registry of
Kubernetes (create, update, graceful delete).

Tests: tests/engine/kinds/test_contract.py
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from shipslog.store.objects.scheme import Kind

from . import names
from .columns import NAME, Column
from .context import Admission
from .faults import Faults
from .subresources import Posted, Subresource

Reader = Callable[[Any], str]  # the value that a field selector compares


class Strategy:
    """The rules of one kind. Each step takes the object of the step before; objects are frozen, so steps return new ones.

    A kind without rules of its own keeps what it is given: its metadata is checked, its status changes only through the
    status subresource, and it is shown by name and age.
    """

    about: str = ""  # one sentence for `kubectl explain`
    strict_finalizers: ClassVar[bool] = True  # core kinds also refuse finalizers without a domain
    create_on_update: ClassVar[bool] = False  # whether a PUT of what is not there creates it
    unconditional_update: ClassVar[bool] = True  # whether a PUT may leave out the resource version
    propagation: ClassVar[str] = "Background"  # how dependents go when a deletion does not say
    columns: Sequence[Column] = (NAME, Column("Created At", "When the API server created the object.", "date"))
    first: ClassVar[Sequence[Any]] = ()  # objects that every cluster has from its start
    selectable: Mapping[str, Reader] = {}  # field selectors beyond those of metadata

    subresources: Mapping[str, Subresource] = {}  # what has a path of its own, beyond status and scale, by its name there
    posted: ClassVar[Posted | None] = None  # what a POST to the collection means where nothing is stored
    returns_deleted: ClassVar[bool] = False  # whether a DELETE answers with what is gone, instead of a Status
    is_in_itself: ClassVar[bool] = False  # whether authorization counts an object as being in the namespace of its own name

    # --- what it looks like ---

    def cells(self, obj: Any, now_ns: int) -> list[Any]:
        """One value for each of `columns`."""
        return [obj.metadata.name, obj.metadata.creation_timestamp or None]

    def row_conditions(self, obj: Any) -> list[dict[str, str]]:
        """What a table's row says about itself: kubectl greys out pods that have ended."""
        return []

    # --- creating and changing ---

    def of_version(self, version: Kind) -> "Strategy":
        """The rules for what comes in another version than the stored one: the same, but where that is stricter."""
        return self

    def name(self, value: str) -> names.Messages:
        """What is wrong with a name of this kind."""
        return names.subdomain(value)

    def read(self, kind: Kind, obj: Any, validation: str) -> tuple[Any, tuple[str, ...]]:
        """What a client sent in one of the kind's versions, without what that does not have, and warnings of it. `validation`:
        Ignore, Warn or Strict. Errors: BadRequest by Strict. What types say of the fields has been kept before."""
        return obj, ()

    def default(self, obj: Any) -> Any:
        """What the object means where it says nothing. Before anything else, on create and on update; idempotent."""
        return obj

    def default_status(self, obj: Any) -> Any:
        """The same where only the status counts: the spec will be put back to what it was."""
        return self.default(obj)

    def create(self, kind: Kind, obj: Any, ctx: Admission) -> Any:
        """Drop what a creator may not set; set what the cluster sets. Errors: Forbidden by an admission rule."""
        return obj

    def update(self, kind: Kind, old: Any, new: Any, subresource: str, ctx: Admission) -> Any:
        """Drop what this request may not change."""
        if subresource == "status" and "status" in kind.subresources:
            return replace(old, metadata=new.metadata, status=new.status)
        if "status" in kind.subresources:
            return replace(new, status=old.status)
        return new

    def check(self, faults: Faults, obj: Any) -> None:
        """What is wrong with a new object, beyond its metadata."""

    def check_update(self, faults: Faults, old: Any, new: Any, subresource: str) -> None:
        """What is wrong with a changed object, beyond its metadata."""
        self.check(faults, new)

    def allocate(self, kind: Kind, old: Any, obj: Any, ctx: Admission) -> Any:
        """Give it what is scarce, when it is known to be right; `old` is None on create. Errors: Invalid when taken."""
        return obj

    # --- deleting ---

    def admit_delete(self, kind: Kind, old: Any, ctx: Admission) -> None:
        """Errors: Forbidden for what a cluster cannot do without, Conflict for what cannot be deleted again."""

    def grace_period_s(self, old: Any, asked_s: int | None) -> int | None:
        """Seconds that an object gets to end before it goes; None for kinds that go at once and are not marked."""
        return None

    def is_held(self, obj: Any) -> bool:
        """Whether something besides finalizers and a grace period keeps an object that is being deleted."""
        return False

    def marked(self, obj: Any) -> Any:
        """The object as it looks from now on, when its deletion has been marked for the first time."""
        return obj


def generation_after(old: Any, changed: bool) -> int:
    """The generation of a changed object: one more when what it asks for has changed."""
    generation: int = old.metadata.generation
    return generation + 1 if changed else generation
