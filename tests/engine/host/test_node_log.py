"""What goes wrong on nodes is told in the daemon's log, with the pod's name."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.host.node_log import NodeLog
from shipslog.store.events import Event
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    ContainerStartFailed,
    ImagePullFailed,
    LifecycleHookFailed,
    PodNetworkLost,
    PodNetworkMended,
    ProbeFlipped,
    RulesetFailed,
    SandboxExited,
    SandboxFailed,
)
from shipslog.store.objects.types import core_v1
from tests.logs import capture_logs
from tests.reconcilers.views import node, pod, view_of

UID: dict[str, Any] = {"node": "n", "pod_uid": "uid-pods-web"}
OF: dict[str, Any] = {**UID, "container": "app", "attempt": 2}


def told(fact: Any, *, ending: bool = False) -> list[dict[str, Any]]:
    made = pod("web", node="n")
    if ending:
        made = replace(made, metadata=replace(made.metadata, deletion_timestamp="2026-11-23T10:32:00Z"))
    with capture_logs() as lines:
        NodeLog(view_of(made)).on_event(Event(revision=1, time_ns=1, actor="system:node:n", cause=None, fact=fact), None, None)
    return [dict(line) for line in lines]


@pytest.mark.parametrize(
    ("fact", "event", "level"),
    [
        (SandboxFailed(**UID, reason="FailedMount", message="no such secret"), "pod_not_started", "warning"),
        (SandboxExited(**UID, sandbox_id="s"), "pod_sandbox_gone", "warning"),
        (PodNetworkLost(**UID, message="no"), "pod_cut_off", "warning"),
        (PodNetworkMended(**UID, message="made again"), "pod_network_mended", "warning"),
        (ImagePullFailed(node="n", image="img", reason="ErrImagePull", message="no"), "image_not_pulled", "warning"),
        (ContainerStartFailed(**OF, reason="RunContainerError", message="no"), "container_not_started", "warning"),
        (ContainerExited(**OF, exit_code=1, message="the program's own words"), "container_exited", "warning"),
        (ContainerExited(**OF, exit_code=0), "container_exited", "info"),
        (LifecycleHookFailed(**OF, hook="PreStop", message="exit 1"), "lifecycle_hook_failed", "warning"),
        (ProbeFlipped(**OF, probe="liveness", healthy=False, message="refused"), "probe", "warning"),
        (ProbeFlipped(**OF, probe="readiness", healthy=True), "probe", "info"),
        (RulesetFailed(node="n", digest="d", message="nft refused"), "packet_rules_not_applied", "warning"),
    ],
)
def test_each_is_told_with_whom_it_concerns(fact: Any, event: str, level: str) -> None:
    (line,) = told(fact)
    assert (line["event"], line["log_level"], line["node"]) == (event, level, "n")
    assert line.get("pod", "default/web") == "default/web"
    assert "the program's own words" not in str(line)


def test_the_end_of_a_pod_that_was_deleted_is_no_trouble() -> None:
    (line,) = told(ContainerExited(**OF, exit_code=143, signal=15), ending=True)
    assert line["log_level"] == "info"


def test_what_goes_well_is_not_told() -> None:
    assert not told(ContainerStarted(**OF, container_id="c"))


@pytest.mark.parametrize(
    ("before", "after", "levels"),
    [
        ("True", "Unknown", ["warning"]),
        ("Unknown", "True", ["info"]),
        ("True", "True", []),
        ("", "True", []),
        ("", "False", ["warning"]),
    ],
)
def test_a_node_that_is_not_ready_any_more(before: str, after: str, levels: list[str]) -> None:
    def with_ready(status: str) -> core_v1.Node:
        ready = core_v1.NodeCondition(type="Ready", status=status, reason="Because", message="it says so")
        made = node("n")
        return replace(made, status=replace(made.status, conditions=(ready,) if status else ()))

    was, now = view_of(with_ready(before)), view_of(with_ready(after))
    entries = [view.entry("nodes", "n") for view in (now, was)]
    from shipslog.store.facts import ObjectModified

    fact = ObjectModified(resource="nodes", name="n", uid="u", object=entries[0].encoded)  # type: ignore[union-attr]
    with capture_logs() as lines:
        NodeLog(now).on_event(Event(revision=1, time_ns=1, actor="a", cause=None, fact=fact), *entries)
    assert [line["log_level"] for line in lines] == levels
    assert all((line["event"], line["node"], line["reason"]) == ("node_condition", "n", "Because") for line in lines)
