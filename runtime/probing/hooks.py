"""Runs a lifecycle handler on the loop: a command in the container, a request, or a wait.

Tests: tests/runtime/probing/test_probes.py, tests/runtime/containers/test_contract.py
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from shipslog.runtime.commands import Hook
from shipslog.runtime.network.lookup import Lookups
from shipslog.runtime.node import StreamRefused
from shipslog.store.tasks import Tasks

from .http_action import HttpFailed, http_get

USER_AGENT = "kube-lifecycle/1.37"
LOOK_EVERY_S = 0.2  # at whether the container runs still
ExecIn = Callable[[tuple[str, ...], float | None], Awaitable[tuple[int, bytes]]]  # cancelled, it ends the command


class HookFailed(Exception):
    """The message is for the pod's event FailedPostStartHook or FailedPreStopHook."""


async def until(over: Callable[[], bool], hook: Coroutine[Any, Any, None]) -> None:
    """Carry a post-start hook out for as long as its container runs (until `over()`): nothing else limits it.
    Errors: HookFailed."""
    async with Tasks("post-start hook") as tasks:
        doing = tasks.start("post-start hook", hook, ordinary=HookFailed)
        while not over() and not doing.done():
            await asyncio.wait((doing,), timeout=LOOK_EVERY_S)
        if doing.done():
            doing.result()


async def run(hook: Hook, pod_uid: str, *, exec_in: ExecIn, lookups: Lookups, timeout_s: float | None) -> None:
    """Carry it out. Errors: HookFailed, also when it takes longer than `timeout_s`; None: it may take for ever."""
    if hook.sleep_s:
        await asyncio.sleep(hook.sleep_s if timeout_s is None else min(hook.sleep_s, timeout_s))
        return
    try:
        async with asyncio.timeout(timeout_s):
            await _carry_out(hook, pod_uid, exec_in, lookups, timeout_s)
    except HookFailed:
        raise
    except TimeoutError as error:
        raise HookFailed(f"Lifecycle hook did not end within {timeout_s:.0f} s") from error
    except (OSError, HttpFailed, StreamRefused, ValueError) as error:  # ValueError: an argument that holds a NUL
        raise HookFailed(f"Lifecycle hook failed - error: {error}") from error


async def _carry_out(hook: Hook, pod_uid: str, exec_in: ExecIn, lookups: Lookups, timeout_s: float | None) -> None:
    if hook.exec:
        code, output = await exec_in(hook.exec, timeout_s)
        if code:
            text = output.decode(errors="replace").strip()
            message = f'command exited with {code}, message: "{text}"'
            raise HookFailed(f"Exec lifecycle hook ([{' '.join(hook.exec)}]) failed - error: {message}")
    elif hook.http_url:
        await http_get(hook, pod_uid, lookups, USER_AGENT)  # whatever its status is, as a kubelet has it
