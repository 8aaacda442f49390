"""Priority classes: what may be defined, what is the system's, and what pods get from them."""

from typing import Any

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import core_v1, scheduling_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.refusals import Forbidden

PATH = "priorityclasses"


def body(name: str, value: int = 1000, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "value": value, **fields}


def test_a_class_is_completed(world: Any) -> None:
    made = world.create(PATH, body("high"))
    assert (made.preemption_policy, made.metadata.generation) == ("PreemptLowerPriority", 1)


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (body("x", 1_000_000_001), "FieldValueForbidden value"),
        (body("system-mine", 1), "FieldValueForbidden metadata.name"),
        (body("system-node-critical", 7), "FieldValueForbidden metadata.name"),
        (body("x", preemptionPolicy="Maybe"), "FieldValueNotSupported preemptionPolicy"),
    ],
)
def test_what_may_not_be_defined(world: Any, refused: Any, wrong: dict[str, Any], cause: str) -> None:
    assert refused(world.create, PATH, wrong) == {cause}


def test_what_may_not_change(world: Any, refused: Any) -> None:
    made = world.create(PATH, body("high"))
    assert refused(world.change, made, value=2) == {"FieldValueForbidden Value"}
    assert refused(world.change, made, preemptionPolicy="Never") == {"FieldValueInvalid preemptionPolicy"}
    assert world.change(made, description="for the bridge").description == "for the bridge"


def test_there_is_one_default(world: Any, refused: Any) -> None:
    world.create(PATH, body("usual", globalDefault=True))
    assert refused(world.create, PATH, body("other", globalDefault=True), code=403) == set()
    other = world.create(PATH, body("other"))
    assert refused(world.change, other, code=403, globalDefault=True) == set()


async def test_every_cluster_has_the_classes_of_the_system(engine: Cluster) -> None:
    assert {c.metadata.name: c.value for c in engine.list(scheduling_v1.PriorityClass)} == {
        "system-cluster-critical": 2_000_000_000,
        "system-node-critical": 2_000_001_000,
    }
    with pytest.raises(Forbidden, match="system priority class and cannot be deleted"):
        await engine.delete(scheduling_v1.PriorityClass, "system-node-critical")


async def test_a_pod_gets_the_number_of_its_class(engine: Cluster) -> None:
    await engine.create(scheduling_v1.PriorityClass(metadata=ObjectMeta(name="high"), value=1000))
    pod = core_v1.Pod(
        metadata=ObjectMeta(name="p", namespace="default"),
        spec=core_v1.PodSpec(containers=(core_v1.Container(name="c", image="i"),), priority_class_name="high"),
    )
    assert (await engine.create(pod)).spec.priority == 1000
