"""Pods of real containers that take more disk than they may go, and nothing of them is left; who keeps to it runs on."""

import os
from pathlib import Path

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.engine.host import pressure_reader
from shipslog.runtime.stats import sampler
from shipslog.store.objects.types import core_v1
from tests.runtime.containers.test_contract import IMAGE, real_node

pytestmark = pytest.mark.root

POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: scratch, emptyDir: {sizeLimit: 1Mi}}]
  containers:
  - name: c
    image: IMAGE
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "SCRIPT; exec sleep 60"]
    resources: {limits: {ephemeral-storage: 4Mi}}
    volumeMounts: [{name: scratch, mountPath: /scratch}]
"""
FILLS = {
    "volume": "busybox dd if=/dev/zero of=/scratch/file bs=64k count=32",
    "layer": "busybox dd if=/dev/zero of=/file bs=64k count=128",
    "logs": "busybox yes | busybox head -c 8000000",
    "message": "busybox dd if=/dev/zero of=/dev/termination-log bs=64k count=128",
    "hosts": "busybox dd if=/dev/zero of=/etc/hosts bs=64k count=128",
    "keeps": "busybox dd if=/dev/zero of=/scratch/file bs=64k count=4",
}


async def test_who_takes_more_than_he_may_goes_with_all_that_he_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    for module, name in ((sampler, "EVERY_S"), (sampler, "DISKS_EVERY_S"), (pressure_reader, "EVERY_S")):
        monkeypatch.setattr(module, name, 0.2)
    async with Cluster.open(runtime=[real_node(tmp_path)()], end_pods=lambda: True) as cluster:
        for name, script in FILLS.items():
            await cluster.apply(POD.replace("NAME", name).replace("IMAGE", IMAGE).replace("SCRIPT", script))
        told = {}
        for name in ("volume", "layer", "logs", "message", "hosts"):
            pod = await cluster.wait(core_v1.Pod, name, until=lambda p: p.status.phase == "Failed", timeout_s=30)
            assert pod.status.reason == "Evicted"
            told[name] = pod.status.message
            while cluster.view.pod_runtime(pod.metadata.uid) is not None:
                await cluster.clock.sleep(0.02)
            assert not (tmp_path / "node/pods" / pod.metadata.uid).exists()
        assert told == {
            "volume": 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
            **dict.fromkeys(
                ("layer", "logs", "message", "hosts"),
                "Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. ",
            ),
        }
        assert cluster.get(core_v1.Pod, "keeps").status.phase == "Running"
