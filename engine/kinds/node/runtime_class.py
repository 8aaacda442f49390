"""Runtime classes: ways to run the containers of a pod.

Tests: tests/engine/kinds/test_contract.py, tests/engine/kinds/test_goldens.py
"""

from typing import Any

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_labels
from shipslog.engine.kinds.pod_spec.checks.placement import check_tolerations
from shipslog.engine.kinds.pod_spec.checks.resources import check_requirements
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.core_v1 import ResourceRequirements
from shipslog.store.objects.types.node_v1 import RuntimeClass


class RuntimeClassRules(Strategy):
    about = "A way to run the containers of a pod."
    unconditional_update = False
    columns = (NAME, Column("Handler", "What the nodes' runtimes call it."), AGE)

    def cells(self, obj: RuntimeClass, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.handler, age(obj.metadata.creation_timestamp, now_ns)]

    def check(self, faults: Faults, obj: RuntimeClass) -> None:
        faults.invalid_each("handler", obj.handler, names.label(obj.handler))
        if obj.overhead is not None:
            check_requirements(faults, ResourceRequirements(limits=obj.overhead.pod_fixed), "overhead.podFixed")
        if obj.scheduling is not None:
            check_labels(faults, obj.scheduling.node_selector, "scheduling.nodeSelector")
            check_tolerations(faults, obj.scheduling.tolerations, "scheduling.tolerations")

    def check_update(self, faults: Faults, old: RuntimeClass, new: RuntimeClass, subresource: str) -> None:
        check_same(faults, "handler", old.handler, new.handler)


STRATEGY = RuntimeClassRules()
