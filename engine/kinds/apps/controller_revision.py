"""Controller revisions: what a daemon set or a stateful set was at one time.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from typing import Any

from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.apps_v1 import ControllerRevision


class ControllerRevisionRules(Strategy):
    about = "What a daemon set or a stateful set was at one time, to go back to it."
    columns = (
        NAME,
        Column("Controller", "The object whose state this was."),
        Column("Revision", "Its number among the revisions of the controller.", "integer"),
        AGE,
    )

    def cells(self, obj: ControllerRevision, now_ns: int) -> list[Any]:
        owner = next((o for o in obj.metadata.owner_references if o.controller), None)
        group = owner.api_version.rpartition("/")[0] if owner is not None else ""
        kind = f"{owner.kind.lower()}.{group}" if owner is not None and group else owner.kind.lower() if owner else ""
        shown = f"{kind}/{owner.name}" if owner is not None else NONE
        return [obj.metadata.name, shown, obj.revision, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: ControllerRevision) -> None:
        if obj.data is None:
            faults.required("data", "data is mandatory")
        faults.not_negative("revision", obj.revision)

    def check_update(self, faults: Faults, old: ControllerRevision, new: ControllerRevision, subresource: str) -> None:
        self.check(faults, new)
        check_same(faults, "data", old.data, new.data)


STRATEGY = ControllerRevisionRules()
