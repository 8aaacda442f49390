"""A pod's life on its node, decision by decision."""

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.kubelet import lifecycle
from shipslog.runtime.commands import (
    PullImage,
    RemovePodSandbox,
    RunPodSandbox,
    StartContainer,
    StopContainer,
    VolumeSource,
)
from shipslog.store.commands import Delete, Update
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    ImagePulled,
    ImagePullFailed,
    NetworkPoliciesApplied,
    NetworkPoliciesFailed,
    PodNetworkLost,
    PodNetworkMended,
    PressureObserved,
    SandboxRemoved,
    SandboxStarted,
    ThresholdMet,
)
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.meta_v1 import LabelSelector, ObjectMeta
from shipslog.store.objects.types.networking_v1 import NetworkPolicy, NetworkPolicySpec
from shipslog.store.objects.types.node_v1 import RuntimeClass
from tests.reconcilers.views import NOW, add, meta, node, observed, pod, service, view_of, woken

UID = "uid-pods-p"
SANDBOX = SandboxStarted(node="n", pod_uid=UID, sandbox_id="s1", ip="10.0.0.2", at_ns=NOW)
PULLED = ImagePulled(node="n", image="img", image_id="sha256:1", at_ns=NOW)
SECOND = 10**9


def started(attempt: int = 0) -> ContainerStarted:
    return ContainerStarted(node="n", pod_uid=UID, container="c", attempt=attempt, container_id=f"x{attempt}", at_ns=NOW)


def exited(code: int, attempt: int = 0) -> ContainerExited:
    return ContainerExited(node="n", pod_uid=UID, container="c", attempt=attempt, exit_code=code, at_ns=NOW)


def bound(**more: Any) -> core_v1.Pod:
    made = pod("p", node="n", phase="Pending", **more)
    (container,) = made.spec.containers
    container = replace(container, image_pull_policy="IfNotPresent")
    return replace(made, spec=replace(made.spec, containers=(container,)))


def world(*things: Any, **more: Any) -> MemoryView:
    return view_of(node("n"), observed("n"), bound(**more), *things)


def decide(view: MemoryView, now: int = NOW) -> Any:
    return lifecycle.decide(view, f"pod/{UID}", now=now)


def kinds(view: MemoryView, now: int = NOW) -> list[str]:
    return [type(c).__name__ for c in decide(view, now).commands]


def status(view: MemoryView, now: int = NOW) -> core_v1.PodStatus:
    (update,) = [c for c in decide(view, now).commands if isinstance(c, Update)]
    made: core_v1.PodStatus = update.object.status
    return made


def test_it_begins_with_a_sandbox_its_images_and_a_status() -> None:
    view = world()
    assert kinds(view) == ["PullImage", "RunPodSandbox", "Update"]
    first = status(view)
    assert (first.phase, first.qos_class, first.start_time) == ("Pending", "BestEffort", "2027-01-15T08:00:00Z")
    assert first.container_statuses[0].state.waiting == core_v1.ContainerStateWaiting(reason="ContainerCreating")


def test_then_its_containers_start() -> None:
    assert "StartContainer" in kinds(world(SANDBOX, PULLED))
    assert kinds(world(SANDBOX))[:1] == ["PullImage"], "not before the image is there"


NONE_YET = NetworkPoliciesApplied(node="n", digest="none")
CLOSED = NetworkPolicy(metadata=meta("closed"), spec=NetworkPolicySpec(pod_selector=LabelSelector(match_labels={"app": "p"})))


def test_nothing_starts_before_the_node_judges_the_traffic_of_a_pod_that_a_policy_selects() -> None:
    view = world(CLOSED, NONE_YET, SANDBOX, PULLED, labels={"app": "p"})
    assert kinds(view) == ["Update"] and status(view).pod_ip == "10.0.0.2"
    add(view, replace(bound(labels={"app": "p"}), status=status(view)))
    assert kinds(view) == [] and "NetworkPolicies" in decide(view).reason
    add(view, NetworkPoliciesApplied(node="n", digest="d", pods={UID: "10.0.0.9"}))
    assert kinds(view) == [], "that was its address once"
    add(view, NetworkPoliciesFailed(node="n", digest="e", message="no room"))
    (warned,) = decide(view).says
    assert kinds(view) == [] and (warned.reason, warned.message) == ("NetworkPoliciesNotApplied", "no room")
    assert woken(lifecycle.WAKES, view, NetworkPoliciesApplied(node="n", digest="f", pods={UID: "10.0.0.2"})) == [f"pod/{UID}"]
    assert "StartContainer" in kinds(view)
    add(view, started())
    assert woken(lifecycle.WAKES, view, NONE_YET) == [] and kinds(view), "what runs goes on"


