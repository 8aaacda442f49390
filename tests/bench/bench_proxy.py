"""The service proxy: how long a load and a change take, and what a connection costs, by the number of services and the mode.

`python -m tests.bench.bench_proxy` prints a table. Needs root: it makes network namespaces of its own.
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

from shipslog.runtime.commands import Ruleset
from shipslog.runtime.netfilter.userspace.adapter import UserspaceAdapter
from tests.reconcilers.views import add
from tests.runtime.netfilter.laboratory import NODE_BRIDGE, Laboratory, inside, laboratory
from tests.runtime.netfilter.modes import VIP, made, tcp
from tests.runtime.netfilter.modes import ruleset as of_rules

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


async def measure(lab: Laboratory, mode: str, services: int, rounds: int) -> list[str]:
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
        figures = [f"{decide_s * 1e3:.0f} ms", f"{load_s * 1e3:.0f} ms", spread(decisions), spread(changes)]
        return [mode, f"{services:,}", *figures, *(f"{us:.0f} µs" for us in connects)]
    finally:
        await adapter.close(remove=True)


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


async def streams(lab: Laboratory) -> str:
    """The loopback alone, and through the process in user space, in turns; what the process uses of a core."""
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
    rate, busy_s = statistics.median(through), statistics.median(used)
    return (
        f"one stream: {statistics.median(alone):.2f} GB/s over loopback, {rate:.2f} through the process, "
        f"which has a core for {busy_s:.2f} s of a second: {rate / busy_s:.2f} GB for a second of it\n"
    )


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


async def main() -> None:
    with laboratory() as lab:
        for number in (1, 2, 3):
            lab.serve_tcp(f"pod{number}", 8080)
        direct = f"{connect_us(lab, lab.pod(1), 8080):.0f} µs"
        rows = [await measure(lab, *run) for run in RUNS]
        told = await streams(lab)
    widths = [max(len(row[column]) for row in [HEADS, *rows]) for column in range(len(HEADS))]
    for row in [HEADS, *rows]:
        sys.stdout.write("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + "\n")
    sys.stdout.write(f"a connection to a pod without a service: {direct}\n{told}")


if __name__ == "__main__":
    asyncio.run(main())
