"""Whose images a node's containers are of, from what it has written down."""

from pathlib import Path

from shipslog.runtime.commands import RunPodSandbox
from shipslog.runtime.containers.oci.container import RECORD_FILE
from shipslog.runtime.containers.oci.images_in_use import Use, images_used
from shipslog.runtime.containers.oci.pod_sandbox.sandbox import SANDBOX_FILE
from shipslog.runtime.containers.oci.recovery import records
from shipslog.runtime.containers.oci.recovery.records import ContainerRecord, SandboxRecord


def pod(pods: Path, uid: str, name: str, *images: str, name_of_image: str = "i:1") -> None:
    """What a node has written down of a pod with an attempt of each image."""
    (pods / uid).mkdir(parents=True)
    if name:
        request = RunPodSandbox(node="n", pod_uid=uid, namespace="default", name=name, hostname=name)
        records.write(pods / uid / SANDBOX_FILE, SandboxRecord(request=request, sandbox_id="s", generation=0))
    for attempt, image in enumerate(images):
        place = pods / uid / "containers" / "c" / str(attempt)
        place.mkdir(parents=True)
        record = ContainerRecord(
            container_id="i", pod_uid=uid, container="c", attempt=attempt, image_id=image, image=name_of_image
        )
        records.write(place / RECORD_FILE, record)


def test_each_image_of_each_pod_once(tmp_path: Path) -> None:
    assert images_used(tmp_path / "pods") == ()
    pod(tmp_path / "pods", "1", "b", "sha256:x", "sha256:x")
    pod(tmp_path / "pods", "2", "a", "sha256:x", "sha256:y")
    pod(tmp_path / "pods", "3", "", "sha256:z")  # half made
    assert images_used(tmp_path / "pods") == (
        Use("3", "sha256:z", "i:1"),
        Use("default/a", "sha256:x", "i:1"),
        Use("default/a", "sha256:y", "i:1"),
        Use("default/b", "sha256:x", "i:1"),
    )