def test_who_is_under_no_policy_waits_for_none() -> None:
    assert "StartContainer" in kinds(world(CLOSED, NONE_YET, SANDBOX, PULLED, labels={"app": "q"}))
    assert "StartContainer" in kinds(world(CLOSED, SANDBOX, PULLED, labels={"app": "p"})), "its node says nothing of policies"
    nowhere = replace(SANDBOX, ip="")
    assert "StartContainer" in kinds(world(CLOSED, NONE_YET, nowhere, PULLED, labels={"app": "p"})), "it has no address"


def test_the_container_knows_the_services_that_are_there() -> None:
    view = view_of(node("n"), observed("n"), service("redis-master"), bound(), SANDBOX, PULLED)
    (start,) = [c for c in decide(view).commands if isinstance(c, StartContainer)]
    assert dict(start.env)["REDIS_MASTER_SERVICE_HOST"] == "10.96.0.9"
    assert dict(start.env)["REDIS_MASTER_PORT_80_TCP"] == "tcp://10.96.0.9:80"


def test_running_is_said_with_conditions_and_addresses() -> None:
    running = status(world(SANDBOX, PULLED, started()))
    assert (running.phase, running.pod_ip, running.host_ip) == ("Running", "10.0.0.2", "192.0.2.9")
    assert {c.type: c.status for c in running.conditions} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    assert running.container_statuses[0].ready and running.container_statuses[0].started


def test_a_crash_is_restarted_at_once_and_then_with_back_off() -> None:
    once = world(SANDBOX, PULLED, started(), exited(1))
    (start,) = [c for c in decide(once).commands if isinstance(c, StartContainer)]
    assert start.attempt == 1
    twice = world(SANDBOX, PULLED, started(), exited(1), started(1), exited(1, 1))
    decision = decide(twice, NOW + SECOND)
    assert not [c for c in decision.commands if isinstance(c, StartContainer)]
    waiting = status(twice, NOW + SECOND).container_statuses[0]
    assert waiting.state.waiting is not None and waiting.state.waiting.reason == "CrashLoopBackOff"
    assert "back-off 10s restarting failed container=c pod=p_default" in waiting.state.waiting.message
    assert waiting.last_state.terminated is not None and waiting.restart_count == 1
    assert decision.requeue_after == 9.0
    assert "StartContainer" in kinds(twice, NOW + 10 * SECOND)


def test_what_is_not_to_be_restarted_is_not() -> None:
    for policy, code, phase in (("Never", 0, "Succeeded"), ("Never", 1, "Failed"), ("OnFailure", 0, "Succeeded")):
        view = world(SANDBOX, PULLED, started(), exited(code), spec=core_v1.PodSpec(restart_policy=policy))
        assert "StartContainer" not in kinds(view) and status(view).phase == phase, policy


def test_an_image_that_cannot_be_had_is_tried_again_later() -> None:
    failed = ImagePullFailed(node="n", image="img", reason="ErrImagePull", message="not found", at_ns=NOW)
    view = world(SANDBOX, failed)
    assert "PullImage" not in kinds(view)
    assert status(view).container_statuses[0].state.waiting == core_v1.ContainerStateWaiting(
        reason="ErrImagePull", message="not found"
    )
    later = status(view, NOW + 2 * SECOND).container_statuses[0].state.waiting
    assert later is not None and later.reason == "ImagePullBackOff"
    assert "PullImage" in kinds(view, NOW + 11 * SECOND)


def test_a_pod_that_may_not_pull_shows_no_others_failure() -> None:
    """Which pod's pull has failed is not kept: what may pull and what may not each has words of its own."""

    def shown(policy: str, reason: str) -> tuple[str, bool]:
        made = bound()
        container = replace(made.spec.containers[0], image_pull_policy=policy)
        made = replace(made, spec=replace(made.spec, containers=(container,)))
        failed = ImagePullFailed(node="n", image="img", reason=reason, message="words", at_ns=NOW)
        view = view_of(node("n"), observed("n"), made, SANDBOX, failed)
        waiting = status(view).container_statuses[0].state.waiting
        assert waiting is not None
        return waiting.reason, "PullImage" in kinds(view)

    assert shown("Never", "ErrImagePull") == ("ErrImageNeverPull", False)
    assert shown("Never", "ErrImageNeverPull") == ("ErrImageNeverPull", False)
    assert shown("IfNotPresent", "ErrImagePull") == ("ErrImagePull", False)
    assert shown("IfNotPresent", "ErrImageNeverPull") == ("ContainerCreating", True), "it may pull, so it does"


def test_deletion_stops_then_removes_then_lets_go() -> None:
    going = {"deletion_timestamp": "2027-01-15T08:00:30Z", "deletion_grace_period_seconds": 7}
    view = world(SANDBOX, PULLED, started(), **going)
    (stop,) = [c for c in decide(view).commands if isinstance(c, StopContainer)]
    assert stop.grace_period_s == 7
    add(view, exited(143))
    assert RemovePodSandbox(node="n", pod_uid=UID) in decide(view).commands
    add(view, SandboxRemoved(node="n", pod_uid=UID))
    (gone,) = decide(view).commands
    assert isinstance(gone, Delete) and (gone.name, gone.grace_period_s) == ("p", 0)


