"""Counters of the whole machine, of a process with all that it started, of interfaces and of file systems. Source: proc(5)."""

import os
from pathlib import Path

from .groups import TICK_NS, integer, number, pressures, text
from .usage import Disk, Interface, Usage

PAGE = os.sysconf("SC_PAGE_SIZE")
BLOCK = 512


def whole(at_ns: int) -> Usage:
    """The machine."""
    memory, faults, cpu = meminfo(), _words("/proc/vmstat"), text("/proc/stat").partition("\n")[0].split()
    user, nice, system, _, _, irq, soft, stolen = (*map(integer, cpu[1:9]), *([0] * 8))[:8]
    used = memory.get("MemTotal", 0) - memory.get("MemFree", 0)
    busy = user + nice + system + irq + soft + stolen
    return Usage(
        at_ns=at_ns,
        cpu_ns=busy * TICK_NS,
        cpu_user_ns=(user + nice) * TICK_NS,
        cpu_system_ns=(system + irq + soft) * TICK_NS,
        memory_bytes=used,
        working_set_bytes=max(used - memory.get("Inactive(file)", 0), 0),
        rss_bytes=memory.get("AnonPages", 0),
        cache_bytes=memory.get("Cached", 0) + memory.get("Buffers", 0),
        mapped_bytes=memory.get("Mapped", 0),
        swap_bytes=max(memory.get("SwapTotal", 0) - memory.get("SwapFree", 0), 0),
        page_faults=faults.get("pgfault", 0),
        major_page_faults=faults.get("pgmajfault", 0),
        processes=integer(text("/proc/loadavg").split("/")[-1].partition(" ")[0]),
        read_bytes=faults.get("pgpgin", 0) * 1024,
        written_bytes=faults.get("pgpgout", 0) * 1024,
        pressure=pressures(lambda resource: f"/proc/pressure/{resource}"),
        interfaces=interfaces("/proc/net/dev"),
    )


def meminfo() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    found = {}
    for line in text("/proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        found[name] = integer(value.strip().partition(" ")[0]) * 1024
    return found


def _words(path: str) -> dict[str, int]:
    found = {}
    for line in text(path).splitlines():
        name, _, value = line.partition(" ")
        found[name] = integer(value)
    return found


def most_processes() -> int:
    return number("/proc/sys/kernel/pid_max")


def interfaces(path: str) -> tuple[Interface, ...]:
    """Of a network namespace, by /proc/PID/net/dev; the loopback is left out."""
    found = []
    for line in text(path).splitlines()[2:]:
        name, _, counters = line.partition(":")
        values = [integer(word) for word in counters.split()]
        if name.strip() != "lo" and len(values) >= 12:
            received, sent = values[:4], values[8:12]
            found.append(Interface(name.strip(), *received, *sent))
    return tuple(found)


class Processes:
    """All processes of the machine, read once: what a process and its descendants use, where there are no groups."""

    def __init__(self) -> None:
        self._stat: dict[int, list[str]] = {}
        self._children: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):
            if name.isdigit() and (record := text(f"/proc/{name}/stat")):
                fields = record.rpartition(")")[2].split()  # its name may hold spaces and brackets
                self._stat[int(name)] = fields
                self._children.setdefault(int(fields[1]), []).append(int(name))

    def tree(self, pid: int, at_ns: int) -> Usage | None:
        """The process and what it started; None if it is gone. What has ended counts with who waited for it."""
        waiting, user, system, resident, minor, major, count = [pid], 0, 0, 0, 0, 0, 0
        if pid not in self._stat:
            return None
        while waiting:
            each = waiting.pop()
            fields = self._stat[each]
            waiting += self._children.get(each, ())
            minor, major, count = minor + int(fields[7]), major + int(fields[9]), count + 1
            user, system = user + int(fields[11]) + int(fields[13]), system + int(fields[12]) + int(fields[14])
            resident += int(fields[21]) * PAGE
        return Usage(
            at_ns=at_ns,
            cpu_ns=(user + system) * TICK_NS,
            cpu_user_ns=user * TICK_NS,
            cpu_system_ns=system * TICK_NS,
            memory_bytes=resident,
            working_set_bytes=resident,
            rss_bytes=resident,
            page_faults=minor + major,
            major_page_faults=major,
            processes=count,
        )


def disk(path: Path, at_ns: int, *, used_bytes: int | None = None, used_inodes: int | None = None) -> Disk | None:
    """The file system that a path is on; what of it is used, if that is not all. None where there is none."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    capacity, free = found.f_blocks * found.f_frsize, found.f_bfree * found.f_frsize
    return Disk(
        at_ns=at_ns,
        used_bytes=capacity - free if used_bytes is None else used_bytes,
        used_inodes=found.f_files - found.f_ffree if used_inodes is None else used_inodes,
        available_bytes=found.f_bavail * found.f_frsize,
        capacity_bytes=capacity,
        free_inodes=found.f_ffree,
        inodes=found.f_files,
    )
