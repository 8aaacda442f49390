"""Pod templates: pods to be copied.

Tests: tests/engine/kinds/test_contract.py, tests/engine/kinds/test_goldens.py
"""

from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds.columns import NAME, Column, labels
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.pod_spec.checks.spec import check_template
from shipslog.engine.kinds.pod_spec.defaults.spec import default_template
from shipslog.engine.kinds.strategy import Strategy, generation_after
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.core_v1 import PodTemplate


class PodTemplateStrategy(Strategy):
    about = "A pod to be copied."
    returns_deleted = True
    columns = (
        NAME,
        Column("Containers", "The containers of the template."),
        Column("Images", "The images of the template's containers."),
        Column("Pod Labels", "The labels that a pod of the template gets."),
    )

    def cells(self, obj: PodTemplate, now_ns: int) -> list[Any]:
        containers = obj.template.spec.containers
        return [
            obj.metadata.name,
            ",".join(c.name for c in containers),
            ",".join(c.image for c in containers),
            labels(obj.template.metadata.labels),
        ]

    def default(self, obj: PodTemplate) -> PodTemplate:
        return replace(obj, template=default_template(obj.template))

    def create(self, kind: Kind, obj: PodTemplate, ctx: Admission) -> PodTemplate:
        return replace(obj, metadata=replace(obj.metadata, generation=1))

    def update(self, kind: Kind, old: PodTemplate, new: PodTemplate, subresource: str, ctx: Admission) -> PodTemplate:
        generation = generation_after(old, old.template != new.template)
        return replace(new, metadata=replace(new.metadata, generation=generation))

    def check(self, faults: Faults, obj: PodTemplate) -> None:
        check_template(faults, obj.template, "template")


STRATEGY = PodTemplateStrategy()