def test_what_the_api_has_forgotten_is_removed() -> None:
    view = view_of(node("n"), observed("n"), SANDBOX)
    assert decide(view).commands == (RemovePodSandbox(node="n", pod_uid=UID),)
    assert lifecycle.decide(view, "pod/unknown", now=NOW).commands == ()


def test_a_node_that_has_not_reported_is_not_asked() -> None:
    assert lifecycle.decide(view_of(node("n"), bound()), f"pod/{UID}", now=NOW).commands == ()


def test_init_containers_run_first_one_after_the_other() -> None:
    init = tuple(core_v1.Container(name=n, image="img", image_pull_policy="IfNotPresent") for n in ("i1", "i2"))
    view = world(SANDBOX, PULLED, spec=core_v1.PodSpec(init_containers=init))

    def starts() -> list[str]:
        return [c.container for c in decide(view).commands if isinstance(c, StartContainer)]

    assert starts() == ["i1"]
    for name in ("i1", "i2"):
        assert starts() == [name]
        common = {"node": "n", "pod_uid": UID, "container": name, "attempt": 0, "at_ns": NOW}
        add(view, ContainerStarted(container_id=name, **common))
        assert starts() == []
        add(view, ContainerExited(exit_code=0, **common))
    assert starts() == ["c"]


def test_a_deadline_ends_the_pod() -> None:
    view = world(SANDBOX, PULLED, started(), spec=core_v1.PodSpec(active_deadline_seconds=5))
    entry = view.by_uid(UID)
    assert entry is not None
    running = replace(entry.object, status=replace(entry.object.status, start_time="2027-01-15T08:00:00Z"))
    view = view_of(node("n"), observed("n"), running, SANDBOX, PULLED, started())
    assert decide(view, NOW + 2 * SECOND).requeue_after == 3.0
    decision = decide(view, NOW + 5 * SECOND)
    assert [c.reason for c in decision.says if c.after is None] == ["DeadlineExceeded"]
    assert [type(c).__name__ for c in decision.commands][:1] == ["StopContainer"]
    add(view, exited(143))
    ended = status(view, NOW + 5 * SECOND)
    assert (ended.phase, ended.reason) == ("Failed", "DeadlineExceeded")


def test_another_image_restarts_the_container() -> None:
    view = world(SANDBOX, PULLED, started())
    assert "StopContainer" not in kinds(view)
    entry = view.by_uid(UID)
    assert entry is not None
    (container,) = entry.object.spec.containers
    spec = replace(entry.object.spec, containers=(replace(container, image="other"),))
    add(view, replace(entry.object, spec=spec))
    (stop,) = [c for c in decide(view).commands if isinstance(c, StopContainer)]
    assert stop.reason == "Container c definition changed, will be restarted"


