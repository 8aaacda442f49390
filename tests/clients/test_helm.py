"""Helm 4 and its own sample chart: installed, upgraded, rolled back, tested, uninstalled; by the server and by itself."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shipslog.store.objects.types import apps_v1, core_v1

HELM, KUBECTL = (Path(sys.prefix) / "kubectl" / f"{name}-1.37" for name in ("helm", "kubectl"))
pytestmark = pytest.mark.kubectl


class Helm:
    """A user of Helm with a home of their own."""

    def __init__(self, home: Path, kubeconfig: Path) -> None:
        self._home = home
        self._env = {**os.environ, "HOME": str(home), "KUBECONFIG": str(kubeconfig)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(HELM), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=self._env, cwd=self._home, timeout=60)

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"helm {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def helm(tmp_path: Path, kubeconfig: Path) -> Helm:
    if not HELM.exists():
        pytest.skip("there is no Helm here: see .ci/kubectl")
    user = Helm(tmp_path, kubeconfig)
    user("create", "chart")
    return user


@pytest.mark.parametrize("how", ["true", "false"], ids=["by the server", "by Helm"])
def test_its_sample_chart_lives_through_all_of_it(helm: Helm, served: Any, how: str) -> None:
    assert "deployed" in helm("install", "web", "chart", f"--server-side={how}", "--wait", "--timeout=30s")
    assert "deployed" in helm("list") and "web-chart" in helm("get", "manifest", "web")
    assert deployment(served).spec.replicas == 1
    helm("upgrade", "web", "chart", "--set", "replicaCount=2", "--wait", "--timeout=30s")
    assert deployment(served).status.available_replicas == 2
    assert deployment(served).metadata.labels["app.kubernetes.io/managed-by"] == "Helm"
    helm("rollback", "web", "1", "--wait", "--timeout=30s")
    assert deployment(served).spec.replicas == 1
    assert [line.split("\t")[0].strip() for line in helm("history", "web").splitlines()[1:]] == ["1", "2", "3"]
    with ThreadPoolExecutor(1) as pool:
        testing = pool.submit(helm, "test", "web", "--timeout=30s")
        served.run(succeed)
        assert "Phase:          Succeeded" in testing.result()
    helm("uninstall", "web", "--wait", "--timeout=30s")
    assert served.run(nothing_left) == ["kubernetes"]


def deployment(served: Any) -> apps_v1.Deployment:
    found: apps_v1.Deployment = served.run(get_deployment)
    return found


async def get_deployment(cluster: Any) -> Any:
    return cluster.get(apps_v1.Deployment, "web-chart")


async def succeed(cluster: Any) -> None:
    """Let what the chart tests with end well, as soon as it runs."""
    name = "web-chart-test-connection"
    await cluster.wait(core_v1.Pod, name, until=lambda pod: pod.status.phase == "Running")
    cluster.container(name).exit(0)


async def nothing_left(cluster: Any) -> list[str]:
    await cluster.gone(apps_v1.Deployment, "web-chart")
    return [service.metadata.name for service in cluster.list(core_v1.Service)]


def test_who_is_in_its_way_is_named(helm: Helm, served: Any, kubeconfig: Path) -> None:
    helm("install", "web", "chart")
    scale = [str(KUBECTL), "--kubeconfig", str(kubeconfig), "scale", "deployment", "web-chart", "--replicas=5"]
    subprocess.run(scale, check=True, capture_output=True, timeout=60)
    refused = helm.run("upgrade", "web", "chart", "--set", "replicaCount=2")
    assert refused.returncode != 0 and 'conflict with "kubectl-1.37" with subresource "scale"' in refused.stderr, refused.stderr
    assert deployment(served).spec.replicas == 5
    helm("upgrade", "web", "chart", "--set", "replicaCount=2", "--force-conflicts")
    assert deployment(served).spec.replicas == 2
