"""What comes before a container is told to end: its pre-stop hook, and its turn. Source: kubelet's killContainer and
terminationOrdering.

Tests: tests/runtime/containers/test_contract.py
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from shipslog.runtime.commands import Hook, StopContainer
from shipslog.runtime.node import Report, StreamRefused
from shipslog.runtime.probing.hooks import HookFailed
from shipslog.store.facts import LifecycleHookFailed

LEAST_S = 2.0  # between its signal and KILL, however long its hook took and others kept it waiting
LOOK_EVERY_S = 0.02


async def prepared(
    command: StopContainer,
    *,
    first: bool,
    hook: Callable[[Hook, float], Awaitable[None]],
    over: Callable[[], bool],
    runs: Callable[[str], bool],
    report: Report,
) -> float:
    """Wait until it is to be sent its signal; -> seconds that it then has to end by itself, 0 for none.

    `first`: nobody has been told to end it before. `over()`: it has ended. `runs(NAME)`: another container of the pod runs.
    A hook that fails, or takes too long, is reported and keeps nothing from ending."""
    grace_s = command.grace_period_s
    if grace_s <= 0:
        return 0.0
    deadline = time.monotonic() + grace_s
    if command.pre_stop is not None and first:
        try:
            await hook(command.pre_stop, grace_s)
        except (HookFailed, StreamRefused) as error:
            if not over():
                report(
                    LifecycleHookFailed(
                        node=command.node, pod_uid=command.pod_uid, container=command.container, attempt=command.attempt,
                        hook="PreStop", message=str(error), at_ns=time.time_ns(),
                    )
                )  # fmt: skip
    while not over() and time.monotonic() < deadline and any(map(runs, command.after or ())):
        await asyncio.sleep(LOOK_EVERY_S)
    return max(deadline - time.monotonic(), LEAST_S)
