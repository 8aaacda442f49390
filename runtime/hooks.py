"""Runs a lifecycle handler: a command in the container, a request, or a wait."""

import http.client
import subprocess
import time
from collections.abc import Callable

from .commands import Hook
from .probes import http_get

POST_START_S = 30.0  # for a post-start hook; a pre-stop hook has the grace period


class HookFailed(Exception):
    """The message is for the pod's event FailedPostStartHook or FailedPreStopHook."""


def run(hook: Hook, *, exec_in: Callable[[tuple[str, ...], float], tuple[int, bytes]], timeout_s: float) -> None:
    """Carry it out, in a thread. Errors: HookFailed."""
    try:
        if hook.sleep_s:
            time.sleep(min(hook.sleep_s, timeout_s))
        elif hook.exec:
            code, output = exec_in(hook.exec, timeout_s)
            if code:
                text = output.decode(errors="replace").strip()
                said = f'command exited with {code}, message: "{text}"'
                raise HookFailed(f"Exec lifecycle hook ([{' '.join(hook.exec)}]) failed - error: {said}")
        elif hook.http_url:
            status = http_get(hook, timeout_s)
            if not 200 <= status < 400:
                raise HookFailed(f"Http lifecycle hook ({hook.http_url}) failed - error: status {status}")
    except (OSError, http.client.HTTPException) as error:
        raise HookFailed(f"Lifecycle hook failed - error: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise HookFailed(f"Lifecycle hook did not end within {timeout_s:.0f} s") from error
