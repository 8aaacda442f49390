"""What a kubelet tells people: of facts, of what it does, of what a pod's status shows."""

from typing import Any

from msgspec.structs import replace

from shipslog.reconcilers.kubelet.events import backing_off, killing, tells
from shipslog.runtime.commands import StopContainer
from shipslog.store.commands import Update
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    Fact,
    ImagePulled,
    ImagePullFailed,
    LifecycleHookFailed,
    NodeObserved,
    PodNetworkLost,
    PodNetworkMended,
    ProbeFlipped,
    SandboxExited,
    SandboxStarted,
)
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import node, observed, pod, view_of

UID = "uid-pods-p"


def said(fact: Fact, *things: Any) -> list[tuple[str, str, str]]:
    """(name of what it is about, part of it, reason)"""
    return [(s.about.name, s.about.field_path, s.reason) for s in tells(view_of(node("n"), observed("n"), *things), fact)]


def with_two(name: str) -> core_v1.Pod:
    made = pod(name, node="n", phase="Pending")
    first = replace(made.spec.containers[0], name="i")
    return replace(made, spec=replace(made.spec, init_containers=(first,)))


def test_every_container_that_waits_for_an_image_hears_of_it() -> None:
    pulled = ImagePulled(node="n", image="img", image_id="sha256:1", present=True, at_ns=1)
    assert said(pulled, with_two("p"), pod("q", node="n", phase="Pending"), pod("r", node="n", phase="Running")) == [
        ("p", "spec.initContainers{i}", "Pulled"),
        ("p", "spec.containers{c}", "Pulled"),
        ("q", "spec.containers{c}", "Pulled"),
    ]
    began = ContainerStarted(node="n", pod_uid=UID, container="i", attempt=0, container_id="x")
    assert said(pulled, with_two("p"), began) == [("p", "spec.containers{c}", "Pulled")], "one that runs waits no more"


def test_a_pull_that_fails_is_told_with_its_try() -> None:
    failed = ImagePullFailed(node="n", image="img", reason="ErrImagePull", message="no route", at_ns=1)
    assert [reason for *_, reason in said(failed, pod("p", node="n", phase="Pending"))] == ["Pulling", "Failed", "Failed"]


def test_facts_are_told_about_the_part_that_they_are_of() -> None:
    began = ContainerStarted(node="n", pod_uid=UID, container="i", attempt=0, container_id="x")
    assert said(began, with_two("p")) == [
        ("p", "spec.initContainers{i}", "Created"),
        ("p", "spec.initContainers{i}", "Started"),
    ]
    assert said(SandboxExited(node="n", pod_uid=UID, sandbox_id="s"), with_two("p")) == [("p", "", "SandboxChanged")]
    assert said(SandboxExited(node="n", pod_uid="gone", sandbox_id="s")) == [], "nobody is left to tell it about"
    assert said(PodNetworkLost(node="n", pod_uid=UID, message="m"), with_two("p")) == [("p", "", "NetworkNotReady")]
    assert said(PodNetworkMended(node="n", pod_uid=UID, message="m"), with_two("p")) == [("p", "", "NetworkMended")]
    failed = LifecycleHookFailed(node="n", pod_uid=UID, container="c", attempt=0, hook="PreStop", message="exit 1")
    assert said(failed, with_two("p")) == [("p", "spec.containers{c}", "FailedPreStopHook")]
    probe = ProbeFlipped(node="n", pod_uid=UID, container="c", attempt=0, probe="liveness", healthy=True)
    assert said(probe, with_two("p")) == []
    assert said(replace(probe, message="it leads away"), with_two("p")) == [("p", "spec.containers{c}", "ProbeWarning")]
    assert said(replace(probe, healthy=False, message="no"), with_two("p")) == [("p", "spec.containers{c}", "Unhealthy")]
    assert said(NodeObserved(node="n")) == [("n", "", "Starting")]


def test_what_is_done_is_told_after_it() -> None:
    stop = StopContainer(node="n", pod_uid=UID, container="i", attempt=0, grace_period_s=1, reason="")
    say = killing(with_two("p"), stop)
    assert say.after is stop and (say.reason, say.message, say.host) == ("Killing", "Stopping container i", "n")


def test_a_back_off_is_told_when_the_status_shows_it() -> None:
    state = core_v1.ContainerState(waiting=core_v1.ContainerStateWaiting(reason="CrashLoopBackOff"))
    shown = core_v1.ContainerStatus(name="c", image="img", image_id="", ready=False, restart_count=1, state=state)
    made = pod("p", node="n", uid=UID)
    update = Update(object=replace(made, status=replace(made.status, container_statuses=(shown,))), subresource="status")
    (say,) = backing_off(made, update)
    assert say.after is update and (say.type, say.reason) == ("Warning", "BackOff")
    assert say.message == f"Back-off restarting failed container c in pod p_default({UID})"


def test_a_start_tells_of_an_image_that_was_there() -> None:
    """The pull told only of those that waited for it."""
    pulled = ImagePulled(node="n", image="img", image_id="sha256:1", present=False, at_ns=5)
    made = pod("p", node="n", uid=UID, phase="Pending")

    def at_start(sandbox_ns: int, *before: Fact, attempt: int = 0, image: ImagePulled = pulled) -> list[tuple[str, str]]:
        began = ContainerStarted(node="n", pod_uid=UID, container="c", attempt=attempt, container_id="x", at_ns=9)
        sandbox = SandboxStarted(node="n", pod_uid=UID, sandbox_id="s", ip="10.0.0.1", at_ns=sandbox_ns)
        view = view_of(node("n"), observed("n"), made, sandbox, *before, image, began)
        return [(s.reason, s.message) for s in tells(view, began) if s.reason not in ("Created", "Started")]

    there = ("Pulled", 'Container image "img" already present on machine')
    assert at_start(sandbox_ns=6) == [there]
    assert at_start(sandbox_ns=4) == [], "it heard of the pull"
    first = ContainerStarted(node="n", pod_uid=UID, container="c", attempt=0, container_id="w", at_ns=6)
    ended = ContainerExited(node="n", pod_uid=UID, container="c", attempt=0, container_id="w", exit_code=1, at_ns=7)
    assert at_start(4, first, ended, attempt=1) == [there]
    again = at_start(4, first, ended, attempt=1, image=replace(pulled, at_ns=8, size_bytes=3))
    assert again == [("Pulling", 'Pulling image "img"'), ("Pulled", 'Successfully pulled image "img". Image size: 3 bytes.')]
