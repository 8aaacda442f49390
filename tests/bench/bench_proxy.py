"""The service proxy: how long a load and a change take, and what a connection costs, by the number of services and the mode.

`python -m tests.bench.bench_proxy` prints a table of all modes; `python -m tests.bench proxy` has what there are targets for.
Needs root: it makes network namespaces of its own.
"""

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from shipslog.runtime.commands import Ruleset
from shipslog.runtime.netfilter.userspace.adapter import UserspaceAdapter
from tests.reconcilers.views import add
from tests.runtime.netfilter.laboratory import NODE_BRIDGE, Laboratory, inside, laboratory
from tests.runtime.netfilter.modes import VIP, made, tcp
from tests.runtime.netfilter.modes import ruleset as of_rules

from . import Row
from .bench_services import address, part, ruleset, view_with

ROUNDS = 200


def timed(call: Callable[[], Ruleset]) -> tuple[float, Ruleset]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


async def waited(call: Awaitable[None]) -> float:
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def connect_us(lab: Laboratory, host: str, port: int) -> float:
    """Median of a TCP connect from the node, where connecting includes the lookup and the translation."""

    def measure() -> float:
        import socket

        taken = []
        for _ in range(300):
            with socket.socket() as client:
                started = time.perf_counter()
                client.connect((host, port))
                taken.append(time.perf_counter() - started)
        return statistics.median(taken) * 1e6

    return inside(lab.ns("node"), measure)


class Measured(NamedTuple):
    """Of one mode: how long it takes to load all; medians of one change; connects through the first, the last, a node port."""

    decide_ms: float
    load_ms: float
    decided: str
    applied: str
    changed_ms: float
    connects_us: list[float]


async def measured(lab: Laboratory, mode: str, services: int, rounds: int) -> Measured:
    view, adapter = view_with(services, (lab.pod(1), lab.pod(2))), made(mode, lab)
    try:
        decide_s, rules = timed(lambda: ruleset(view))
        load_s = await waited(adapter.apply(rules))
        decisions, changes = [], []
        gc.collect()
        for turn in range(rounds):
            number = turn * 7919 % services
            add(view, part(number, (lab.pod(1), lab.pod(2), *((lab.pod(3),) if turn % 2 else ()))))
            took_s, rules = timed(lambda: ruleset(view))
            decisions.append(took_s)
            changes.append(await waited(adapter.apply(rules)))
        connects = [connect_us(lab, *where) for where in ((address(0), 80), (address(services - 1), 80), ("127.0.0.1", 30000))]
        changed_ms = statistics.median(changes) * 1e3
        return Measured(decide_s * 1e3, load_s * 1e3, spread(decisions), spread(changes), changed_ms, connects)
    finally:
        await adapter.close(remove=True)


def row(mode: str, services: int, found: Measured) -> list[str]:
    figures = [f"{found.decide_ms:.0f} ms", f"{found.load_ms:.0f} ms", found.decided, found.applied]
    return [mode, f"{services:,}", *figures, *(f"{us:.0f} µs" for us in found.connects_us)]


def spread(taken: list[float]) -> str:
    return f"{statistics.median(taken) * 1e3:.2f} / {sorted(taken)[int(len(taken) * 0.99)] * 1e3:.2f} ms"


