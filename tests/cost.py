"""What work costs, in seconds of this process's CPU: a busy machine does not count, and work without an end is ended."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TooDear(Exception):
    """The work took more than it may; raised within it."""


@contextmanager
def cpu_s_at_most(limit_s: float) -> Iterator[None]:
    """For sizes at which linear work takes a tenth of the limit and quadratic work many times as much."""

    def ended(*_: object) -> None:
        raise TooDear(f"more than {limit_s:g} s of CPU")

    before = signal.signal(signal.SIGPROF, ended)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
