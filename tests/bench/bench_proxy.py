"""The service proxy: how long a load and a change take, and what a connection costs, by the number of services.

`python -m tests.bench.bench_proxy` prints a table. Needs root: it makes network namespaces of its own.
"""

import asyncio
import gc
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec

from shipslog.runtime.commands import Ruleset
from shipslog.runtime.netfilter.nftables import NftablesAdapter
from tests.reconcilers.views import add
from tests.runtime.netfilter.laboratory import Laboratory, inside, laboratory

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


async def measure(lab: Laboratory, services: int) -> list[str]:
    view, adapter = view_with(services, (lab.pod(1), lab.pod(2))), NftablesAdapter(f"bench{services}", netns=lab.ns("node"))
    try:
        await adapter.start()
        decide_s, rules = timed(lambda: ruleset(view))
        load_s = await waited(adapter.apply(rules))
        reload_s = await waited(adapter.apply(msgspec.structs.replace(rules, pod_cidr="10.244.0.0/15")))
        await adapter.apply(rules)
        decisions, changes = [], []
        gc.collect()
        for turn in range(ROUNDS):
            number = turn * 7919 % services
            add(view, part(number, (lab.pod(1), lab.pod(2), *((lab.pod(3),) if turn % 2 else ()))))
            took_s, rules = timed(lambda: ruleset(view))
            decisions.append(took_s)
            changes.append(await waited(adapter.apply(rules)))
        figures = [
            f"{decide_s * 1e3:.0f} ms",
            f"{load_s * 1e3:.0f} ms",
            f"{reload_s * 1e3:.0f} ms",
            spread(decisions),
            spread(changes),
            f"{connect_us(lab, address(0), 80):.0f} µs",
            f"{connect_us(lab, address(services - 1), 80):.0f} µs",
            f"{connect_us(lab, '127.0.0.1', 30000):.0f} µs",
        ]
        return [f"{services:,}", *figures]
    finally:
        await adapter.close(remove=True)


def spread(taken: list[float]) -> str:
    return f"{statistics.median(taken) * 1e3:.2f} / {sorted(taken)[int(len(taken) * 0.99)] * 1e3:.2f} ms"


async def main() -> None:
    heads = [
        "services",
        "decide, cold",
        "load",
        "replace all",
        "decide one, p50/p99",
        "apply one, p50/p99",
        "connect first",
        "connect last",
        "node port",
    ]
    with laboratory() as lab:
        for number in (1, 2, 3):
            lab.serve_tcp(f"pod{number}", 8080)
        direct = f"{connect_us(lab, lab.pod(1), 8080):.0f} µs"
        rows = [await measure(lab, services) for services in (1000, 5000, 10000)]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        sys.stdout.write("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + "\n")
    sys.stdout.write(f"a connection to a pod without a service: {direct}\n")


if __name__ == "__main__":
    asyncio.run(main())
