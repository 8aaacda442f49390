"""That a volume cannot be made.

Tests: tests/runtime/volumes/test_hostile_volumes.py
"""


class VolumeFailed(Exception):
    """A volume cannot be made; the message is for the pod's event FailedMount."""


class SubPathFailed(VolumeFailed):
    """What a container wants to see of a volume is not to be had, though the volume is there."""
