"""What of a CRI node is measured: the containers that run, whose counters the runtime itself tells.

Tests: tests/runtime/containers/test_contract.py
"""

from collections.abc import Mapping

from shipslog.runtime.stats.sampler import ContainerSubject, PodSubject


def subjects(running: Mapping[str, tuple[str, str, int]], began: Mapping[str, int]) -> list[PodSubject]:
    """`running`: container id -> pod uid, name, attempt; `began`: when each did, by id."""
    pods: dict[str, list[ContainerSubject]] = {}
    for container_id, (uid, name, attempt) in running.items():
        began_ns = began.get(container_id, 0)
        one = ContainerSubject(name=name, attempt=attempt, container_id=container_id, began_ns=began_ns)
        pods.setdefault(uid, []).append(one)
    return [PodSubject(uid=uid, began_ns=min(c.began_ns for c in own), containers=tuple(own)) for uid, own in pods.items()]
