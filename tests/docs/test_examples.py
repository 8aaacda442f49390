"""The examples can be used as they are: applied, checked by a stock kubectl, and named by README as they are called."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shipslog import Cluster
from shipslog.engine.settings import gather, resolve
from shipslog.store.objects.types import core_v1

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
NOT_OBJECTS = ("config.yaml",)
MANIFESTS = sorted(path for path in EXAMPLES.rglob("*.yaml") if path.name not in NOT_OBJECTS)
READY_S = 20


def name(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def pods_of(path: Path) -> int:
    """How many pods a manifest comes to."""
    kinds = [d for d in yaml.safe_load_all(path.read_text()) if d["kind"] in ("Pod", "ReplicationController")]
    return sum(d["spec"].get("replicas", 1) for d in kinds)


@pytest.mark.parametrize("path", MANIFESTS, ids=name)
async def test_each_runs_on_a_simulated_cluster(path: Path) -> None:
    async with Cluster.open() as cluster:
        await cluster.apply(path.read_text())
        wanted = pods_of(path)
        for made in [d for d in yaml.safe_load_all(path.read_text()) if d["kind"] == "ReplicationController"]:
            await cluster.wait(
                core_v1.ReplicationController, made["metadata"]["name"],
                until=lambda rc, n=made["spec"]["replicas"]: rc.status.ready_replicas == n, timeout_s=READY_S,
            )  # fmt: skip
        for made in [d for d in yaml.safe_load_all(path.read_text()) if d["kind"] == "Pod"]:
            await cluster.wait(
                core_v1.Pod, made["metadata"]["name"], until=lambda pod: pod.status.phase == "Running", timeout_s=READY_S
            )
        assert len(cluster.view.list(core_v1.Pod, "default")) == wanted


async def test_a_stock_kubectl_finds_nothing_wrong(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl") or str(Path(sys.prefix) / "kubectl" / "kubectl-debian")
    if not Path(kubectl).exists():
        pytest.skip("kubectl is not installed, and only root can install it")
    async with Cluster.open() as cluster, cluster.serve() as served:
        classes = [d for path in MANIFESTS for d in yaml.safe_load_all(path.read_text()) if d["kind"] == "PriorityClass"]
        for made in classes:  # a pod is refused whose class is not there, also by a dry run
            await cluster.apply(made)
        for path in MANIFESTS:
            process = await asyncio.create_subprocess_exec(
                kubectl, "--kubeconfig", str(served.kubeconfig), "apply", "--dry-run=server", "-f", str(path),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output, _ = await asyncio.wait_for(process.communicate(), 60)
            told = output.decode()
            count = sum(1 for d in yaml.safe_load_all(path.read_text()) if d)
            assert process.returncode == 0 and told.count("(server dry run)") == count, f"{name(path)}: {told}"
            assert "Warning" not in told, told


def test_the_readmes_guestbook_is_there_and_its_commands_name_its_files() -> None:
    text = (ROOT / "README.md").read_text()
    section = text[text.index("## The guestbook") : text.index("## The log")]
    folder = re.search(r"^    cd (\S+)", section, re.M)
    assert folder is not None
    for file in re.findall(r"-f (\S+\.yaml)", section):
        assert (ROOT / folder[1] / file).exists(), file
    assert {p.name for p in (EXAMPLES / "guestbook").iterdir()} == set(re.findall(r"-f (\S+\.yaml)", section))
    port = re.search(r"http://127.0.0.1:(\d+)/", section)
    assert port is not None and f"nodePort: {port[1]}" in (EXAMPLES / "guestbook" / "frontend-service.yaml").read_text()


def test_the_configuration_file_is_one() -> None:
    asked = gather({"config": EXAMPLES / "config.yaml"}, {})
    assert resolve({**asked.values, "data": Path("/nowhere/at/all"), "node_name": "n"}).tls_san == ("cluster.example.com",)
