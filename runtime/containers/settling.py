"""How long a process has to run before it counts as ready, where no readiness probe says when.

A kubelet looks at its containers once a second, so one that ends at once was never ready, and whoever waits for it (a rollout,
Helm) is not told that it was. Here starts and ends are heard at once: the same is had by waiting for a moment.

Tests: tests/reconcilers/kubelet/test_settling.py
"""

FIRST_NS = 250_000_000
AGAIN_NS = 1_000_000_000  # what had to be started again has ended before


def settles_ns(attempt: int) -> int:
    """`attempt`: 0 for the first start."""
    return AGAIN_NS if attempt else FIRST_NS
