"""A process that ends at once was never ready: whoever waits for readiness is not told otherwise."""

from msgspec.structs import replace

from shipslog.runtime.containers.settling import AGAIN_NS, FIRST_NS, settles_ns
from shipslog.store.objects.types import core_v1
from tests.reconcilers.kubelet.test_lifecycle import NOW, PULLED, SANDBOX, UID, decide, exited, started, status, world
from tests.reconcilers.views import meta


def test_what_had_to_be_started_again_is_looked_at_for_longer() -> None:
    assert settles_ns(0) == FIRST_NS < settles_ns(1) == settles_ns(7) == AGAIN_NS


def test_a_container_is_ready_once_it_has_run_for_a_moment() -> None:
    view = world(SANDBOX, PULLED, replace(started(), settles_ns=FIRST_NS))
    early = status(view, NOW + FIRST_NS // 2)
    assert early.phase == "Running" and not early.container_statuses[0].ready
    assert {c.type: c.status for c in early.conditions}["Ready"] == "False"
    assert decide(view, NOW + FIRST_NS // 2).requeue_after == FIRST_NS / 2e9, "it is looked at again, nobody has to wake it"
    late = status(view, NOW + FIRST_NS)
    assert late.container_statuses[0].ready and {c.type: c.status for c in late.conditions}["Ready"] == "True"
    assert decide(view, NOW + FIRST_NS).requeue_after is None


def test_a_crash_within_the_moment_was_never_ready() -> None:
    again = replace(started(1), settles_ns=AGAIN_NS)
    view = world(SANDBOX, PULLED, started(), exited(1), again)
    assert not status(view, NOW + FIRST_NS).container_statuses[0].ready
    assert status(view, NOW + AGAIN_NS).container_statuses[0].ready


def test_a_readiness_probe_says_when_itself() -> None:
    probed = core_v1.Container(
        name="c", image="img", image_pull_policy="IfNotPresent",
        readiness_probe=core_v1.Probe(exec=core_v1.ExecAction(command=("true",))),
    )  # fmt: skip
    made = core_v1.Pod(metadata=meta("p", uid=UID), spec=core_v1.PodSpec(node_name="n", containers=(probed,)))
    view = world(SANDBOX, PULLED, made, replace(started(), settles_ns=FIRST_NS))
    assert decide(view, NOW).requeue_after is None
