"""Probes: what counts as success, what a container cannot do with them, and that only flips are reported. Sockets are real."""

import asyncio
import contextlib
import http.server
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop

from shipslog.runtime.commands import Hook, ProbeTarget
from shipslog.runtime.probing.probes import Prober
from shipslog.store.facts import ProbeFlipped

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


class Answers(http.server.BaseHTTPRequestHandler):
    """/404 answers 404; /seen the path and the header X of the request, if they are as expected; the rest redirects."""

    def do_GET(self) -> None:
        match self.path.split("?")[0].strip("/").split("/"):
            case ["%C3%A9"]:
                self.send_response(200 if self.headers["X"].encode("latin-1").decode() == "naïve – Ω" else 400)
            case ["round"]:
                self.send_response(302)
                self.send_header("Location", "/round")
            case ["once"]:
                self.send_response(301)
                self.send_header("Location", "204")
            case ["away"]:
                self.send_response(307)
                self.send_header("Location", "http://elsewhere.invalid/404")
                self.end_headers()
                self.wfile.write(b"over there")
                return
            case [code]:
                self.send_response(int(code))
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextlib.asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    """Where a server listens that talks so to each client."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.transport.abort()
        tasks.discard(task)

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        host, port = made.sockets[0].getsockname()
        yield f"{host}:{port}"
    finally:
        made.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header line a while, for ever: each one in time, all of them never."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"a: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)


async def drip_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


def target(action: Hook, probe: str = "readiness", **more: Any) -> ProbeTarget:
    return ProbeTarget(pod_uid="u", container="c", attempt=0, probe=probe, action=action, **more)  # type: ignore[arg-type]


async def nothing(*_: Any) -> tuple[int, bytes]:
    return 0, b""


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober("n", lambda fact: None, nothing)
    yield made
    await made.close()


async def test_http_and_tcp(web: str, prober: Prober) -> None:
    for status, good in ((200, True), (302, True), (404, False), (503, False)):
        assert (await prober.probe(target(Hook(http_url=f"http://{web}/{status}"))))[0] is good
    assert (await prober.probe(target(Hook(http_url=f"http://{web}/503"))))[1] == "HTTP probe failed with statuscode: 503"
    assert (await prober.probe(target(Hook(tcp=web))))[0]
    assert (await prober.probe(target(Hook(tcp=web.replace("127.0.0.1", "localhost")))))[0], "names are looked up"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    refused = await prober.probe(target(Hook(tcp=f"127.0.0.1:{free}")))
    assert refused == (False, f"dial tcp 127.0.0.1:{free}: connect: connection refused")
    url = f"http://127.0.0.1:{free}/"
    refused = await prober.probe(target(Hook(http_url=url)))
    assert refused == (False, f'Get "{url}": dial tcp 127.0.0.1:{free}: connect: connection refused')


async def test_redirects_are_followed_on_the_same_host_only(web: str, prober: Prober) -> None:
    assert (await prober.probe(target(Hook(http_url=f"http://{web}/once"))))[0]
    good, why = await prober.probe(target(Hook(http_url=f"http://{web}/away")))
    assert (good, why) == (True, "Probe terminated redirects, Response body: over there"), "elsewhere is not asked"
    good, why = await prober.probe(target(Hook(http_url=f"http://{web}/round"), timeout_s=10))
    assert (good, why) == (False, f'Get "http://{web}/round": stopped after 10 redirects')


async def test_https_is_asked_without_checking_the_certificate(tmp_path: Path, prober: Prober) -> None:
    from tests.runtime.certificates import self_signed

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as secure:
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        threading.Thread(target=secure.serve_forever, daemon=True).start()
        where = f"https://127.0.0.1:{secure.server_address[1]}"
        assert (await prober.probe(target(Hook(http_url=f"{where}/200"), timeout_s=10)))[0]
        assert not (await prober.probe(target(Hook(http_url=f"{where}/500"), timeout_s=10)))[0]
        secure.shutdown()


async def test_what_is_not_ascii_is_sent_as_kubelet_sends_it(web: str, prober: Prober) -> None:
    action = Hook(http_url=f"http://{web}/é", http_headers=(("X", "naïve – Ω"),))
    assert await prober.probe(target(action)) == (True, "")


async def test_no_server_outlives_the_timeout(prober: Prober) -> None:
    """One that says nothing, one that sends headers for ever, one whose body never ends: over HTTP, TLS and gRPC."""
    async with server(silence) as mute, server(drip) as slow, server(drip_body) as slower:
        hooks = [Hook(http_url=f"{scheme}://{where}/") for scheme in ("http", "https") for where in (mute, slow, slower)]
        hooks += [Hook(grpc=where) for where in (mute, slow, slower)]
        begun = time.monotonic()
        answers = await asyncio.gather(*(prober.probe(target(hook, timeout_s=1)) for hook in hooks))
        assert time.monotonic() - begun < 5, "not longer than that the machine is slow"
    assert all(not good and why for good, why in answers)
    assert "Client.Timeout exceeded" in answers[0][1] and "Client.Timeout exceeded" in answers[2][1]


async def test_an_endless_answer_is_not_read_to_its_end(prober: Prober) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with server(flood) as where:
        assert (await prober.probe(target(Hook(http_url=f"http://{where}/"), timeout_s=30)))[0]
        assert sent < 64 << 20, "what the sockets hold, not what it would send"


async def test_headers_without_end_are_refused(prober: Prober) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"a: " + b"b" * 65536)
            await writer.drain()

    async with server(talk) as where:
        good, why = await prober.probe(target(Hook(http_url=f"http://{where}/"), timeout_s=30))
    assert not good and why.startswith("Get ")


async def test_hanging_probes_hold_no_thread(prober: Prober) -> None:
    """Not one of the loop's own, which start and end pods, and none besides."""
    async with server(silence) as where:
        before = threading.active_count()
        probes = [
            asyncio.ensure_future(prober.probe(target(Hook(http_url=f"http://{where}/"), timeout_s=600))) for _ in range(100)
        ]
        await asyncio.sleep(0.2)
        async with asyncio.timeout(10):
            await asyncio.to_thread(time.sleep, 0)
        assert threading.active_count() <= before + 1
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Hook(http_url="http://127.0.0.1:1/", http_headers=(("X", "a\nb"),)), "header"),
        (Hook(http_url="http://127.0.0.1:1/", http_headers=(("a b\r\n", "c"),)), "header"),
        (Hook(http_url="http://[::1:80/"), "IPv6"),
        (Hook(tcp="[::1"), ""),
        (Hook(tcp="127.0.0.1:http"), ""),
        (Hook(tcp="no.such.name.invalid:80"), "dial tcp"),
        (Hook(grpc="127.0.0.1:1", grpc_service="x" * 300), "UNAVAILABLE"),
        (Hook(exec=("a\0b",)), "null byte"),
    ],
)
async def test_what_cannot_be_asked_has_failed(action: Hook, said: str) -> None:
    """It flips, so that a liveness probe of that kind ends its container."""

    async def run_in(uid: str, container: str, argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(*argv)
        return await process.wait(), b""

    facts: list[Any] = []
    prober = Prober("n", facts.append, run_in)
    await prober.set_targets([target(action, "liveness", failure_threshold=2, period_s=0, timeout_s=20)])
    async with asyncio.timeout(50):
        while not facts:
            await asyncio.sleep(0.01)
    await prober.close()
    assert isinstance(facts[0], ProbeFlipped) and not facts[0].healthy and said in facts[0].message


async def test_grpc_health(prober: Prober) -> None:
    grpc = pytest.importorskip("grpc")
    asked: list[bytes] = []

    def check(request: bytes, context: Any) -> bytes:
        asked.append(request)
        if request.endswith(b"?"):
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return b"\x08\x02" if request.endswith(b"!") else b"\x08\x01"

    class Health(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(check) if details.method == "/grpc.health.v1.Health/Check" else None

    from concurrent.futures import ThreadPoolExecutor

    made = grpc.server(ThreadPoolExecutor(1), handlers=[Health()])
    where = f"127.0.0.1:{made.add_insecure_port('127.0.0.1:0')}"
    made.start()
    try:
        long = "s" * 300
        for service, good, said in (("", True, ""), (long, True, ""), ("!", False, '"NOT_SERVING"'), ("?", False, "unknown")):
            answer = await prober.probe(target(Hook(grpc=where, grpc_service=service), timeout_s=20))
            assert answer[0] is good and said in answer[1]
        assert asked[:2] == [b"", b"\x0a\xac\x02" + long.encode()]
    finally:
        made.stop(None).wait()


def test_the_daemons_loop_probes_too(web: str) -> None:
    """uvloop's sockets and errors are its own."""

    async def ask() -> None:
        prober = Prober("n", lambda fact: None, nothing)
        assert (await prober.probe(target(Hook(http_url=f"http://{web}/200"), timeout_s=20)))[0]
        assert (await prober.probe(target(Hook(tcp=web), timeout_s=20)))[0]
        assert await prober.probe(target(Hook(tcp="127.0.0.1:1"))) == (
            False,
            "dial tcp 127.0.0.1:1: connect: connection refused",
        )
        assert not (await prober.probe(target(Hook(grpc="127.0.0.1:1"), timeout_s=20)))[0]
        async with server(drip) as where:
            assert not (await prober.probe(target(Hook(http_url=f"http://{where}/"))))[0]
        await prober.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask())


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


async def test_a_redirect_elsewhere_is_warned_of_once(web: str) -> None:
    async def run_in(uid: str, container: str, argv: Sequence[str], timeout_s: float) -> tuple[int, bytes]:
        raise AssertionError("no command is run")

    facts: list[Any] = []
    prober = Prober("n", facts.append, run_in)
    await prober.set_targets([target(Hook(http_url=f"http://{web}/away"), "liveness", period_s=0, timeout_s=20)])
    async with asyncio.timeout(50):
        while sum(prober.counts().values()) < 5:
            await asyncio.sleep(0.01)
    await prober.close()
    assert [(f.healthy, f.message) for f in facts] == [(True, "Probe terminated redirects, Response body: over there")]