def test_missing_settings_are_waited_for() -> None:
    volume = core_v1.Volume(name="v", config_map=core_v1.ConfigMapVolumeSource(name="settings"))
    view = world(spec=core_v1.PodSpec(volumes=(volume,)))
    decision = decide(view)
    assert not [c for c in decision.commands if isinstance(c, RunPodSandbox)]
    assert [(c.reason, c.message) for c in decision.says if c.after is None] == [
        ("FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "settings" not found')
    ]
    assert PullImage in {type(c) for c in decision.commands}


def test_a_sysctl_that_is_not_the_pods_own_is_refused() -> None:
    for name, phase in (("kernel.msgmax", "Failed"), ("net.ipv4.tcp_syncookies", "Pending")):
        security = core_v1.PodSecurityContext(sysctls=(core_v1.Sysctl(name=name, value="1"),))
        assert status(world(spec=core_v1.PodSpec(security_context=security))).phase == phase


def test_a_status_says_which_generation_of_the_pod_it_is_of() -> None:
    """KEP-5067: as a whole, and each of the kubelet's conditions; also of a pod that it does not take."""
    made = bound()
    made = replace(made, metadata=replace(made.metadata, generation=3))
    seen = status(view_of(node("n"), observed("n"), made))
    assert seen.observed_generation == 3
    assert {c.type: c.observed_generation for c in seen.conditions} == dict.fromkeys(
        ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"), 3
    )
    changed = replace(made, metadata=replace(made.metadata, generation=4), status=seen)
    again = status(view_of(node("n"), observed("n"), changed))
    assert {c.observed_generation for c in again.conditions} == {again.observed_generation} == {4}
    security = core_v1.PodSecurityContext(sysctls=(core_v1.Sysctl(name="kernel.msgmax", value="1"),))
    refused = replace(made, spec=replace(made.spec, security_context=security))
    assert status(view_of(node("n"), observed("n"), refused)).observed_generation == 3


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("$(NOPE)/x", 'missing value for "NOPE"'),
        ("$(ROOT)", "error SubPath `/tmp` must not be an absolute path"),
        ("a/$(UP)", "unable to provision SubPath `a/..`: must not contain '..'"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path: str, why: str) -> None:
    mount = core_v1.VolumeMount(name="v", mount_path="/v", sub_path_expr=path)
    env = core_v1.EnvVar(name="ROOT", value="/tmp"), core_v1.EnvVar(name="UP", value="..")
    volume = core_v1.Volume(name="v", empty_dir=core_v1.EmptyDirVolumeSource())
    made = bound(spec=core_v1.PodSpec(volumes=(volume,)))
    (container,) = made.spec.containers
    made = replace(made, spec=replace(made.spec, containers=(replace(container, volume_mounts=(mount,), env=env),)))
    view = view_of(node("n"), observed("n"), made, SANDBOX, PULLED)
    (waiting,) = [s.state.waiting for s in status(view).container_statuses]
    assert waiting is not None and waiting.reason == "CreateContainerConfigError"
    assert why in waiting.message


def test_a_pod_that_was_put_on_a_node_where_it_does_not_fit_is_refused() -> None:
    def outcome(**more: Any) -> tuple[str, str]:
        found = status(world(**more))
        return found.phase, found.reason

    assert outcome(cpu="500") == ("Failed", "OutOfcpu")
    assert outcome(cpu="1") == ("Pending", "")
    assert outcome(spec=core_v1.PodSpec(node_selector={"disk": "ssd"})) == ("Failed", "NodeAffinity")
    fitting = status(world())
    assert [c.status for c in fitting.conditions if c.type == "PodScheduled"] == ["True"]


def test_a_refused_pod_shows_why_and_nothing_of_containers_that_never_were() -> None:
    security = core_v1.PodSecurityContext(sysctls=(core_v1.Sysctl(name="kernel.msgmax", value="1"),))
    view = world(spec=core_v1.PodSpec(security_context=security))
    refused = status(view)
    assert (refused.reason, refused.container_statuses, refused.host_ip) == ("SysctlForbidden", (), "")
    entry = view.by_uid(UID)
    assert entry is not None
    add(view, replace(entry.object, status=refused))
    assert decide(view).commands == (), "and so it stays"


def test_before_its_first_word_a_pod_with_init_containers_is_initializing() -> None:
    init = (core_v1.Container(name="i", image="img"),)
    first = status(world(spec=core_v1.PodSpec(init_containers=init)))
    waiting = [s.state.waiting for s in (*first.init_container_statuses, *first.container_statuses)]
    assert [w.reason for w in waiting if w is not None] == ["PodInitializing", "PodInitializing"]


def test_of_a_container_that_looks_at_others_nothing_is_ready() -> None:
    """Kubernetes' prober leaves ephemeral containers alone: they are neither ready nor started, also while they run."""
    debugger = core_v1.EphemeralContainer(name="dbg", image="img", image_pull_policy="IfNotPresent")
    spec = core_v1.PodSpec(ephemeral_containers=(debugger,))
    for facts in ((), (started_as("dbg"),)):
        (shown,) = status(world(SANDBOX, PULLED, started(), *facts, spec=spec)).ephemeral_container_statuses
        assert (shown.ready, shown.started, shown.state.running is not None) == (False, None, bool(facts))


def test_containers_after_one_with_a_post_start_hook_wait_for_it() -> None:
    """A kubelet starts one after the other; a proxy that others need holds them back so, until it is ready."""
    sleep = core_v1.LifecycleHandler(sleep=core_v1.SleepAction(seconds=1))
    first, second = (core_v1.Container(name=name, image="img", image_pull_policy="IfNotPresent") for name in ("c", "d"))
    first = replace(first, lifecycle=core_v1.Lifecycle(post_start=sleep))
    made = bound()
    made = replace(made, spec=replace(made.spec, containers=(first, second)))

    def starts(*facts: Any) -> list[str]:
        view = view_of(node("n"), observed("n"), made, SANDBOX, *facts)
        return [c.container for c in decide(view).commands if isinstance(c, StartContainer)]

    assert starts() == [], "its image is not there"
    assert starts(PULLED) == ["c"]
    assert starts(PULLED, started()) == ["d"], "its start is told when the hook has done its part"
    twice = (PULLED, started(), exited(1), started(1), exited(1, 1))
    assert starts(*twice) == ["d"], "it waits to be started again"
    failed = ImagePullFailed(node="n", image="img", reason="ErrImagePull", message="no", at_ns=NOW)
    second = replace(second, image="other")
    made = replace(made, spec=replace(made.spec, containers=(first, second)))
    assert starts(failed, replace(PULLED, image="other")) == ["d"], "it cannot start for now"


def of_sidecar(fact: type[Any], **more: Any) -> Any:
    return fact(node="n", pod_uid=UID, container="side", attempt=0, at_ns=NOW, **more)


def test_a_pod_is_not_over_while_a_sidecar_runs() -> None:
    sidecar = core_v1.Container(name="side", image="img", restart_policy="Always", image_pull_policy="IfNotPresent")
    spec = core_v1.PodSpec(init_containers=(sidecar,), restart_policy="Never")
    begun = of_sidecar(ContainerStarted, container_id="s")
    view = world(SANDBOX, PULLED, begun, started(), exited(0), spec=spec)
    assert kinds(view)[:1] == ["StopContainer"] and status(view).phase == "Running"
    add(view, of_sidecar(ContainerExited, exit_code=143))
    assert kinds(view) == ["Update"], "the sidecar is not started again"
    assert status(view).phase == "Succeeded"


def test_sidecars_are_told_to_end_with_the_others_and_wait_for_their_turn() -> None:
    """All hooks run at once, and one grace period is for all of them (KEP-753)."""
    init = tuple(
        core_v1.Container(name=name, image="img", restart_policy="Always", image_pull_policy="IfNotPresent")
        for name in ("s1", "s2", "s3")
    )
    made = bound(spec=core_v1.PodSpec(init_containers=init, termination_grace_period_seconds=7))
    ending = replace(made.metadata, deletion_timestamp="2027-01-15T08:00:07Z", deletion_grace_period_seconds=7)
    world_of = (node("n"), observed("n"), replace(made, metadata=ending), SANDBOX, PULLED)
    begun = [started_as(name) for name in ("c", "s1", "s2", "s3")]
    stops = [c for c in decide(view_of(*world_of, *begun)).commands if isinstance(c, StopContainer)]
    assert [(s.container, s.after or ()) for s in stops] == [
        ("c", ()),
        ("s3", ("c",)),
        ("s2", ("c", "s3")),
        ("s1", ("c", "s3", "s2")),
    ]
    assert {s.grace_period_s for s in stops} == {7}


def test_a_pod_whose_init_container_failed_waits_for_its_sidecars_too() -> None:
    init = (
        core_v1.Container(name="side", image="img", restart_policy="Always", image_pull_policy="IfNotPresent"),
        core_v1.Container(name="i", image="img", image_pull_policy="IfNotPresent"),
    )
    failed = ContainerExited(node="n", pod_uid=UID, container="i", attempt=0, exit_code=1, at_ns=NOW)
    begun = of_sidecar(ContainerStarted, container_id="s")
    spec = core_v1.PodSpec(init_containers=init, restart_policy="Never")
    view = world(SANDBOX, PULLED, begun, started_as("i"), failed, spec=spec)
    assert kinds(view)[:1] == ["StopContainer"] and status(view).phase == "Pending"
    add(view, of_sidecar(ContainerExited, exit_code=143))
    assert status(view).phase == "Failed"


def started_as(container: str) -> ContainerStarted:
    return ContainerStarted(node="n", pod_uid=UID, container=container, attempt=0, container_id=container, at_ns=NOW)


@pytest.mark.parametrize(
    ("of_pod", "own", "operator", "exit_code", "again"),
    [
        ("Never", "", "", 42, False),
        ("Never", "OnFailure", "", 42, True),
        ("Never", "OnFailure", "", 0, False),
        ("Always", "Never", "", 42, False),
        ("Never", "Never", "In", 42, True),
        ("Never", "Never", "In", 43, False),
        ("Never", "Never", "NotIn", 42, False),
        ("Never", "Never", "NotIn", 43, True),
    ],
)
def test_a_containers_own_policy_and_rules_say_whether_it_is_started_again(
    of_pod: str, own: str, operator: str, exit_code: int, again: bool
) -> None:
    made = bound()
    codes = core_v1.ContainerRestartRuleOnExitCodes(operator=operator, values=(42,))
    rules = (core_v1.ContainerRestartRule(action="Restart", exit_codes=codes),) if operator else ()
    (container,) = made.spec.containers
    container = replace(container, restart_policy=own or None, restart_policy_rules=rules)
    made = replace(made, spec=replace(made.spec, containers=(container,), restart_policy=of_pod))
    view = view_of(node("n"), observed("n"), made, SANDBOX, PULLED, started(), exited(exit_code))
    assert ("StartContainer" in kinds(view)) is again
    assert again or status(view).phase == ("Failed" if exit_code else "Succeeded")


def test_one_that_is_cut_off_says_so_until_it_is_mended() -> None:
    lost = PodNetworkLost(node="n", pod_uid=UID, message="no such device", at_ns=NOW)
    view = world(SANDBOX, PULLED, started(), lost)
    condition = next(c for c in status(view).conditions if c.type == "PodReadyToStartContainers")
    assert (condition.status, condition.reason, condition.message) == ("False", "NetworkNotReady", "no such device")
    assert status(view).phase == "Running"
    add(view, PodNetworkMended(node="n", pod_uid=UID, message="joined it again", at_ns=NOW))
    assert next(c for c in status(view).conditions if c.type == "PodReadyToStartContainers").status == "True"


def test_images_that_are_volumes_are_pulled_like_those_of_containers() -> None:
    made = bound()
    (container,) = made.spec.containers
    data = core_v1.Volume(name="v", image=core_v1.ImageVolumeSource(reference="data:1", pull_policy="IfNotPresent"))
    mounted = replace(container, volume_mounts=(core_v1.VolumeMount(name="v", mount_path="/v"),))
    made = replace(made, spec=replace(made.spec, containers=(mounted,), volumes=(data,)))
    sandbox = next(c for c in decide(view_of(node("n"), observed("n"), made)).commands if isinstance(c, RunPodSandbox))
    assert sandbox.volumes == (VolumeSource(name="v", kind="image", image="data:1", read_only=True),)
    view = view_of(node("n"), observed("n"), made, SANDBOX, PULLED)
    (pull,) = [c for c in decide(view).commands if isinstance(c, PullImage)]
    assert (pull.image, pull.policy) == ("data:1", "IfNotPresent") and "StartContainer" not in kinds(view)
    missing = ImagePullFailed(node="n", image="data:1", reason="ErrImagePull", message="no such image", at_ns=NOW)
    add(view, missing)
    waiting = status(view).container_statuses[0].state.waiting
    assert waiting is not None and (waiting.reason, waiting.message) == ("ErrImagePull", "no such image")
    add(view, ImagePulled(node="n", image="data:1", image_id="sha256:d", size_bytes=1, present=False, at_ns=NOW))
    assert "StartContainer" in kinds(view)


def test_a_pod_as_a_whole_has_limits_that_its_containers_keep_to() -> None:
    made = bound()
    (container,) = made.spec.containers
    requests, limits = {"cpu": "500m", "memory": "3Gi"}, {"cpu": "1", "memory": "4Gi"}
    own = replace(container, resources=core_v1.ResourceRequirements(requests={"memory": "1Gi"}, limits={"memory": "2Gi"}))
    other = replace(container, name="other")
    whole = core_v1.ResourceRequirements(requests=requests, limits=limits)
    made = replace(made, spec=replace(made.spec, containers=(own, other), resources=whole))
    sandbox = next(c for c in decide(view_of(node("n"), observed("n"), made)).commands if isinstance(c, RunPodSandbox))
    assert (sandbox.cpu_limit_milli, sandbox.memory_limit_bytes) == (1000, 4 << 30)
    view = view_of(node("n"), observed("n"), made, SANDBOX, PULLED)
    mine, its = [c for c in decide(view).commands if isinstance(c, StartContainer)]
    assert (mine.cpu_limit_milli, mine.memory_limit_bytes) == (1000, 2 << 30)
    assert (its.cpu_request_milli, its.cpu_limit_milli, its.memory_limit_bytes) == (0, 1000, 4 << 30)
    assert its.oom_score_adj > mine.oom_score_adj  # each has half of what only the pod asks for
    small = replace(made, spec=replace(made.spec, resources=None))
    assert next(
        c for c in decide(view_of(node("n"), observed("n"), small)).commands if isinstance(c, RunPodSandbox)
    ) == replace(sandbox, cpu_limit_milli=0, memory_limit_bytes=0)


def test_huge_pages_are_of_the_size_that_containers_ask_for() -> None:
    made = bound()
    (container,) = made.spec.containers
    amounts = {"hugepages-2Mi": "4Mi", "memory": "16Mi"}
    asks = replace(container, resources=core_v1.ResourceRequirements(requests=amounts, limits=amounts))
    volume = core_v1.Volume(name="v", empty_dir=core_v1.EmptyDirVolumeSource(medium="HugePages"))
    placed = replace(made.status, conditions=(core_v1.PodCondition(type="PodScheduled", status="True"),))
    made = replace(made, spec=replace(made.spec, containers=(asks,), volumes=(volume,)), status=placed)
    decision = decide(view_of(node("n"), observed("n"), made))
    sandbox = next(c for c in decision.commands if isinstance(c, RunPodSandbox))
    assert sandbox.volumes == (VolumeSource(name="v", kind="emptyDir", medium="HugePages-2Mi"),)
    assert first_start(made).huge_pages == {"2Mi": 4 << 20}
    made = replace(made, spec=replace(made.spec, containers=(container,)))
    decision = decide(view_of(node("n"), observed("n"), made))
    assert "RunPodSandbox" not in [type(c).__name__ for c in decision.commands] and "they ask for: none" in decision.reason


@pytest.mark.parametrize(("runtime", "phase"), [("shipslog://crun-1", "Failed"), ("simulated://1", "Pending")])
def test_profiles_of_app_armor_are_not_kept_to_in_silence(runtime: str, phase: str) -> None:
    made = bound()
    profile = core_v1.AppArmorProfile(type="RuntimeDefault")
    made = replace(made, spec=replace(made.spec, security_context=core_v1.PodSecurityContext(app_armor_profile=profile)))
    seen = replace(observed("n"), info={"containerRuntimeVersion": runtime})
    found = status(view_of(node("n"), seen, made))
    assert found.phase == phase
    assert phase != "Failed" or (found.reason, found.message) == ("AppArmor", APP_ARMOR)


def test_variables_of_files_are_left_to_the_runtime() -> None:
    def of_file(name: str) -> core_v1.EnvVar:
        key = core_v1.FileKeySelector(volume_name="v", path="env", key="K", optional=True)
        return core_v1.EnvVar(name=name, value_from=core_v1.EnvVarSource(file_key_ref=key))

    made = bound()
    (container,) = made.spec.containers
    env = (
        of_file("A"),
        of_file("B"),
        core_v1.EnvVar(name="B", value="later"),
        core_v1.EnvVar(name="C", value="x"),
        of_file("C"),
    )
    start = first_start(replace(made, spec=replace(made.spec, containers=(replace(container, env=env),))))
    assert start.env_files is not UNSET
    assert [(one.name, one.volume, one.key) for one in start.env_files] == [("A", "v", "K"), ("C", "v", "K")]
    assert dict(start.env)["B"] == "later" and "C" not in dict(start.env)


APP_ARMOR = "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host"


def first_start(made: core_v1.Pod) -> StartContainer:
    view = view_of(node("n"), observed("n"), made, SANDBOX, PULLED)
    (start,) = [c for c in decide(view).commands if isinstance(c, StartContainer)]
    return start


def test_what_a_pod_says_of_users_and_its_class_reaches_its_sandbox() -> None:
    def sandbox(*classes: Any, **spec: Any) -> Any:
        made = bound()
        view = view_of(node("n"), observed("n"), replace(made, spec=replace(made.spec, **spec)), *classes)
        return decide(view)

    (plain,) = [c for c in sandbox(host_users=True).commands if isinstance(c, RunPodSandbox)]
    assert (plain.own_users, plain.handler) == (UNSET, UNSET)
    kind = RuntimeClass(metadata=ObjectMeta(name="other"), handler="runc")
    decision = sandbox(kind, host_users=False, runtime_class_name="other")
    (made,) = [c for c in decision.commands if isinstance(c, RunPodSandbox)]
    assert (made.own_users, made.handler) == (True, "runc")
    gone = sandbox(runtime_class_name="other")
    assert not [c for c in gone.commands if isinstance(c, RunPodSandbox)]
    why = 'failed to get sandbox runtime: failed to get RuntimeClass: RuntimeClass "other" not found'
    assert [say.message for say in gone.says if say.reason == "FailedCreatePodSandBox"] == [
        f"Failed to create pod sandbox: {why}"
    ]


def test_what_it_says_of_proc_and_groups_reaches_its_start() -> None:
    made = bound()
    (container,) = made.spec.containers
    security = first_start(made).security
    assert (security.proc_unmasked, security.groups_strict) == (UNSET, UNSET)
    container = replace(container, security_context=core_v1.SecurityContext(proc_mount="Unmasked"))
    whole = core_v1.PodSecurityContext(supplemental_groups_policy="Strict")
    made = replace(made, spec=replace(made.spec, containers=(container,), security_context=whole, host_users=False))
    security = first_start(made).security
    assert (security.proc_unmasked, security.groups_strict) == (True, True)


def test_what_a_container_says_of_signals_and_system_calls_reaches_its_start() -> None:
    made = bound()
    local = core_v1.SeccompProfile(type="Localhost", localhost_profile="audit.json")
    (container,) = made.spec.containers
    signalled = replace(container, lifecycle=core_v1.Lifecycle(stop_signal="SIGUSR1"))
    whole = core_v1.PodSecurityContext(seccomp_profile=local)
    made = replace(made, spec=replace(made.spec, containers=(signalled,), security_context=whole))
    start = first_start(made)
    assert (start.stop_signal, start.security.seccomp_profile) == ("SIGUSR1", "audit.json")
    assert start.security.seccomp_default is UNSET
    default = core_v1.SecurityContext(seccomp_profile=core_v1.SeccompProfile(type="RuntimeDefault"))
    confined = first_start(replace(made, spec=replace(made.spec, containers=(replace(container, security_context=default),))))
    assert (confined.security.seccomp_profile, confined.security.seccomp_default) == ("", True)
    trusted = replace(container, security_context=replace(default, privileged=True))
    assert first_start(replace(made, spec=replace(made.spec, containers=(trusted,)))).security.seccomp_default is UNSET
    own = core_v1.SecurityContext(seccomp_profile=core_v1.SeccompProfile(type="Unconfined"))
    made = replace(made, spec=replace(made.spec, containers=(replace(container, security_context=own),)))
    start = first_start(made)
    assert (start.stop_signal, start.security.seccomp_profile) == ("", "")


SHORT = PressureObserved(node="n", thresholds=(ThresholdMet(signal="memory.available", quantity=2, available=1),), at_ns=NOW)
DISK = ThresholdMet(signal="nodefs.available", quantity=2, available=1)
MARK = core_v1.PodCondition(type="DisruptionTarget", status="True", reason="TerminationByKubelet", message="It was low. ")


def test_one_that_has_to_go_is_ended_soon_fails_and_leaves_nothing() -> None:
    made = bound()
    made = replace(made, status=replace(made.status, conditions=(MARK,)))
    view = view_of(node("n"), observed("n"), SHORT, made, SANDBOX, PULLED, started())
    (stop,) = [c for c in decide(view).commands if isinstance(c, StopContainer)]
    assert stop.grace_period_s == 1 and status(view).phase == "Running", "it has not failed while it runs"
    add(view, exited(137))
    failed = status(view)
    assert (failed.phase, failed.reason, failed.message) == ("Failed", "Evicted", "It was low. ")
    add(view, replace(made, status=failed))
    assert kinds(view) == ["RemovePodSandbox"]
    mine = replace(MARK, reason="PreemptionByScheduler")
    add(view, replace(made, status=replace(made.status, conditions=(mine,))))
    assert "Evicted" not in decide(view).reason, "that is somebody else's doing"


def test_a_node_that_runs_short_of_memory_takes_only_who_asks_for_some_or_tolerates_it() -> None:
    def refused_as(**more: Any) -> str:
        return status(view_of(node("n"), observed("n"), SHORT, bound(**more))).reason

    tolerant = core_v1.Toleration(key="node.kubernetes.io/memory-pressure", operator="Exists")
    assert refused_as() == "Evicted" and refused_as(cpu="1") == ""
    assert refused_as(spec=core_v1.PodSpec(tolerations=(tolerant,))) == ""
    assert refused_as(spec=core_v1.PodSpec(priority=2_000_000_000)) == ""
    add(view := view_of(node("n"), observed("n"), bound(cpu="1")), PressureObserved(node="n", thresholds=(DISK,), at_ns=NOW))
    assert status(view).message == "Pod was rejected: The node had condition: [DiskPressure]. "


def test_the_status_says_as_whom_and_with_what_a_container_runs() -> None:
    made = bound()
    (container,) = made.spec.containers
    mounts = (
        core_v1.VolumeMount(name="v", mount_path="/v"),
        core_v1.VolumeMount(name="v", mount_path="/r", read_only=True),
        core_v1.VolumeMount(name="v", mount_path="/rr", read_only=True, recursive_read_only="IfPossible"),
        core_v1.VolumeMount(name="i", mount_path="/i", read_only=True),
    )
    volumes = (
        core_v1.Volume(name="v", empty_dir=core_v1.EmptyDirVolumeSource()),
        core_v1.Volume(name="i", image=core_v1.ImageVolumeSource(reference="img")),
    )
    whole = core_v1.ResourceRequirements(requests={"cpu": "1"}, limits={"cpu": "2"})
    spec = replace(made.spec, containers=(replace(container, volume_mounts=mounts),), volumes=volumes, resources=whole)
    made = replace(made, spec=spec)
    begun = replace(started(), user=(7, 8, 8, 9), stop_signal="SIGUSR1")
    view = view_of(node("n"), observed("n"), made, SANDBOX, PULLED, begun)
    (update,) = [c for c in decide(view).commands if isinstance(c, Update)]
    status = update.object.status
    (told,) = status.container_statuses
    assert (
        told.user == core_v1.ContainerUser(linux=core_v1.LinuxContainerUser(uid=7, gid=8, supplemental_groups=(8, 9)))
        and told.stop_signal == "SIGUSR1"
    )
    seen = [(one.mount_path, one.read_only, one.recursive_read_only) for one in told.volume_mounts]
    assert seen == [("/v", False, None), ("/r", True, "Disabled"), ("/rr", True, "Enabled"), ("/i", True, "Disabled")]
    assert told.volume_mounts[3].volume_status is not None and told.volume_mounts[3].volume_status.image is not None
    assert (status.allocated_resources, status.resources) == ({"cpu": "1"}, whole)
