"""Which images the containers of a node are of: their layers are mounted, and they are started again by the image's name."""

from pathlib import Path

from msgspec import Struct

from shipslog.runtime.containers.oci.pod_sandbox.sandbox import SANDBOX_FILE
from shipslog.runtime.containers.oci.recovery.adoption import containers_of
from shipslog.runtime.containers.oci.recovery.records import SandboxRecord

from .recovery import records


class Use(Struct, frozen=True, order=True):
    """A pod, `namespace/name`, that has containers of an image."""

    pod: str
    image_id: str
    image: str  # its complete name


def images_used(pods: Path) -> tuple[Use, ...]:
    """Each image of each pod once, from what the node has written down in `pods`."""
    found = set()
    for pod in pods.iterdir() if pods.is_dir() else ():
        sandbox = records.read(pod / SANDBOX_FILE, SandboxRecord)
        name = f"{sandbox.request.namespace}/{sandbox.request.name}" if sandbox is not None else pod.name
        for record in containers_of(pod):
            images = ((record.image_id, record.image), *record.volume_images)
            found |= {Use(name, image_id, image) for image_id, image in images}
    return tuple(sorted(found))


def ids_used(pods: Path) -> set[str]:
    """The ids of the images that the node has containers of."""
    return {one.image_id for one in images_used(pods)}
