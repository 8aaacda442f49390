"""Deployments, replica sets, daemon sets, stateful sets: what they mean, what may not be said, what may not change."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

LABELS = {"app": "x"}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
CLAIM = {"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
PLURALS = ("deployments", "replicasets", "daemonsets", "statefulsets")


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE, **spec}}


def test_a_deployment_is_completed(world: Any) -> None:
    made = world.create("deployments", body())
    spec, rolling = made.spec, made.spec.strategy.rolling_update
    assert (spec.replicas, spec.revision_history_limit, spec.progress_deadline_seconds) == (1, 10, 600)
    assert (spec.strategy.type, rolling.max_unavailable, rolling.max_surge) == ("RollingUpdate", "25%", "25%")
    assert spec.template.spec.restart_policy == "Always" and made.metadata.generation == 1


def test_a_daemon_set_and_a_stateful_set_are_completed(world: Any) -> None:
    daemon = world.create("daemonsets", body())
    rolling = daemon.spec.update_strategy.rolling_update
    assert (rolling.max_unavailable, rolling.max_surge, daemon.spec.revision_history_limit) == (1, 0, 10)
    assert daemon.metadata.annotations == {"deprecated.daemonset.template.generation": "1"}
    made = world.create("statefulsets", body(volumeClaimTemplates=[CLAIM]))
    spec, (claim,) = made.spec, made.spec.volume_claim_templates
    keeps = spec.persistent_volume_claim_retention_policy
    assert (spec.pod_management_policy, keeps.when_deleted, keeps.when_scaled) == ("OrderedReady", "Retain", "Retain")
    assert (claim.kind, claim.api_version, claim.spec.volume_mode, claim.status.phase) == (
        "PersistentVolumeClaim",
        "v1",
        "Filesystem",
        "Pending",
    )
    assert spec.update_strategy.rolling_update.partition == 0


@pytest.mark.parametrize("plural", PLURALS)
def test_generation_counts_what_is_asked_for(world: Any, plural: str) -> None:
    made = world.create(plural, body())
    assert world.change(made, metadata={"labels": {"a": "b"}}).metadata.generation == 1
    changed = world.change(made, spec={"minReadySeconds": 3})
    assert changed.metadata.generation == 2
    told = world.change(changed, "status", spec={"minReadySeconds": 9}, status={"observedGeneration": 2})
    assert (told.metadata.generation, told.spec.min_ready_seconds, told.status.observed_generation) == (2, 3, 2)
    assert world.change(told, status={"observedGeneration": 7}).status.observed_generation == 2


@pytest.mark.parametrize("plural", PLURALS)
def test_selector_and_template_belong_together(world: Any, refused: Any, plural: str) -> None:
    other = {"selector": {"matchLabels": {"app": "y"}}}
    assert "FieldValueInvalid spec.template.metadata.labels" in refused(world.create, plural, body(**other))
    assert "FieldValueInvalid spec.selector" in refused(world.create, plural, body(selector={}))
    none = {"FieldValueRequired spec.selector"} if plural != "daemonsets" else set()
    assert refused(world.create, plural, body(selector=None)) == {*none, "FieldValueInvalid spec.template.metadata.labels"}
    made = world.create(plural, body())
    labels = {"app": "y"}
    change = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    where = "FieldValueForbidden spec" if plural == "statefulsets" else "FieldValueInvalid spec.selector"
    assert refused(world.change, made, spec=change) == {where}


@pytest.mark.parametrize(
    ("plural", "spec", "wrong"),
    [
        ("deployments", {"replicas": -1}, "Invalid spec.replicas"),
        ("deployments", {"strategy": {"type": "Recreate", "rollingUpdate": {}}}, "Forbidden spec.strategy.rollingUpdate"),
        ("deployments", {"strategy": {"type": "Never"}}, "NotSupported spec.strategy.type"),
        (
            "deployments",
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "Invalid spec.strategy.rollingUpdate.maxUnavailable",
        ),
        (
            "deployments",
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            "Invalid spec.strategy.rollingUpdate.maxUnavailable",
        ),
        (
            "deployments",
            {"strategy": {"rollingUpdate": {"maxUnavailable": "9" * 5000 + "%"}}},
            "Invalid spec.strategy.rollingUpdate.maxUnavailable",
        ),
        ("deployments", {"progressDeadlineSeconds": 5, "minReadySeconds": 5}, "Invalid spec.progressDeadlineSeconds"),
        ("replicasets", {"minReadySeconds": -1}, "Invalid spec.minReadySeconds"),
        (
            "daemonsets",
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}},
            "Invalid spec.updateStrategy.rollingUpdate.maxSurge",
        ),
        (
            "daemonsets",
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            "Required spec.updateStrategy.rollingUpdate.maxUnavailable",
        ),
        ("statefulsets", {"podManagementPolicy": "Any"}, "Invalid spec.podManagementPolicy"),
        (
            "statefulsets",
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {}}},
            "Invalid spec.updateStrategy.rollingUpdate",
        ),
        ("statefulsets", {"ordinals": {"start": -1}}, "Invalid spec.ordinals.start"),
    ],
)
def test_what_may_not_be_asked_for(world: Any, refused: Any, plural: str, spec: dict[str, Any], wrong: str) -> None:
    assert refused(world.create, plural, body(**spec)) == {f"FieldValue{wrong}"}


@pytest.mark.parametrize("plural", PLURALS)
def test_pods_that_end_are_no_such_pods(world: Any, refused: Any, plural: str) -> None:
    ends = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    assert refused(world.create, plural, body(template=ends)) == {"FieldValueNotSupported spec.template.spec.restartPolicy"}


def test_what_may_change_of_a_stateful_set(world: Any, refused: Any) -> None:
    made = world.create("statefulsets", body(serviceName="s"))
    changed = world.change(
        made, spec={"replicas": 3, "minReadySeconds": 1, "revisionHistoryLimit": 2, "ordinals": {"start": 1}}
    )
    assert changed.spec.replicas == 3
    assert refused(world.change, changed, spec={"serviceName": "other"}) == {"FieldValueForbidden spec"}
    assert refused(world.create, "statefulsets", {**body(), "metadata": {"name": "a.b"}}) == {"FieldValueInvalid metadata.name"}


def test_a_template_of_a_daemon_set_is_counted(world: Any) -> None:
    made = world.create("daemonsets", body())
    changed = world.change(made, spec={"template": {"metadata": {"annotations": {"a": "b"}}}})
    assert changed.metadata.annotations == {"deprecated.daemonset.template.generation": "2"}
    assert world.change(changed, spec={"minReadySeconds": 1}).metadata.annotations == changed.metadata.annotations


def test_what_a_status_may_not_say(world: Any, refused: Any) -> None:
    made = world.create("deployments", body())
    wrong = {"replicas": 1, "readyReplicas": 2, "availableReplicas": 3, "collisionCount": 4}
    assert refused(world.change, made, "status", status=wrong) == {
        "FieldValueInvalid status.readyReplicas",
        "FieldValueInvalid status.availableReplicas",
    }
    counted = world.change(made, "status", status={"collisionCount": 4})
    assert refused(world.change, counted, "status", status={"collisionCount": 3}) == {
        "FieldValueInvalid status.collisionCount",
    }


def test_a_revision_stays_what_it_was(world: Any, refused: Any) -> None:
    revision = {"metadata": {"name": "r"}, "revision": 3, "data": {"a": 1}}
    made = world.create("controllerrevisions", revision)
    assert refused(world.change, made, data={"a": 2}) == {"FieldValueInvalid data"}
    assert world.change(made, revision=4).revision == 4
    assert refused(world.create, "controllerrevisions", {"metadata": {"name": "s"}}) == {"FieldValueRequired data"}


def test_their_tables(world: Any) -> None:
    made = world.create("deployments", body(replicas=3))
    told = world.change(
        made, "status", status={"replicas": 3, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1}
    )
    assert strategy_of("deployments.apps").cells(told, NOW_NS) == ["x", "2/3", 3, 1, "0s", "c", "i", "app=x"]
    daemon = world.create("daemonsets", body())
    cells = strategy_of("daemonsets.apps").cells(daemon, NOW_NS)
    assert cells == ["x", 0, 0, 0, 0, 0, "<none>", "0s", "c", "i", "app=x"]
    stateful = world.create("statefulsets", body())
    assert strategy_of("statefulsets.apps").cells(stateful, NOW_NS) == ["x", "0/1", "0s", "c", "i"]
