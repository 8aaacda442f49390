"""Runs a lifecycle handler on the loop: a command in the container, a request, or a wait.

Tests: tests/runtime/probing/test_probes.py, tests/runtime/containers/test_contract.py
"""

import asyncio
from collections.abc import Awaitable, Callable

from shipslog.runtime.commands import Hook
from shipslog.runtime.network.lookup import Lookups
from shipslog.runtime.node import StreamRefused

from .http_action import HttpFailed, http_get

POST_START_S = 30.0  # for a post-start hook; a pre-stop hook has the grace period
ExecIn = Callable[[tuple[str, ...], float], Awaitable[tuple[int, bytes]]]  # cancelled, it ends the command


class HookFailed(Exception):
    """The message is for the pod's event FailedPostStartHook or FailedPreStopHook."""


async def run(hook: Hook, pod_uid: str, *, exec_in: ExecIn, lookups: Lookups, timeout_s: float) -> None:
    """Carry it out. Errors: HookFailed, also when it takes longer than `timeout_s`."""
    if hook.sleep_s:
        await asyncio.sleep(min(hook.sleep_s, timeout_s))
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


async def _carry_out(hook: Hook, pod_uid: str, exec_in: ExecIn, lookups: Lookups, timeout_s: float) -> None:
    if hook.exec:
        code, output = await exec_in(hook.exec, timeout_s)
        if code:
            text = output.decode(errors="replace").strip()
            message = f'command exited with {code}, message: "{text}"'
            raise HookFailed(f"Exec lifecycle hook ([{' '.join(hook.exec)}]) failed - error: {message}")
    elif hook.http_url:
        status = await http_get(hook, pod_uid, lookups)
        if not 200 <= status < 400:
            raise HookFailed(f"Http lifecycle hook ({hook.http_url}) failed - error: status {status}")
