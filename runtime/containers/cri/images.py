"""Images over the CRI: the runtime keeps its own store.

Tests: tests/runtime/containers/test_contract.py
"""

import time

from shipslog.runtime.commands import PullImage
from shipslog.store.facts import ImagePulled, ImagePullFailed, RuntimeFact

from .client import CallFailed, CriClient


def pull(node: str, client: CriClient, command: PullImage) -> RuntimeFact:
    """Have the image, or say why not."""
    name, at_ns = command.image, time.time_ns()
    try:
        present = client.image(name)
        here = present is not None and command.policy != "Always"
        if not here:
            if command.policy == "Never":
                raise CallFailed("ErrImageNeverPull", f'Container image "{name}" is not present with pull policy of Never')
            credentials = next(((user, password) for _, user, password in command.credentials), None)
            client.pull(name, credentials)
            present = client.image(name)
    except CallFailed as error:
        reason = error.code if error.code == "ErrImageNeverPull" else "ErrImagePull"
        return ImagePullFailed(node=node, image=name, reason=reason, message=str(error), at_ns=at_ns)
    image_id, size = (present.id, int(present.size)) if present is not None else ("", 0)
    return ImagePulled(node=node, image=name, image_id=image_id, present=here, size_bytes=size, at_ns=time.time_ns())
