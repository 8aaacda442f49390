"""Jobs and cron jobs: their selector, what ends them, when they are made, and what may not change."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

TEMPLATE: dict[str, Any] = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
UID = "batch.kubernetes.io/controller-uid"


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"template": TEMPLATE, **spec}}


def cron(schedule: str = "0 0 * * *", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": TEMPLATE}}, **spec}}


def test_a_job_has_a_selector_of_its_own(world: Any) -> None:
    made = world.create("jobs", body())
    labels = made.spec.template.metadata.labels
    assert made.spec.selector.match_labels == {UID: made.metadata.uid}
    assert labels == {
        UID: made.metadata.uid,
        "controller-uid": made.metadata.uid,
        "job-name": "x",
        "batch.kubernetes.io/job-name": "x",
    }
    assert made.metadata.labels == labels
    spec = made.spec
    assert (spec.completions, spec.parallelism, spec.backoff_limit, spec.completion_mode) == (1, 1, 6, "NonIndexed")
    assert (spec.suspend, spec.pod_replacement_policy, made.metadata.generation) == (False, "TerminatingOrFailed", 1)


def test_a_job_may_choose_its_selector(world: Any, refused: Any) -> None:
    labels = {"metadata": {"labels": {"a": "b"}}, **TEMPLATE}
    chosen = {"manualSelector": True, "template": labels, "selector": {"matchLabels": {"a": "b"}}}
    assert world.create("jobs", body(**chosen)).spec.selector.match_labels == {"a": "b"}
    chosen["selector"] = {"matchLabels": {"a": "c"}}
    assert refused(world.create, "jobs", body(**chosen)) == {"FieldValueInvalid spec.template.metadata.labels"}


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"parallelism": -1}, "Invalid spec.parallelism"),
        ({"completionMode": "Indexed"}, "Required spec.completions"),
        ({"completionMode": "Any"}, "NotSupported spec.completionMode"),
        ({"backoffLimitPerIndex": 1}, "Invalid spec.backoffLimitPerIndex"),
        ({"maxFailedIndexes": 1}, "Required spec.backoffLimitPerIndex"),
        ({"podReplacementPolicy": "Any"}, "NotSupported spec.podReplacementPolicy"),
        ({"managedBy": "me"}, "Invalid spec.managedBy"),
        ({"podFailurePolicy": {"rules": [{"action": "Ignore"}]}}, "Invalid spec.podFailurePolicy.rules[0]"),
        (
            {"podFailurePolicy": {"rules": [{"action": "Count", "onExitCodes": {"operator": "In", "values": [0]}}]}},
            "Invalid spec.podFailurePolicy.rules[0].onExitCodes.values[0]",
        ),
        ({"successPolicy": {"rules": [{"succeededCount": 1}]}}, "Invalid spec.successPolicy"),
        ({"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Always"}}}, "Required spec.template.spec.restartPolicy"),
    ],
)
def test_what_a_job_may_not_ask_for(world: Any, refused: Any, spec: dict[str, Any], wrong: str) -> None:
    if spec.get("completionMode") == "Indexed":
        spec["parallelism"] = 1  # else one completion is what is meant
    assert refused(world.create, "jobs", body(**spec)) == {f"FieldValue{wrong}"}


MANY = {"completionMode": "Indexed", "completions": 200_000, "parallelism": 1, "backoffLimitPerIndex": 1}
FIVE = {"completionMode": "Indexed", "completions": 5, "parallelism": 1}


def enough(indexes: str) -> dict[str, Any]:
    return {**FIVE, "successPolicy": {"rules": [{"succeededIndexes": indexes}]}}


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        (MANY, "Required spec.maxFailedIndexes"),
        ({**MANY, "maxFailedIndexes": 10_001}, "Invalid spec.maxFailedIndexes"),
        ({**MANY, "maxFailedIndexes": 1, "parallelism": 10_001}, "Invalid spec.parallelism"),
        ({**MANY, "maxFailedIndexes": 100_001}, "Invalid spec.maxFailedIndexes"),
        *(
            (enough(text), "Invalid spec.successPolicy.rules[0].succeededIndexes")
            for text in ("a", "1-", "1-2-3", "3,1", "2-1", "1,1", "5", "0-5", "9" * 5000, "0,,1")
        ),
        (enough("0," * 40_000), "TooLong spec.successPolicy.rules[0].succeededIndexes"),
    ],
)
def test_which_indexes_a_job_may_name(world: Any, refused: Any, spec: dict[str, Any], wrong: str) -> None:
    assert refused(world.create, "jobs", body(**spec)) == {f"FieldValue{wrong}"}


def test_indexes_that_a_job_names(world: Any) -> None:
    for text in ("", "0", "0-4", "0,2-3,4"):
        world.create("jobs", body(**enough(text)))


def test_what_may_change_of_a_job(world: Any, refused: Any) -> None:
    made = world.create("jobs", body(completions=2))
    assert world.change(made, spec={"parallelism": 4, "suspend": True}).spec.parallelism == 4
    assert refused(world.change, made, spec={"completions": 3}) == {"FieldValueInvalid spec.completions"}
    other = {"template": {"spec": {"nodeSelector": {"a": "b"}}}}
    assert refused(world.change, made, spec=other) == {"FieldValueInvalid spec.template"}
    held = world.create("jobs", {**body(suspend=True), "metadata": {"name": "held"}})
    assert world.change(held, spec=other).spec.template.spec.node_selector == {"a": "b"}
    indexed = {**body(completionMode="Indexed", completions=2, parallelism=2), "metadata": {"name": "indexed"}}
    indexed = world.create("jobs", indexed)
    assert world.change(indexed, spec={"completions": 5, "parallelism": 5}).spec.completions == 5
    assert refused(world.change, indexed, spec={"completions": 7}) == {"FieldValueInvalid spec.completions"}


def test_a_cron_job_is_completed(world: Any) -> None:
    spec = world.create("cronjobs", cron()).spec
    assert (spec.concurrency_policy, spec.suspend) == ("Allow", False)
    assert (spec.successful_jobs_history_limit, spec.failed_jobs_history_limit) == (3, 1)
    assert spec.job_template.spec.backoff_limit == 6 and spec.job_template.spec.selector is None


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (cron(""), "Required spec.schedule"),
        (cron("* * * *"), "Invalid spec.schedule"),
        (cron("61 * * * *"), "Invalid spec.schedule"),
        (cron("TZ=UTC 0 0 * * *"), "Invalid spec.schedule"),
        (cron(concurrencyPolicy="Any"), "NotSupported spec.concurrencyPolicy"),
        (cron(timeZone="Nowhere/Land"), "Invalid spec.timeZone"),
        (cron(timeZone=""), "Invalid spec.timeZone"),
        (cron(startingDeadlineSeconds=-1), "Invalid spec.startingDeadlineSeconds"),
        ({**cron(), "metadata": {"name": "x" * 53}}, "Invalid metadata.name"),
    ],
)
def test_what_a_cron_job_may_not_ask_for(world: Any, refused: Any, made: dict[str, Any], wrong: str) -> None:
    assert refused(world.create, "cronjobs", made) == {f"FieldValue{wrong}"}


def test_the_template_of_a_cron_job_gets_its_selector_later(world: Any, refused: Any) -> None:
    template = {"spec": {"template": TEMPLATE, "manualSelector": True, "selector": {"matchLabels": {"a": "b"}}}}
    path = "spec.jobTemplate.spec"
    assert refused(world.create, "cronjobs", cron(jobTemplate=template)) == {
        f"FieldValueInvalid {path}.selector",
        f"FieldValueNotSupported {path}.manualSelector",
    }


def test_their_tables(world: Any) -> None:
    job = world.create("jobs", body(completions=2))
    told = {"startTime": "2027-01-15T07:58:20Z", "succeeded": 1}
    cells = strategy_of("jobs.batch").cells(world.change(job, "status", status=told), NOW_NS)
    assert cells[:5] == ["x", "Running", "1/2", "100s", "0s"]
    over = [{"type": type_, "status": "True"} for type_ in ("SuccessCriteriaMet", "Complete")]
    ends = {**told, "completionTime": "2027-01-15T07:59:20Z", "conditions": over}
    assert strategy_of("jobs.batch").cells(world.change(job, "status", status=ends), NOW_NS)[1:4] == ["Complete", "1/2", "60s"]
    every = world.create("cronjobs", cron(timeZone="Europe/Oslo"))
    cells = strategy_of("cronjobs.batch").cells(every, NOW_NS)
    assert cells[:7] == ["x", "0 0 * * *", "Europe/Oslo", False, 0, "<none>", "0s"]
