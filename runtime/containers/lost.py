"""The fact of a container whose end nobody saw: its node was away, or what would have told of it is gone.

Tests: tests/runtime/containers/test_contract.py
"""

from shipslog.store.facts import CONTAINER_STATUS_UNKNOWN, ContainerExited

CODE = 137  # as if it had been killed
MESSAGE = "The container could not be located when the node came back"


def container_lost(
    node: str, pod_uid: str, container: str, attempt: int, *, at_ns: int, container_id: str = "", started_at_ns: int = 0
) -> ContainerExited:
    """It is over, and nobody knows how. `at_ns`: when that was found."""
    return ContainerExited(
        node=node, pod_uid=pod_uid, container=container, attempt=attempt, container_id=container_id, exit_code=CODE,
        reason=CONTAINER_STATUS_UNKNOWN, message=MESSAGE, started_at_ns=started_at_ns, at_ns=at_ns,
    )  # fmt: skip
