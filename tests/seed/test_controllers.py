"""The seed's chapters on ReplicationControllers: rescheduling, scaling, relabelling, rolling updates; its own manifests."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shipslog.engine.cli import main
from shipslog.engine.library import Background
from shipslog.store.objects.types import core_v1
from shipslog.testing import TestCluster

Served = Background[TestCluster]
OLD, NEW, COUNT = "rc-demo-nginx-v0.1", "rc-demo-nginx-v0.2", 4
SERVICE = "rc-demo-svc"


def kubectl(served: Served, *arguments: str) -> str:
    program = Path(sys.prefix) / "kubectl" / "kubectl-debian"
    if not program.exists():
        pytest.skip("kubectl is not installed, and only root can install it")
    command = [str(program), "--kubeconfig", str(served.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def running(served: Served, name: str, count: int) -> list[core_v1.Pod]:
    """The pods of a controller, once they are so many and ready."""

    async def work(cluster: TestCluster) -> list[core_v1.Pod]:
        rc = await cluster.wait(
            core_v1.ReplicationController, name, until=lambda rc: rc.status.ready_replicas == rc.status.replicas == count
        )
        await cluster.settled()
        pods = cluster.list(core_v1.Pod, "default")
        return [pod for pod in pods if any(owner.uid == rc.metadata.uid for owner in pod.metadata.owner_references)]

    return served.run(work)


def addresses(served: Served) -> set[str]:
    async def work(cluster: TestCluster) -> set[str]:
        await cluster.settled()
        subsets = cluster.get(core_v1.Endpoints, SERVICE).subsets
        return {address.target_ref.name for subset in subsets for address in subset.addresses if address.target_ref}

    return served.run(work)


@pytest.fixture
def demo(served: Served, seed: Path) -> Served:
    """The demonstration's first version, behind its Service."""
    for file in ("rc-demo-v0.1", "rc-demo-svc"):
        kubectl(served, "create", "-f", str(seed / "manifests" / "rolling-update" / f"{file}.yaml"))
    assert addresses(served) == {pod.metadata.name for pod in running(served, OLD, COUNT)}
    return served


@pytest.mark.kubectl
@pytest.mark.shipslog(nodes=2)
class TestTheDemonstration:
    def test_rolling_update_says_what_the_seed_shows(self, demo: Served, seed: Path) -> None:
        shown = re.search(
            r"#\s+kubectl (rolling-update \S+) --update-period=10s -f \S+\n(.*?)```",
            (seed / "k8s-summary.md").read_text(),
            re.S,
        )
        assert shown is not None
        file = str(seed / "manifests" / "rolling-update" / "rc-demo-v0.2.yaml")
        quick = ("--update-period", "0s", "--poll-interval", "10ms", "--kubeconfig", str(demo.kubeconfig))
        done = CliRunner().invoke(main, [*shown[1].split(), *quick, "-f", file])
        assert (done.exit_code, done.output) == (0, shown[2])
        pods = running(demo, NEW, COUNT)
        assert {env.value for pod in pods for env in pod.spec.containers[0].env} == {"v0.2"}
        assert addresses(demo) == {pod.metadata.name for pod in pods}
        assert kubectl(demo, "get", "rc", "--no-headers").split()[:4] == [NEW, "4", "4", "4"]

    def test_a_pod_that_goes_and_a_node_that_fails_are_made_up_for(self, demo: Served) -> None:
        first = running(demo, OLD, COUNT)
        kubectl(demo, "delete", "pod", first[0].metadata.name)
        assert first[0].metadata.name not in {pod.metadata.name for pod in running(demo, OLD, COUNT)}

        async def fail(cluster: TestCluster) -> None:
            cluster.node("node-0").lose()
            await cluster.advance(minutes=10)

        demo.run(fail)
        live = [pod for pod in running(demo, OLD, COUNT) if not pod.metadata.deletion_timestamp]
        assert len(live) == COUNT and {pod.spec.node_name for pod in live} == {"node-1"}

    def test_it_is_scaled(self, demo: Served) -> None:
        assert "scaled" in kubectl(demo, "scale", "--replicas=3", "replicationcontrollers", OLD)
        assert len(running(demo, OLD, 3)) == 3
        kubectl(demo, "scale", "--replicas=0", "replicationcontrollers", OLD)
        assert running(demo, OLD, 0) == [] and addresses(demo) == set()

    def test_a_pod_with_another_label_leaves_and_is_replaced(self, demo: Served) -> None:
        first, *others = running(demo, OLD, COUNT)
        kubectl(demo, "label", "--overwrite", "pod", first.metadata.name, "ver=examined", "app=none")
        pods = running(demo, OLD, COUNT)
        names = {pod.metadata.name for pod in pods}
        assert {pod.metadata.name for pod in others} < names and first.metadata.name not in names
        assert addresses(demo) == names
        left = demo.run(lambda cluster: _get(cluster, first.metadata.name))
        assert left.status.phase == "Running" and not left.metadata.owner_references
        kubectl(demo, "label", "--overwrite", "pod", first.metadata.name, "ver=v0.1", "app=rc-demo-nginx")
        assert len(running(demo, OLD, COUNT)) == COUNT

    def test_without_its_controller_a_pod_goes_on(self, demo: Served) -> None:
        names = {pod.metadata.name for pod in running(demo, OLD, COUNT)}
        kubectl(demo, "delete", "rc", OLD, "--cascade=orphan")
        assert addresses(demo) == names
        done = CliRunner().invoke(main, ["stop", "service", SERVICE, "--kubeconfig", str(demo.kubeconfig)])
        assert done.output == f'service "{SERVICE}" deleted\n'

    def test_stop_lets_its_pods_end_first(self, demo: Served) -> None:
        done = CliRunner().invoke(main, ["stop", f"rc/{OLD}", "--kubeconfig", str(demo.kubeconfig)])
        assert (done.exit_code, done.output) == (0, f'replicationcontroller "{OLD}" deleted\n')
        assert kubectl(demo, "get", "rc,pods", "-o", "name") == ""


@pytest.mark.kubectl
def test_a_namespace_is_chosen_and_worked_in(served: Served, seed: Path) -> None:
    here = ("--kubeconfig", str(served.kubeconfig))
    kubectl(served, "create", "-f", str(seed / "manifests" / "namespace" / "namespace-dev.yaml"))
    assert CliRunner().invoke(main, ["namespace", *here]).output == "Using namespace default\n"
    assert CliRunner().invoke(main, ["namespace", "development", *here]).output == "Set current namespace to development\n"
    done = CliRunner().invoke(main, ["run", "web", "--image=nginx", "--replicas=2", *here])
    assert done.output == 'replicationcontroller "web" created\n'
    kubectl(served, "create", "-f", str(seed / "manifests" / "namespace" / "busybox-pod.yaml"))
    assert set(kubectl(served, "get", "rc,pods", "-o", "name").split()) >= {"replicationcontroller/web", "pod/busybox"}


async def _get(cluster: Any, name: str) -> core_v1.Pod:
    found: core_v1.Pod = cluster.get(core_v1.Pod, name)
    return found
