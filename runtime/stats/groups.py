"""Counters of a control group, of version 1 and 2. Source: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/*.rst of Linux.

A file that is not there (a controller that is off, a kernel without PSI, a group that has just gone) counts as nothing."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .usage import Pressure, Usage

LONGEST = 1 << 16  # bytes of one file of the kernel
NO_LIMIT = 1 << 60
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Groups(Protocol):
    """Reads the groups of one hierarchy."""

    def read(self, group: str, at_ns: int) -> Usage | None:
        """The counters of a group (a path from the top, "/shipslog-x/uid"); None where there is none."""


def groups_of(root: Path, version: int) -> Groups:
    return Unified(root) if version == 2 else Separate(root)


class Unified:
    """Version 2: one tree."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def read(self, group: str, at_ns: int) -> Usage | None:
        top = f"{self._root}/{group.strip('/')}"
        cpu = pairs(f"{top}/cpu.stat")
        if not cpu:
            return None
        memory, used = pairs(f"{top}/memory.stat"), number(f"{top}/memory.current")
        read, written = _io(text(f"{top}/io.stat"))
        return Usage(
            at_ns=at_ns,
            cpu_ns=cpu.get("usage_usec", 0) * 1000,
            cpu_user_ns=cpu.get("user_usec", 0) * 1000,
            cpu_system_ns=cpu.get("system_usec", 0) * 1000,
            periods=cpu.get("nr_periods", 0),
            throttled_periods=cpu.get("nr_throttled", 0),
            throttled_ns=cpu.get("throttled_usec", 0) * 1000,
            memory_bytes=used,
            working_set_bytes=max(used - memory.get("inactive_file", 0), 0),
            rss_bytes=memory.get("anon", 0),
            cache_bytes=memory.get("file", 0),
            mapped_bytes=memory.get("file_mapped", 0),
            swap_bytes=number(f"{top}/memory.swap.current"),
            memory_limit_bytes=_limit(number(f"{top}/memory.max")),
            memory_failures=pairs(f"{top}/memory.events").get("max", 0),
            page_faults=memory.get("pgfault", 0),
            major_page_faults=memory.get("pgmajfault", 0),
            processes=number(f"{top}/pids.current"),
            read_bytes=read,
            written_bytes=written,
            pressure=pressures(lambda resource: f"{top}/{resource}.pressure"),
        )


class Separate:
    """Version 1: a tree for each controller."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def read(self, group: str, at_ns: int) -> Usage | None:
        name = group.strip("/")
        accounted, memory_top = f"{self._root}/cpuacct/{name}", f"{self._root}/memory/{name}"
        memory = pairs(f"{memory_top}/memory.stat")
        cpu_text = text(f"{accounted}/cpuacct.usage")
        if not memory and not cpu_text:
            return None
        cpu, split = pairs(f"{self._root}/cpu/{name}/cpu.stat"), pairs(f"{accounted}/cpuacct.stat")
        used = number(f"{memory_top}/memory.usage_in_bytes")
        read, written = _served(text(f"{self._root}/blkio/{name}/blkio.throttle.io_service_bytes"))
        return Usage(
            at_ns=at_ns,
            cpu_ns=integer(cpu_text),
            cpu_user_ns=split.get("user", 0) * TICK_NS,
            cpu_system_ns=split.get("system", 0) * TICK_NS,
            periods=cpu.get("nr_periods", 0),
            throttled_periods=cpu.get("nr_throttled", 0),
            throttled_ns=cpu.get("throttled_time", 0),
            memory_bytes=used,
            working_set_bytes=max(used - memory.get("total_inactive_file", 0), 0),
            rss_bytes=memory.get("total_rss", 0),
            cache_bytes=memory.get("total_cache", 0),
            mapped_bytes=memory.get("total_mapped_file", 0),
            swap_bytes=memory.get("total_swap", 0),
            memory_limit_bytes=_limit(memory.get("hierarchical_memory_limit", 0)),
            memory_failures=number(f"{memory_top}/memory.failcnt"),
            page_faults=memory.get("total_pgfault", 0),
            major_page_faults=memory.get("total_pgmajfault", 0),
            processes=number(f"{self._root}/pids/{name}/pids.current"),
            read_bytes=read,
            written_bytes=written,
        )


def text(path: str) -> str:
    """What a file of the kernel says; "" where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, LONGEST).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def integer(content: str) -> int:
    """A number; 0 for what is none ("max")."""
    content = content.strip()
    return int(content) if content.isascii() and content.isdigit() else 0


def number(path: str) -> int:
    return integer(text(path))


def pairs(path: str) -> dict[str, int]:
    """A file of lines with a word and a number."""
    content = text(path)
    words = content.split()
    try:
        return dict(zip(words[::2], map(int, words[1::2]), strict=True))
    except ValueError:  # a word where a number should be ("max")
        lines = (line.partition(" ") for line in content.splitlines())
        return {key: integer(value) for key, _, value in lines}


def pressures(path: Callable[[str], str]) -> dict[str, Pressure]:
    """PSI by resource, of the files that `path` names. Source: Documentation/accounting/psi.rst."""
    found = {}
    for resource in ("cpu", "memory", "io"):
        if content := text(path(resource)):
            found[resource] = pressure(content)
    return found


def pressure(content: str) -> Pressure:
    """`some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same of `full`."""
    values: dict[str, Any] = {}
    for line in content.splitlines():
        what, *rest = line.split()
        pieces = dict(piece.split("=", 1) for piece in rest if "=" in piece)
        if what in ("some", "full"):
            values[f"{what}_us"] = integer(pieces.get("total", ""))
            values[f"{what}_avg"] = tuple(float(pieces.get(name, "0")) for name in ("avg10", "avg60", "avg300"))
    return Pressure(**values)


def _limit(value: int) -> int:
    return value if value < NO_LIMIT else 0


def _io(content: str) -> tuple[int, int]:
    """(read, written) of `8:0 rbytes=1 wbytes=2 rios=3 ...`, all devices together."""
    read = written = 0
    for line in content.splitlines():
        pieces = dict(piece.split("=", 1) for piece in line.split()[1:] if "=" in piece)
        read += integer(pieces.get("rbytes", ""))
        written += integer(pieces.get("wbytes", ""))
    return read, written


def _served(content: str) -> tuple[int, int]:
    """(read, written) of `8:0 Read 1`, all devices together."""
    read = written = 0
    for line in content.splitlines():
        words = line.split()
        if len(words) == 3:
            read += integer(words[2]) if words[1] == "Read" else 0
            written += integer(words[2]) if words[1] == "Write" else 0
    return read, written
