"""Kinds with a spec whose changes `metadata.generation` counts, and mostly a status that has a door of its own.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from typing import Any, ClassVar

from msgspec.structs import replace

from shipslog.store.objects.scheme import Kind

from .context import Admission
from .faults import Faults
from .strategy import Strategy, generation_after


class WithSpec(Strategy):
    """A kind says what is wrong with its spec (`check`), with a change of it (`check_change`) and with its status."""

    counts: ClassVar[bool] = True  # whether changes are counted: some old kinds do not

    def create(self, kind: Kind, obj: Any, ctx: Admission) -> Any:
        """A new object: its status is the controller's to write."""
        changes: dict[str, Any] = {"status": type(obj.status)()} if "status" in kind.subresources else {}
        if self.counts:
            changes["metadata"] = replace(obj.metadata, generation=1)
        return replace(obj, **changes)

    def update(self, kind: Kind, old: Any, new: Any, subresource: str, ctx: Admission) -> Any:
        if subresource == "status":
            return replace(new, spec=old.spec)
        if "status" in kind.subresources:
            new = replace(new, status=old.status)
        if not self.counts:
            return new
        return replace(new, metadata=replace(new.metadata, generation=generation_after(old, self.is_changed(old, new))))

    def is_changed(self, old: Any, new: Any) -> bool:
        """Whether an object asks for something else than it did."""
        return bool(old.spec != new.spec)

    def check_update(self, faults: Faults, old: Any, new: Any, subresource: str) -> None:
        if subresource == "status":
            self.check_status(faults, old, new)
        else:
            self.check_change(faults, old, new)

    def check_change(self, faults: Faults, old: Any, new: Any) -> None:
        """What is wrong with a changed object; by default what would be wrong with a new one."""
        self.check(faults, new)

    def check_status(self, faults: Faults, old: Any, new: Any) -> None:
        """What is wrong with a status."""
