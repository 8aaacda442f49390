"""What every runtime says of a container whose resources it has changed.

Tests: tests/runtime/containers/test_contract.py
"""

from shipslog.runtime.commands import UpdateContainerResources
from shipslog.store.facts import ContainerResized


def resized(command: UpdateContainerResources, at_ns: int, failure: str = "") -> ContainerResized:
    """That it was done, or why it could not be."""
    return ContainerResized(
        node=command.node, pod_uid=command.pod_uid, container=command.container, attempt=command.attempt,
        limits=command.limits, failure=failure, at_ns=at_ns,
    )  # fmt: skip