def stream_rate(lab: Laboratory, host: str, port: int, seconds: float) -> float:
    """GB/s of one stream from the node to what listens there. Sender and receiver are processes of their own."""
    sender = "import socket,sys,time; s=socket.create_connection((sys.argv[1],int(sys.argv[2]))); b=bytes(1<<18)\n"
    sender += "e=time.monotonic()+float(sys.argv[3])\nwhile time.monotonic()<e: s.sendall(b)\ns.close()"
    receiver = (
        "import socket,time; l=socket.create_server(('0.0.0.0',7100)); print(flush=True); c,_=l.accept(); b=bytearray(1<<18)\n"
    )
    receiver += "n=c.recv_into(b); t=time.monotonic(); k=n\nwhile n: n=c.recv_into(b); k+=n\nprint(k/(time.monotonic()-t)/1e9)"
    inside_node = ("ip", "netns", "exec", lab.ns("node"), sys.executable, "-c")
    with subprocess.Popen((*inside_node, receiver), stdout=subprocess.PIPE, text=True) as receiving:
        assert receiving.stdout is not None
        receiving.stdout.readline()
        subprocess.run((*inside_node, sender, host, str(port), str(seconds)), check=True, timeout=60)
        return float(receiving.stdout.readline())


async def streams(lab: Laboratory) -> tuple[float, float, float]:
    """(GB/s over the loopback alone, through the process in user space, seconds that it uses of a core), in turns."""
    adapter = made("userspace", lab)
    assert isinstance(adapter, UserspaceAdapter)
    alone, through, used = [], [], []
    try:
        await adapter.apply(of_rules(tcp(lab, endpoints=((NODE_BRIDGE, 7100),))))
        for _ in range(5):
            alone.append(await asyncio.to_thread(stream_rate, lab, NODE_BRIDGE, 7100, 1.0))
            before = cpu_s(adapter.pid)
            through.append(await asyncio.to_thread(stream_rate, lab, VIP, 80, 1.0))
            used.append(cpu_s(adapter.pid) - before)
    finally:
        await adapter.close(remove=True)
    return statistics.median(alone), statistics.median(through), statistics.median(used)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


HEADS = ["mode", "services", "decide, cold", "load", "decide one, p50/p99", "apply one, p50/p99", "first", "last", "node port"]
RUNS = (
    ("nftables", 1000, ROUNDS),
    ("nftables", 5000, ROUNDS),
    ("nftables", 10000, ROUNDS),
    ("iptables", 1000, 10),
    ("userspace", 1000, 10),
)


def measure() -> list[Row]:
    """What there are targets for: nftables with 10,000 services, and streams through the process in user space."""
    return asyncio.run(_targets()) if os.geteuid() == 0 else []


async def _targets() -> list[Row]:
    with laboratory() as lab:
        for number in (1, 2, 3):
            lab.serve_tcp(f"pod{number}", 8080)
        direct = connect_us(lab, lab.pod(1), 8080)
        found = await measured(lab, "nftables", 10_000, ROUNDS)
        alone, through, busy_s = await streams(lab)
    return [
        Row("nftables, a change among 10,000 services, to the kernel", found.changed_ms, "ms", 1.5, None, lower=True),
        Row(
            "nftables, connected through the last of 10,000 services",
            found.connects_us[1],
            "µs",
            found.connects_us[0] * 1.2,
            direct,
            lower=True,
            note="compared: without a service; the target is the first one's and a fifth",
        ),
        Row("userspace, one stream, by a second of a core", through / busy_s, "GB/s", alone, None),
    ]


async def main() -> None:
    with laboratory() as lab:
        for number in (1, 2, 3):
            lab.serve_tcp(f"pod{number}", 8080)
        direct = f"{connect_us(lab, lab.pod(1), 8080):.0f} µs"
        rows = [row(mode, services, await measured(lab, mode, services, rounds)) for mode, services, rounds in RUNS]
        alone, rate, busy_s = await streams(lab)
    told = f"one stream: {alone:.2f} GB/s over loopback, {rate:.2f} through the process, "
    told += f"which has a core for {busy_s:.2f} s of a second: {rate / busy_s:.2f} GB for a second of it\n"
    widths = [max(len(line[column]) for line in [HEADS, *rows]) for column in range(len(HEADS))]
    for line in [HEADS, *rows]:
        sys.stdout.write("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + "\n")
    sys.stdout.write(f"a connection to a pod without a service: {direct}\n{told}")


if __name__ == "__main__":
    asyncio.run(main())
