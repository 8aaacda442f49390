"""What is the same is held once: both views share objects and what runs, pods what holds of them since the same second."""

from shipslog.engine.cluster import Cluster
from shipslog.engine.testing.simulation import objects
from shipslog.store.objects.types import core_v1

PODS = 4


async def test_what_is_the_same_is_held_once() -> None:
    async with Cluster.open() as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        await cluster.create(objects.rc("web", "default", PODS, probed=False))
        await cluster.wait(core_v1.ReplicationController, "web", until=lambda rc: rc.status.ready_replicas == PODS)
        view, head = cluster.view, cluster.committer.head
        entries = view.entries("pods", "default")
        assert len(entries) == PODS
        for entry in entries:
            name, uid = entry.object.metadata.name, entry.object.metadata.uid
            assert head.entry("pods", name, "default") is entry
            assert (runs := view.pod_runtime(uid)) is not None and head.pod_runtime(uid) is runs
        ready: dict[str, set[int]] = {}  # by since when: how many of them there are
        for entry in entries:
            for condition in entry.object.status.conditions:
                if condition.type == "Ready":
                    ready.setdefault(condition.last_transition_time, set()).add(id(condition))
        assert {len(same) for same in ready.values()} == {1}


async def test_what_stands_on_a_node_is_remembered_as_a_mark() -> None:
    """Not as the rules, the files and the secrets that it was."""
    async with Cluster.open() as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        await cluster.create(objects.rc("web", "default", 1, probed=True))
        await cluster.wait(core_v1.ReplicationController, "web", until=lambda rc: rc.status.ready_replicas == 1)
        standing = cluster.host.dispatcher._standing
        assert {identity.partition("/")[0] for identity in standing} >= {"volumes", "probes", "ruleset"}
        assert all(isinstance(mark, bytes) and len(mark) < 64 for mark in standing.values())
