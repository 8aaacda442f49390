"""Which program makes a container: crun, or what its pod's RuntimeClass names.

Tests: tests/runtime/containers/oci/test_programs.py
"""

from pathlib import Path

from shipslog.runtime.machine.environment import OciSettings

from .layout import Layout

CRUN, RUNC = "crun", "runc"


class HandlerUnknown(OSError):
    """A RuntimeClass names something that this node has not."""


def check(settings: OciSettings, handler: str) -> str:
    """The program for a handler ("" for none). Errors: HandlerUnknown."""
    if handler in ("", CRUN):
        return CRUN
    if handler == RUNC and settings.runc:
        return RUNC
    known = [CRUN, *([RUNC] if settings.runc else [])]
    raise HandlerUnknown(f'no runtime for "{handler}" is configured: this node has {" and ".join(known)}')


def state(layout: Layout, program: str) -> Path:
    """Where a program keeps what it knows of its containers. `program`: as `check` gave it; "" of an older version."""
    return layout.run / RUNC if program == RUNC else layout.crun


def command(settings: OciSettings, layout: Layout, program: str) -> list[str]:
    """How it is called, up to what it is to do."""
    if program == RUNC:
        return [settings.runc, "--root", str(state(layout, program))]
    return [settings.crun, "--root", str(layout.crun), f"--cgroup-manager={settings.cgroup_manager}"]
