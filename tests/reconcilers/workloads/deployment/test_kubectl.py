"""Stock kubectl rolls out, waits, goes back, pauses, resumes and restarts deployments, and tells their history."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.library import Serving
from shipslog.engine.testing.cluster import serving
from shipslog.store.facts import ObjectDeleted, ObjectFact
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentStatus
from shipslog.store.objects.types.core_v1 import Pod

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {kubernetes.io/change-cause: CAUSE}}
spec:
  replicas: 3
  strategy: {type: STRATEGY}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: web, image: "example/web:IMAGE"}]
"""
Kubectl = Callable[..., str]


def web(image: str, cause: str = "", strategy: str = "RollingUpdate") -> str:
    return WEB.replace("IMAGE", image).replace("CAUSE", cause or image).replace("STRATEGY", strategy)


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving(nodes=2) as served:
        yield served


@pytest.fixture
def kubectl(served: Serving) -> Kubectl:
    found = Path(sys.prefix) / "kubectl" / "kubectl-debian"
    program = str(found) if found.exists() else shutil.which("kubectl")
    if program is None:
        pytest.skip("there is no kubectl here")
    env = {**os.environ, "KUBECONFIG": str(served.kubeconfig), "HOME": str(served.kubeconfig.parent)}

    def run(*arguments: str, given: str = "", fails: bool = False) -> str:
        command = [program, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def pods(served: Serving) -> list[Pod]:
    """Those that do not end."""

    async def listed(cluster: Cluster) -> list[Pod]:
        return [pod for pod in cluster.list(Pod) if not pod.metadata.deletion_timestamp]

    return served.run(listed)


def images(served: Serving) -> list[str]:
    return sorted(pod.spec.containers[0].image for pod in pods(served))


def comes(served: Serving, holds: Callable[[DeploymentStatus], bool]) -> DeploymentStatus:
    found = served.run(lambda cluster: cluster.wait(Deployment, "web", until=lambda held: holds(held.status)))
    return found.status


def test_a_rollout_is_followed_told_and_undone(served: Serving, kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", given=web("v1"))
    assert 'deployment "web" successfully rolled out' in kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("wait", "--for=condition=available", "deployment/web", "--timeout=30s")
    kubectl("apply", "-f", "-", given=web("v2"))
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert images(served) == ["example/web:v2"] * 3
    assert kubectl("rollout", "history", "deployment/web").split() == [
        "deployment.apps/web",
        "REVISION",
        "CHANGE-CAUSE",
        "1",
        "v1",
        "2",
        "v2",
    ]
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert images(served) == ["example/web:v1"] * 3
    assert kubectl("rollout", "history", "deployment/web").split()[3::2] == ["2", "3"], "the first is the third now"
    kubectl("rollout", "undo", "deployment/web", "--to-revision=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert images(served) == ["example/web:v2"] * 3
    assert "example/web:v2" in kubectl("rollout", "history", "deployment/web", "--revision=4")
    shown = kubectl("describe", "deployment", "web")
    assert "Scaled up replica set web-" in shown and " from 0 to 3" in shown
    assert "NewReplicaSets:" in shown.replace("NewReplicaSet:", "NewReplicaSets:") and "(3/3 replicas created)" in shown


def test_a_pause_holds_a_rollout_and_a_restart_makes_new_pods(served: Serving, kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", given=web("v1"))
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("rollout", "pause", "deployment/web")
    kubectl("set", "image", "deployment/web", "web=example/web:v2")
    kubectl("scale", "deployment/web", "--replicas=4")
    comes(served, lambda status: status.available_replicas == 4)
    assert images(served) == ["example/web:v1"] * 4
    kubectl("rollout", "resume", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert images(served) == ["example/web:v2"] * 4
    before = {pod.metadata.uid for pod in pods(served)}
    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    after = {pod.metadata.uid for pod in pods(served)}
    assert len(after) == 4 and not before & after
    kubectl("delete", "deployment", "web")
    served.run(lambda cluster: cluster.settled())
    assert kubectl("get", "replicasets,pods", "-o", "name") == ""


def test_a_rollout_that_does_not_get_on_is_late_and_can_be_undone(served: Serving, kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", given=web("v1"))
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    async def break_pulls(cluster: Any) -> None:
        cluster.pull("example/web:v2").fail("manifest unknown")

    served.run(break_pulls)
    kubectl("apply", "-f", "-", given=web("v2"))
    comes(served, lambda status: status.updated_replicas == 1)
    served.run(lambda cluster: cluster.advance(minutes=11))
    assert "exceeded its progress deadline" in kubectl("rollout", "status", "deployment/web", fails=True)
    assert comes(served, lambda status: True).available_replicas == 3, "the old are all there"
    kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert images(served) == ["example/web:v1"] * 3


def test_recreate_never_runs_two_templates_at_once(served: Serving, kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", given=web("v1", strategy="Recreate"))
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("apply", "-f", "-", given=web("v2", strategy="Recreate"))
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    async def ran(cluster: Cluster) -> list[set[str]]:
        """The images of the pods that there were, after each event."""
        there: dict[str, str] = {}
        seen = []
        async for events in cluster.log.read():
            for event in events:
                fact = event.fact
                if isinstance(fact, ObjectDeleted):
                    there.pop(fact.uid, None)
                elif isinstance(fact, ObjectFact) and fact.resource == "pods":
                    there[fact.uid] = "v1" if b"example/web:v1" in bytes(fact.object) else "v2"
                seen.append(set(there.values()))
        return seen

    seen = served.run(ran)
    assert {"v1"} in seen and {"v2"} in seen and {"v1", "v2"} not in seen
    assert images(served) == ["example/web:v2"] * 3
