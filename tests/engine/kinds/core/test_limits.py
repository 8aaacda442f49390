"""Limit ranges and quotas: names, order of amounts, scopes."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.store.refusals import Refusal
from tests.engine.kinds.conftest import NOW_NS


def limits(**item: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"limits": [{"type": "Container", **item}]}}


def test_a_limit_range_of_containers_is_completed(world: Any) -> None:
    made = world.create("limitranges", limits(max={"cpu": "2"}, min={"memory": "1Mi"}))
    (item,) = made.spec.limits
    assert item.default == {"cpu": "2"} and item.default_request == {"cpu": "2", "memory": "1Mi"}


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        ({"type": "Any"}, "Invalid spec.limits[0].type"),
        ({"type": "Pod", "default": {"cpu": "1"}}, "Forbidden spec.limits[0].default"),
        ({"type": "Pod", "max": {"cpu": "1"}, "min": {"cpu": "2"}}, "Invalid spec.limits[0].min[cpu]"),
        ({"default": {"cpu": "3"}, "max": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}}, "Invalid spec.limits[0].default[cpu]"),
        ({"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}}, "Invalid spec.limits[0].maxLimitRequestRatio[cpu]"),
        ({"type": "PersistentVolumeClaim"}, "Required spec.limits[0].limits"),
    ],
)
def test_what_a_limit_range_may_not_say(world: Any, refused: Any, item: dict[str, Any], wrong: str) -> None:
    assert refused(world.create, "limitranges", limits(**item)) == {f"FieldValue{wrong}"}


def test_a_quota_keeps_its_scopes(world: Any, refused: Any) -> None:
    body = {"metadata": {"name": "x"}, "spec": {"hard": {"pods": "3", "limits.cpu": "2"}, "scopes": ["NotBestEffort"]}}
    made = world.create("resourcequotas", body)
    assert strategy_of("resourcequotas").cells(made, NOW_NS) == ["x", "pods: 0/3", "limits.cpu: 0/2", "0s"]
    assert refused(world.change, made, spec={"scopes": []}) == {"FieldValueInvalid spec.scopes"}
    assert refused(world.change, made, "status", status={"hard": {"pods": "3"}}) == {"FieldValueRequired status.used"}


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"hard": {"ships": "1"}}, "Invalid spec.hard[ships]"),
        ({"hard": {"pods": "-1"}}, "Invalid spec.hard[pods]"),
        ({"scopes": ["BestEffort", "NotBestEffort"]}, "Invalid spec.scopes"),
        ({"scopes": ["Any"]}, "Invalid spec.scopes"),
        ({"scopes": ["BestEffort"], "hard": {"requests.cpu": "0"}}, "Invalid spec.scopes"),
        ({"scopes": ["VolumeAttributesClass"], "hard": {"pods": "0"}}, "Invalid spec.scopes"),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]}},
            "Required spec.scopeSelector.matchExpressions[0].values",
        ),
    ],
)
def test_what_a_quota_may_not_say(world: Any, refused: Any, spec: dict[str, Any], wrong: str) -> None:
    assert refused(world.create, "resourcequotas", {"metadata": {"name": "x"}, "spec": spec}) == {f"FieldValue{wrong}"}


def test_a_quota_is_told_both_what_it_does_not_name(world: Any) -> None:
    with pytest.raises(Refusal) as caught:
        world.create("resourcequotas", {"metadata": {"name": "x"}, "spec": {"hard": {"limit.cpu": "1"}}})
    assert [c.message.partition('"limit.cpu": ')[2] for c in caught.value.causes] == [
        "must be a standard resource type or fully qualified",
        "must be a standard resource for quota",
    ]
