"""containerd for the tests: one of their own, with its own directories, sockets, bridge and images."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipslog.runtime.containers.oci.pod_sandbox import pause
from shipslog.runtime.images.store import ImageStore

CONFIG = """
version = 2
root = "{run}/root"
state = "{run}/state"
[grpc]
address = "{run}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:1"
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"
stream_server_port = "0"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{run}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""
CNI = """{"cniVersion": "0.4.0", "name": "shipslogtest", "plugins": [{"type": "bridge", "bridge": "slcritest",
"isGateway": true, "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "%s", "ranges": [[{"subnet": "10.235.9.0/24"}]],
"routes": [{"dst": "0.0.0.0/0"}]}}]}"""


def _archive(directory: Path, name: str, root: Path, command: list[str]) -> Path:
    """An OCI archive that containerd can import."""
    store = ImageStore(directory / "store")
    store.open()
    image = store.add(name, root, {"Cmd": command})
    manifest = directory / "store/blobs/sha256" / image.digest.removeprefix("sha256:")
    layout = directory / "layout"
    shutil.copytree(directory / "store/blobs", layout / "blobs")
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(
        '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        f'"digest":"{image.digest}","size":{manifest.stat().st_size},'
        f'"annotations":{{"io.containerd.image.name":"{name}"}}}}]}}'
    )
    archive = directory / "image.tar"
    subprocess.run(["tar", "-cf", str(archive), "-C", str(layout), "."], check=True)
    return archive


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a containerd that has busybox and a pause image."""
    from .test_contract import busybox

    if os.geteuid() != 0:
        pytest.skip("containerd needs root")
    run = tmp_path_factory.mktemp("containerd")
    (run / "cni").mkdir()
    (run / "cni/10-test.conflist").write_text(CNI % (run / "ipam"))
    (run / "config.toml").write_text(CONFIG.format(run=run))
    with (run / "log").open("wb") as log:
        process = subprocess.Popen(["containerd", "--config", str(run / "config.toml")], stdout=log, stderr=log)
    ctr = ["ctr", "--address", str(run / "containerd.sock"), "-n", "k8s.io"]
    try:
        deadline = time.monotonic() + 20
        while subprocess.run([*ctr, "version"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, (run / "log").read_text()[-2000:]
            time.sleep(0.1)
        pausing = run / "pause"
        pausing.mkdir()
        pause.install(pausing)
        for number, (name, root, command) in enumerate(
            (
                ("localhost/pause:1", pausing, ["/pause"]),
                ("docker.io/library/busybox:contract", busybox(run / "busybox"), ["sh"]),
            )
        ):
            work = run / f"image-{number}"
            work.mkdir()
            archive = _archive(work, name, root, command)
            subprocess.run([*ctr, "images", "import", str(archive)], check=True, capture_output=True)
        yield str(run / "containerd.sock")
    finally:
        process.terminate()
        process.wait(20)
        subprocess.run(["ip", "link", "delete", "slcritest"], capture_output=True, check=False)
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if line.split()[1].startswith(str(run)):
                subprocess.run(["umount", "-l", line.split()[1]], capture_output=True, check=False)
        shutil.rmtree(run, ignore_errors=True)
