"""Which ids of the machine a pod with users of its own has: 65,536 that no other pod of the node has.

Tests: tests/runtime/containers/test_id_ranges.py
"""

ID_COUNT = 1 << 16  # of one pod, as Kubernetes gives them
PODS = 256  # of one node


class IdRanges:
    """Those of one node. Two nodes of a machine have different ones unless chance will have it: there is room for 254 of them,
    all above what /etc/subuid usually gives to people. What is in use is told at the start (`hold`)."""

    def __init__(self, instance: str) -> None:
        self._base = (1 + int(instance[:4], 16) % 254) * PODS * ID_COUNT
        self._used: dict[int, str] = {}  # by the first id

    def hold(self, first: int, pod_uid: str) -> None:
        self._used[first] = pod_uid

    def take(self, pod_uid: str) -> int:
        """The first of its ids; the same again for a pod that has some. Errors: OSError, when there are none left."""
        held = next((first for first, uid in self._used.items() if uid == pod_uid), None)
        if held is not None:
            return held
        for number in range(PODS):
            first = self._base + number * ID_COUNT
            if first not in self._used:
                self._used[first] = pod_uid
                return first
        raise OSError(f"all {PODS} ranges of ids for pods with hostUsers: false are in use on this node; no sandbox was made")

    def release(self, first: int, pod_uid: str) -> None:
        """Free them, if they are still that pod's."""
        if self._used.get(first) == pod_uid:
            del self._used[first]
