"""The cluster's name server: answers a second from one process, and how long one takes.

`python -m tests.bench dns`. Needs dnsperf (Debian's package of that name)."""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

import uvloop

from shipslog.engine.cluster import Cluster
from shipslog.engine.dns.serving import serving
from shipslog.runtime.dns.sockets import opened
from tests.engine.dns.conftest import CLUSTER

from . import Row

S = "default.svc.cluster.local"
KEPT = (f"web.{S} A", f"set.{S} A", f"set-0.set.{S} A", f"nobody.{S} A", f"_http._tcp.web.{S} SRV")
NEW = tuple(f"n{i}.{S} A" for i in range(200_000))
SECONDS = 5


def measure() -> list[Row]:
    """Errors: RuntimeError without dnsperf."""
    if shutil.which("dnsperf") is None:
        raise RuntimeError("this needs dnsperf: apt-get install dnsperf")
    return uvloop.run(_measure())


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "resolv.conf").write_text("")
        async with Cluster.open(runtime="none", reconcilers=()) as cluster:
            for manifest in CLUSTER:
                await cluster.apply(manifest)
            sockets = opened("127.0.0.1", 0)
            async with serving(cluster, sockets, resolv_conf=place / "resolv.conf"):
                most = await _dnsperf(place, sockets.address, KEPT)
                worst = await _dnsperf(place, sockets.address, NEW)
                steady = await _dnsperf(place, sockets.address, KEPT, "-Q", "5000")
    return [
        Row("DNS answers, four clients", _rate(most), "/s", 15_000, _rate(worst), note="compared: each name asked for once"),
        Row("DNS answer at 5,000 questions a second, mean", _latency_ms(steady), "ms", 2, None, lower=True),
    ]


async def _dnsperf(place: Path, address: tuple[str, int], questions: tuple[str, ...], *more: str) -> str:
    (place / "questions").write_text("\n".join(questions) + "\n")
    host, port = address
    command = ("dnsperf", "-s", host, "-p", str(port), "-d", str(place / "questions"), "-l", str(SECONDS), "-c", "4", *more)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    return (await process.communicate())[0].decode()


def _rate(told: str) -> float:
    return _number(r"Queries per second:\s+([\d.]+)", told)


def _latency_ms(told: str) -> float:
    return _number(r"Average Latency \(s\):\s+([\d.]+)", told) * 1000


def _number(pattern: str, told: str) -> float:
    found = re.search(pattern, told)
    if found is None:
        raise RuntimeError(told)
    return float(found[1])
