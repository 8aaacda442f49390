"""Probes: what counts as success, and that only flips are reported."""

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from shipslog.runtime.commands import Hook, ProbeTarget
from shipslog.runtime.probes import Prober


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def target(action: Hook, probe: str = "readiness", **more: Any) -> ProbeTarget:
    return ProbeTarget(pod_uid="u", container="c", attempt=0, probe=probe, action=action, **more)  # type: ignore[arg-type]


async def nothing(*_: Any) -> tuple[int, bytes]:
    return 0, b""


async def test_http_and_tcp(web: str) -> None:
    prober = Prober("n", lambda fact: None, nothing)
    for status, good in ((200, True), (302, True), (404, False), (503, False)):
        assert (await prober.probe(target(Hook(http_url=f"http://{web}/{status}"))))[0] is good
    assert (await prober.probe(target(Hook(http_url=f"http://{web}/503"))))[1] == "HTTP probe failed with statuscode: 503"
    assert (await prober.probe(target(Hook(tcp=web))))[0]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert not (await prober.probe(target(Hook(tcp=f"127.0.0.1:{free}"))))[0]


async def test_only_flips_are_reported_and_thresholds_count() -> None:
    answers = iter([0, 0, 1, 0, 1, 1, 1])
    tried = 0
    facts: list[Any] = []

    async def run_in(uid: str, container: str, argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
        nonlocal tried
        tried += 1
        return next(answers, 1), b"why"

    prober = Prober("n", facts.append, run_in)
    wanted = target(Hook(exec=("x",)), period_s=0, failure_threshold=2)
    await prober.set_targets([wanted])
    async with asyncio.timeout(5):
        while len(facts) < 2:
            await asyncio.sleep(0)
    await prober.set_targets([])
    assert [(f.healthy, f.message) for f in facts] == [(True, ""), (False, "why")]
    before = tried
    await asyncio.sleep(0.02)
    assert tried == before, "a target that is gone is not probed"
    await prober.close()
