"""How long to wait before trying again. Source: kubelet's MaxContainerBackOff and image back-off (10 s doubling to 300 s).

Tests: tests/reconcilers/kubelet/test_lifecycle.py
"""

from shipslog.store.objects.values.times import SECOND_NS

BACKOFF_FIRST_S = 10
BACKOFF_MAX_S = 300
SANDBOX_FIRST_S, SANDBOX_MAX_S = 1, 60
SHOW_ERROR_NS = SECOND_NS  # for so long an error shows as itself, then as the back-off


def restart_s(failures: int) -> int:
    """Before the next start of a container that ended (or did not start) `failures` times in a row: 0, 10, 20 ... 300."""
    return 0 if failures <= 1 else _doubled(BACKOFF_FIRST_S, BACKOFF_MAX_S, failures - 2)


def pull_s(failures: int) -> int:
    """Before the next pull of an image that could not be had `failures` times in a row: 10, 20 ... 300."""
    return 0 if failures <= 0 else _doubled(BACKOFF_FIRST_S, BACKOFF_MAX_S, failures - 1)


def sandbox_s(failures: int) -> int:
    """Before the next try of a sandbox: 1, 2, 4 ... 60."""
    return 0 if failures <= 0 else _doubled(SANDBOX_FIRST_S, SANDBOX_MAX_S, failures - 1)


def remaining_s(since_ns: int, wait_s: float, now: int) -> float:
    """Seconds from now until `wait_s` after `since_ns`; 0 when that is past. Never more than `wait_s`: a time that is yet to
    come was told by a clock that has been put right since."""
    return min(max(since_ns + int(wait_s * SECOND_NS) - now, 0) / SECOND_NS, wait_s)


def _doubled(first_s: int, max_s: int, times: int) -> int:
    return min(first_s << min(times, 16), max_s)
