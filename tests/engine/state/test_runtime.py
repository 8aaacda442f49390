"""What runs, from facts that may come late, twice, or not at all."""

from shipslog.engine.state.runtime import RESET_AFTER_NS, evolve_image, evolve_pod
from shipslog.store.facts import (
    ContainerExited,
    ContainerStarted,
    ContainerStartFailed,
    ImagePulled,
    ImagePullFailed,
    PodFact,
    ProbeFlipped,
    SandboxExited,
    SandboxFailed,
    SandboxStarted,
)
from shipslog.store.state import PodRuntime

POD = {"node": "n", "pod_uid": "u"}
C = {**POD, "container": "c"}
SANDBOX = SandboxStarted(**POD, sandbox_id="s1", ip="10.0.0.2", at_ns=1)


def started(attempt: int, at: int = 10) -> ContainerStarted:
    return ContainerStarted(**C, attempt=attempt, container_id=f"id{attempt}", image_id="i", at_ns=at)


def exited(attempt: int, code: int = 1, at: int = 20) -> ContainerExited:
    return ContainerExited(**C, attempt=attempt, container_id=f"id{attempt}", exit_code=code, at_ns=at)


def after(*facts: PodFact) -> PodRuntime:
    pod: PodRuntime | None = None
    for fact in facts:
        pod = evolve_pod(pod, fact)
    assert pod is not None
    return pod


def test_a_container_lives_and_is_restarted() -> None:
    pod = after(SANDBOX, started(0), exited(0, 3), started(1))
    container = pod.containers["c"]
    assert (container.attempt, container.running, container.container_id) == (1, True, "id1")
    assert container.last_exit is not None and container.last_exit.exit_code == 3
    assert container.failures == 1


def test_the_same_fact_twice_changes_nothing() -> None:
    for fact in (started(0), exited(0)):
        pod = after(SANDBOX, started(0), exited(0))
        assert evolve_pod(pod, fact) is pod


def test_an_older_attempt_has_no_say() -> None:
    pod = after(SANDBOX, started(0), exited(0), started(1))
    assert evolve_pod(pod, exited(0)) is pod
    assert evolve_pod(pod, started(0)) is pod


def test_an_exit_may_be_the_first_word_of_an_attempt() -> None:
    pod = after(SANDBOX, started(0), exited(0), exited(1, 7))
    assert pod.containers["c"].exit is not None and pod.containers["c"].exit.exit_code == 7
    assert not pod.containers["c"].running


def test_failures_count_up_and_a_long_run_starts_anew() -> None:
    pod = after(SANDBOX, started(0), exited(0), ContainerStartFailed(**C, attempt=1, reason="R", message="m", at_ns=30))
    assert pod.containers["c"].failures == 2
    pod = after(SANDBOX, started(0), exited(0), started(1, at=100), exited(1, at=100 + RESET_AFTER_NS))
    assert pod.containers["c"].failures == 1


def test_probes_belong_to_a_running_attempt() -> None:
    flip = ProbeFlipped(**C, attempt=0, probe="readiness", healthy=True, at_ns=15)
    assert after(SANDBOX, started(0), flip).containers["c"].probes["readiness"].healthy
    pod = after(SANDBOX, started(0), exited(0))
    assert evolve_pod(pod, flip) is pod
    assert after(SANDBOX, started(0), flip, exited(0), started(1)).containers["c"].probes == {}


def test_a_sandbox_fails_starts_and_ends() -> None:
    pod = after(SandboxFailed(**POD, reason="FailedMount", message="no such secret", at_ns=1))
    assert (pod.sandbox_failures, pod.sandbox_message) == (1, "no such secret")
    pod = after(SandboxFailed(**POD, reason="R", message="m"), SANDBOX)
    assert (pod.sandbox_id, pod.sandbox_failures, pod.ip) == ("s1", 0, "10.0.0.2")
    renewed = after(SANDBOX, SandboxFailed(**POD, reason="FailedMount", message="its driver refuses"))
    assert renewed == after(SANDBOX)  # a volume of a pod that runs: its sandbox is what it was
    assert after(SANDBOX, SandboxExited(**POD, sandbox_id="s1")).sandbox_id == ""
    assert after(SANDBOX, SandboxExited(**POD, sandbox_id="older")).sandbox_id == "s1"


def test_a_word_about_a_removed_pod_is_nothing() -> None:
    assert evolve_pod(None, exited(0)) is None


def test_images() -> None:
    failed = ImagePullFailed(node="n", image="i", reason="ErrImagePull", message="no", at_ns=1)
    state = evolve_image(evolve_image(None, failed), failed)
    assert state.failures == 2 and state.failed == failed
    assert evolve_image(state, ImagePulled(node="n", image="i", image_id="x")).failures == 0


def test_an_end_that_nobody_saw_is_no_crash() -> None:
    """A node that went down with its containers, or was told to end them, does not make them wait when it is back."""
    facts: list[PodFact] = [SANDBOX, started(0)]
    for attempt in range(1, 4):
        lost = ContainerExited(**C, attempt=attempt - 1, exit_code=137, reason="ContainerStatusUnknown", at_ns=20)
        facts += [lost, started(attempt)]
    assert after(*facts).containers["c"].failures == 0
