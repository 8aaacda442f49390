"""What a job's status may say: other controllers than ours write it too."""

from typing import Any

import pytest

from shipslog.engine.kinds.batch.index_text import overlap, spans

TEMPLATE: dict[str, Any] = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
FIVE = {"completionMode": "Indexed", "completions": 5, "parallelism": 1, "backoffLimitPerIndex": 1}
T1, T2 = "2027-01-15T07:00:00Z", "2027-01-15T07:30:00Z"


def conditions(*types: str) -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": "True"} for type_ in types]}


DONE = {**conditions("SuccessCriteriaMet", "Complete"), "startTime": T1, "completionTime": T2}
FAILED = {**conditions("FailureTarget", "Failed"), "startTime": T1}


def job(world: Any, spec: dict[str, Any] | None = None, **status: Any) -> Any:
    made = world.create("jobs", {"metadata": {"name": "x"}, "spec": {"template": TEMPLATE, **(spec or {})}})
    return world.change(made, "status", status=status) if status else made


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (conditions("Complete"), ["Required completionTime", "Invalid conditions", "Required startTime"]),
        (conditions("Failed"), ["Invalid conditions", "Required startTime"]),
        ({**DONE, **conditions("SuccessCriteriaMet", "FailureTarget", "Complete")}, ["Invalid conditions"]),
        ({**DONE, "active": 1}, ["Invalid active"]),
        ({**DONE, "terminating": 1}, ["Invalid terminating"]),
        ({**DONE, "completionTime": "2027-01-15T06:00:00Z"}, ["Invalid completionTime"]),
        ({**DONE, "uncountedTerminatedPods": {"failed": ["u"]}}, ["Invalid uncountedTerminatedPods"]),
        (
            {"uncountedTerminatedPods": {"failed": ["u", "u"], "succeeded": [""]}},
            ["Duplicate failed[1]", "Invalid succeeded[0]"],
        ),
        ({"startTime": T1, "completionTime": T2}, ["Invalid completionTime"]),
        ({"active": 1, "ready": 2}, ["Invalid ready"]),
        ({"active": -1}, ["Invalid active"]),
        ({"completedIndexes": "0"}, ["Invalid completedIndexes"]),
        ({"failedIndexes": ""}, ["Invalid failedIndexes"]),
    ],
)
def test_a_status_that_cannot_be(world: Any, refused: Any, status: dict[str, Any], wrong: list[str]) -> None:
    told = refused(world.change, job(world), "status", status=status)
    assert {w.replace("status.", "").replace("uncountedTerminatedPods.", "") for w in told} == {f"FieldValue{w}" for w in wrong}


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ({"completedIndexes": "1,0"}, "completedIndexes"),
        ({"completedIndexes": "0-9"}, "completedIndexes"),
        ({"failedIndexes": "x"}, "failedIndexes"),
        ({"completedIndexes": "0-2", "failedIndexes": "2,4"}, "failedIndexes"),
    ],
)
def test_indexes_that_cannot_be(world: Any, refused: Any, status: dict[str, Any], field: str) -> None:
    assert refused(world.change, job(world, FIVE), "status", status=status) == {f"FieldValueInvalid status.{field}"}


def test_what_is_over_stays_over(world: Any, refused: Any) -> None:
    done = job(world, **DONE)
    condition = "FieldValueInvalid status.conditions"
    assert condition in refused(world.change, done, "status", status={"conditions": []})
    assert refused(world.change, done, "status", status={"completionTime": T1}) == {"FieldValueInvalid status.completionTime"}
    assert world.change(done, "status", status={"succeeded": 1}).status.succeeded == 1
    world.drop(done)
    failed = job(world, **FAILED)
    assert condition in refused(world.change, failed, "status", status=conditions("FailureTarget"))


def test_counts_and_the_beginning_do_not_go_back(world: Any, refused: Any) -> None:
    runs = job(world, startTime=T1, succeeded=2, failed=2)
    assert refused(world.change, runs, "status", status={"failed": 1}) == {"FieldValueInvalid status.failed"}
    assert refused(world.change, runs, "status", status={"succeeded": 1}) == {"FieldValueInvalid status.succeeded"}
    assert refused(world.change, runs, "status", status={"startTime": T2}) == {"FieldValueRequired status.startTime"}
    held = world.change(runs, spec={"suspend": True})
    assert world.change(held, "status", status={"startTime": None}).status.start_time == ""


def test_what_was_wrong_before_is_no_reason_to_refuse_more(world: Any) -> None:
    made = job(world, {**FIVE, "parallelism": 5}, completedIndexes="0-4", succeeded=5)
    fewer = world.change(made, spec={"completions": 3, "parallelism": 3})
    assert world.change(fewer, "status", status={"active": 1}).status.completed_indexes == "0-4"
    assert world.change(fewer, "status", status={"completedIndexes": "0-2", "succeeded": 3}).status.succeeded == 3


def test_indexes_that_are_in_both() -> None:
    assert overlap(spans("0-2,7", None), spans("2,4", None)) == 2
    assert overlap(spans("0,2,4-6", None), spans("1,3,6-9", None)) == 6
    assert overlap(spans("0,2", None), spans("1,3", None)) is None is overlap([], spans("1", None))
