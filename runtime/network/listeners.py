"""Which process of this machine listens on a port, as /proc tells.

Tests: tests/engine/cli/test_wrong_input.py
"""

import os
from pathlib import Path

LISTEN = "0A"  # the state in /proc/net/tcp
PROC = Path("/proc")


def listener(port: int) -> str:
    """`process 1234 (nginx)`; "" where nobody listens there, or we may not look."""
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _inodes(table, port)}
    if not sockets:
        return ""
    for process in PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            for fd in os.listdir(process / "fd"):
                if os.readlink(process / "fd" / fd) in sockets:
                    return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:  # it has ended, or is another user's
            continue
    return ""


def _inodes(table: str, port: int) -> list[str]:
    try:
        rows = [line.split() for line in (PROC / "net" / table).read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port]
