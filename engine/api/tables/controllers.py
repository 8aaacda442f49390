"""Tables of what keeps replicas."""

from typing import Any

from shipslog.store.objects import core_v1

from .columns import AGE, NAME, Column, age, labels, wide

REPLICATION_CONTROLLER = (
    NAME,
    Column("Desired", "How many replicas there shall be.", "integer"),
    Column("Current", "How many replicas there are.", "integer"),
    Column("Ready", "How many replicas are ready.", "integer"),
    AGE,
    wide("Containers", "The containers of the template."),
    wide("Images", "The images of the template's containers."),
    wide("Selector", "The labels of the pods that count as replicas."),
)


def replication_controller(obj: core_v1.ReplicationController, now_ns: int) -> list[Any]:
    template = obj.spec.template
    containers = template.spec.containers if template is not None else ()
    return [
        obj.metadata.name, obj.spec.replicas or 0, obj.status.replicas, obj.status.ready_replicas,
        age(obj.metadata.creation_timestamp, now_ns), ",".join(c.name for c in containers),
        ",".join(c.image for c in containers),
        labels(obj.spec.selector),
    ]  # fmt: skip
