"""What a request costs before anything of ours is asked: TLS and sockets alone, and with the HTTP server in front of a handler
that always says the same.

`python -m tests.bench floor`. The server is a process of its own, on the loop of the daemon; the figures are its CPU time."""

import asyncio
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import cast

from aiohttp import web

from shipslog.engine.api.connection.accepting import Connections
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.auth import certificates

from . import Row, daemon

CLIENTS, REQUESTS, ROUNDS = 16, 16_000, 3
PATH = "/api/v1/namespaces/default/configmaps/c1-1"
BODY = b"x" * 700
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Deaf(asyncio.Protocol):
    """Answers without looking."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)


async def _same(request: web.BaseRequest) -> web.StreamResponse:
    return Reply(BODY)


async def serve(what: str, directory: Path) -> None:
    """Say the port, and serve until somebody ends the process."""
    made = Deaf if what == "deaf" else Connections(_same, handler_cancellation=True)
    tls = certificates.ensure(directory).server_context()
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        alone_us, http_us = (_cost_us(what, Path(scratch)) for what in ("deaf", "http"))
    return [
        Row("an answer over TLS, the request not looked at", alone_us, "µs of CPU", None, None, lower=True),
        Row("the same through the HTTP server", http_us, "µs of CPU", None, None, lower=True),
    ]


def _cost_us(what: str, directory: Path) -> float:
    """CPU of the server for a request: the least of some rounds."""
    command = [sys.executable, "-m", "tests.bench.bench_floor", what, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            port, costs = int(server.stdout.readline()), []
            for _ in range(ROUNDS):
                before = daemon.cpu_s(server.pid)
                daemon.loop_run(_ask(port))
                costs.append((daemon.cpu_s(server.pid) - before) / REQUESTS * 1e6)
            return min(costs)
        finally:
            server.kill()


async def _ask(port: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    async def one() -> None:
        connection = await daemon.Connection.open(port, context)
        for _ in range(REQUESTS // CLIENTS):
            code, _ = await connection.call("GET", PATH)
            assert code == 200
        connection.close()

    await asyncio.gather(*(one() for _ in range(CLIENTS)))


if __name__ == "__main__":
    daemon.loop_run(serve(sys.argv[1], Path(sys.argv[2])))
