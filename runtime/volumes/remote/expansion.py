"""A CSI driver's volume that has grown is made larger on the node too, while pods use it.

Source: the kubelet's expansion of volumes in use: NodeExpandVolume, where the driver says that it knows it.

Tests: tests/runtime/volumes/remote/test_csi.py
"""

import time
from pathlib import Path

from shipslog.runtime.commands import ExpandVolume
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.facts import RuntimeFact, VolumeExpanded, VolumeExpansionFailed

from . import csi, mounter


def expand(pods: Path, command: ExpandVolume) -> RuntimeFact:
    """Where any pod of the node has it. `pods` has a directory of each."""
    try:
        works = [work for work in mounter.mounted_on(pods) if csi.is_of(work, command.driver, command.handle)]
        if not works:
            raise VolumeFailed(f"no pod of this node has the volume {command.volume}")
        reached = [csi.expand(work, command.size_bytes) for work in works]
    except (VolumeFailed, OSError) as error:
        return VolumeExpansionFailed(node=command.node, volume=command.volume, message=str(error), at_ns=time.time_ns())
    return VolumeExpanded(node=command.node, volume=command.volume, size_bytes=min(reached))
