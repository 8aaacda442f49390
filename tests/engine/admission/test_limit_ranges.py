"""Limit ranges as admission keeps to them: what containers get, and what goes beyond them in Kubernetes' words."""

from typing import Any

import pytest

from shipslog.engine.admission import asked_create
from shipslog.engine.admission.limit_ranges import ANNOTATION
from shipslog.store.refusals import Forbidden
from tests.engine.kinds.conftest import World

CONTAINER = {
    "type": "Container",
    "min": {"cpu": "50m"},
    "max": {"cpu": "1", "memory": "512Mi"},
    "default": {"cpu": "300m"},
    "defaultRequest": {"memory": "32Mi"},
    "maxLimitRequestRatio": {"cpu": "5"},
}
LIMITS = {"cpu": "300m", "memory": "512Mi"}


def world_with(*items: dict[str, Any]) -> World:
    world = World()
    world.create("limitranges", {"metadata": {"name": "l"}, "spec": {"limits": list(items)}})
    return world


def pod(*resources: dict[str, Any], initial: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    containers = [{"name": f"c{i}", "image": "i", "resources": of} for i, of in enumerate(resources)]
    first = [{"name": f"i{i}", "image": "i", "resources": of} for i, of in enumerate(initial)]
    return {"metadata": {"name": "p"}, "spec": {"containers": containers, "initContainers": first}}


def test_containers_that_say_nothing_get_what_the_range_says() -> None:
    made = world_with(CONTAINER).create("pods", pod({}, {"requests": {"cpu": "100m"}}, initial=({},)))
    first, second = made.spec.containers
    assert (first.resources.limits, first.resources.requests) == (LIMITS, {"cpu": "300m", "memory": "32Mi"})
    assert (second.resources.limits, second.resources.requests) == (LIMITS, {"cpu": "100m", "memory": "32Mi"})
    assert made.spec.init_containers[0].resources.limits == LIMITS and made.status.qos_class == "Burstable"
    told = made.metadata.annotations[ANNOTATION]
    assert told.startswith("LimitRanger plugin set: cpu, memory request for container c0; cpu, memory limit for container c0; ")
    assert "memory request for container c1; " in told and told.endswith("cpu, memory limit for init container i0")


def test_who_may_change_a_pod_is_shown_what_it_gets() -> None:
    world = world_with(CONTAINER)
    kind, obj = world.kinds["pods"], world.decode("pods", {**pod({}), "metadata": {"name": "p", "namespace": "ns"}})
    shown = asked_create(kind, obj, world.ctx())
    assert shown.spec.containers[0].resources.limits == LIMITS and ANNOTATION in shown.metadata.annotations


def test_who_says_all_is_let_be() -> None:
    made = world_with(CONTAINER).create("pods", pod({"limits": {"cpu": "200m", "memory": "64Mi"}}))
    assert ANNOTATION not in made.metadata.annotations
    changed = {"limits": {"cpu": "200m", "memory": "64Mi"}, "requests": {"cpu": "200m", "memory": "64Mi"}}
    assert made.spec.containers[0].resources == type(made.spec.containers[0].resources)(**changed)


POD = {"type": "Pod", "max": {"memory": "600Mi"}, "min": {"cpu": "10m"}}
CLAIM = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "5Gi"}}


@pytest.mark.parametrize(
    ("item", "resources", "why"),
    [
        (
            CONTAINER,
            [{"requests": {"cpu": "10m"}, "limits": {"cpu": "50m"}}],
            "minimum cpu usage per Container is 50m, but request is 10m",
        ),
        (CONTAINER, [{"limits": {"memory": "1Gi"}}], "maximum memory usage per Container is 512Mi, but limit is 1Gi"),
        (
            CONTAINER,
            [{"requests": {"cpu": "50m"}, "limits": {"cpu": "500m"}}],
            "cpu max limit to request ratio per Container is 5, but provided ratio is 10.000000",
        ),
        (
            CONTAINER,
            [{"requests": {"cpu": "10m"}, "limits": {"cpu": "50m"}}, {"requests": {"cpu": "20m"}, "limits": {"cpu": "50m"}}],
            "[minimum cpu usage per Container is 50m, but request is 10m, "
            "minimum cpu usage per Container is 50m, but request is 20m]",
        ),
        (
            POD,
            [{"limits": {"cpu": "1", "memory": "400Mi"}}, {"limits": {"memory": "400Mi"}}],
            "maximum memory usage per Pod is 600Mi, but limit is 800Mi",
        ),
        (
            POD,
            [{}],
            "[minimum cpu usage per Pod is 10m.  No request is specified, "
            "maximum memory usage per Pod is 600Mi.  No limit is specified]",
        ),
        (
            {"type": "Pod", "maxLimitRequestRatio": {"cpu": "2"}},
            [{}],
            "cpu max limit to request ratio per Pod is 2, but no request is specified or request is 0",
        ),
    ],
)
def test_what_goes_beyond_is_refused(item: dict[str, Any], resources: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(Forbidden) as refused:
        world_with(item).create("pods", pod(*resources))
    assert refused.value.message == f'pods "p" is forbidden: {why}'


def test_init_containers_are_held_to_it_too() -> None:
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 1, but limit is 2"):
        world_with(CONTAINER).create("pods", pod({}, initial=({"limits": {"cpu": "2"}},)))


def claim(size: str) -> dict[str, Any]:
    spec = {"storageClassName": "", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": "c"}, "spec": spec}


@pytest.mark.parametrize(
    ("size", "why"), [("1Mi", "minimum .* is 1Gi, but request is 1Mi"), ("10Gi", "maximum .* is 5Gi, .* 10Gi")]
)
def test_claims_are_held_to_theirs(size: str, why: str) -> None:
    world = world_with(CLAIM)
    with pytest.raises(Forbidden, match=why):
        world.create("persistentvolumeclaims", claim(size))
    assert world.create("persistentvolumeclaims", claim("2Gi"))
