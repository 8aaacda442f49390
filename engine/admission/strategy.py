"""The shape of a kind's rules, and the rules of a kind that has none of its own."""

from typing import Any

from msgspec.structs import replace

from shipslog.store.objects.registry import Kind

from . import names
from .context import Admission
from .fields import Faults


class Strategy:
    """The rules of one kind. Each step takes the object of the step before; objects are frozen, so steps return new ones.

    A kind without rules of its own keeps what it is given: its metadata is checked, its status changes only through the
    status subresource.
    """

    strict_finalizers = True  # core kinds also refuse finalizers without a domain

    def name(self, value: str) -> names.Messages:
        """What is wrong with a name of this kind."""
        return names.subdomain(value)

    def default(self, obj: Any) -> Any:
        """What the object means where it says nothing. Before anything else, on create and on update."""
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


def generation_after(old: Any, changed: bool) -> int:
    """The generation of a changed object: one more when what it asks for has changed."""
    generation: int = old.metadata.generation
    return generation + 1 if changed else generation
