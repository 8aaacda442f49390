"""Rules that sleep: what stirs them, that they then look at everything, and that they keep their place among the others."""

from pathlib import Path

from shipslog.engine.cluster import Cluster
from shipslog.engine.host.sleepers import Sleepers
from shipslog.reconcilers.roster import ROSTER
from shipslog.reconcilers.rule.dormant import Dormant, every
from shipslog.reconcilers.rule.pods import is_ready
from shipslog.reconcilers.workloads.job.census import TRACKING
from shipslog.store.objects.types import apps_v1, core_v1
from tests.reconcilers.views import meta, pod, rc, view_of

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx}]}
"""


def _labelled(obj: core_v1.Pod) -> bool:
    return "app" in obj.metadata.labels


RULES = (Dormant("b", "x:B", {"pods": _labelled, "nodes": every}), Dormant("a", "x:A", {"pods": every}))


def test_what_stirs_is_an_object_that_counts() -> None:
    sleepers, plain, labelled = Sleepers(RULES), pod("p"), pod("q", labels={"app": "web"})
    assert sleepers.stirred("services", plain) == [] and sleepers.names() == ["b", "a"]
    assert sleepers.stirred("pods", plain) == [(1, RULES[1])]
    assert sleepers.stirred("pods", plain) == [], "it sleeps no more"
    assert sleepers.stirred("pods", labelled) == [(0, RULES[0])] and sleepers.names() == []


def test_what_is_there_at_a_start_stirs() -> None:
    sleepers = Sleepers(RULES)
    assert sleepers.stirred_by(view_of(rc("web", 1))) == []
    assert sleepers.stirred_by(view_of(pod("q", labels={"app": "web"}))) == [*enumerate(RULES)]


def _at_work(cluster: Cluster) -> list[str]:
    return [lane.reconciler.name for lane in cluster.host.lanes]


async def _ready_pods(cluster: Cluster, other_than: str = "") -> list[str]:
    """The names of two that are ready, once there are such."""

    def found() -> list[str]:
        pods = cluster.list(core_v1.Pod, "default")
        return [one.metadata.name for one in pods if is_ready(one) and one.metadata.name != other_than]

    await cluster.wait(apps_v1.Deployment, "web", until=lambda one: one.status.ready_replicas == 2 == len(found()))
    return found()


async def test_the_first_object_of_a_kind_wakes_its_rule_and_a_start_wakes_it_again(tmp_path: Path) -> None:
    async with Cluster.open(tmp_path / "log.db") as cluster:
        await cluster.wait(core_v1.ServiceAccount, "default")
        assert not {"deployment", "replica-set", "job", "stateful-set"} & {*_at_work(cluster)}
        await cluster.apply(DEPLOYMENT)
        pods = await _ready_pods(cluster)
        order = [rule.name for rule in ROSTER]
        assert {"deployment", "replica-set"} <= {*_at_work(cluster)}
        assert _at_work(cluster) == sorted(_at_work(cluster), key=order.index), "each has its turn where it would have had it"
        assert {*_at_work(cluster), *cluster.host.sleepers.names()} == {*order}
        assert "job" in cluster.host.sleepers.names(), "these pods are none of a Job's"
    async with Cluster.open(tmp_path / "log.db") as cluster:
        assert {"deployment", "replica-set"} <= {*_at_work(cluster)} and "job" not in _at_work(cluster)
        await cluster.delete(core_v1.Pod, pods[0])
        assert pods[0] not in await _ready_pods(cluster, other_than=pods[0])


async def test_a_pod_that_a_job_counted_is_let_go_after_a_start_though_the_job_is_gone(tmp_path: Path) -> None:
    async with Cluster.open(tmp_path / "log.db", runtime="none", reconcilers=()) as cluster:
        await cluster.create(core_v1.ServiceAccount(metadata=meta("default")))
        await cluster.create(pod("stray", finalizers=(TRACKING,), labels={"batch.kubernetes.io/job-name": "gone"}))
    async with Cluster.open(tmp_path / "log.db", runtime="none") as cluster:
        await cluster.wait(core_v1.Pod, "stray", until=lambda one: TRACKING not in one.metadata.finalizers)
        assert "job" in _at_work(cluster)
