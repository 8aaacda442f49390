"""Runs a lifecycle handler: a command in the container, a request, or a wait."""

import http.client
import subprocess
import urllib.parse
from collections.abc import Callable

from shipslog.runtime.commands import Hook


class HookFailed(Exception):
    """The message is for the pod's event FailedPostStartHook or FailedPreStopHook."""


def http_get(url: str, headers: tuple[tuple[str, str], ...], pod_ip: str, timeout_s: float) -> int:
    """The status; TLS certificates are not checked, as the kubelet does not. Errors: OSError, HTTPException."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or pod_ip
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    connection: http.client.HTTPConnection
    if parts.scheme.lower() == "https":
        import ssl

        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


def run(hook: Hook, *, exec_in: Callable[[tuple[str, ...], float], tuple[int, bytes]], pod_ip: str, timeout_s: float) -> None:
    """Carry out an exec or HTTP handler, in a thread. Errors: HookFailed."""
    try:
        if hook.exec:
            code, output = exec_in(hook.exec, timeout_s)
            if code:
                text = output.decode(errors="replace").strip()
                raise HookFailed(
                    f"Exec lifecycle hook ({list(hook.exec)}) failed - error: command exited with {code}, message: {text!r}"
                )
        elif hook.http_url:
            status = http_get(hook.http_url, hook.http_headers, pod_ip, timeout_s)
            if not 200 <= status < 400:
                raise HookFailed(f"Http lifecycle hook ({hook.http_url}) failed - error: status {status}")
    except (OSError, http.client.HTTPException) as error:
        raise HookFailed(f"Lifecycle hook failed - error: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise HookFailed(f"Lifecycle hook did not end within {timeout_s:.0f} s") from error
