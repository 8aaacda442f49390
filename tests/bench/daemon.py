"""A daemon of its own for a benchmark, and a client lean enough not to be what is measured."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Cluster


@contextmanager
def cluster(*options: str) -> Iterator[tuple[Cluster, float]]:
    """A running cluster, and the seconds from its start to a `/readyz` that says ok."""
    data = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    one = Cluster(data, *options)
    begun = time.perf_counter()
    command = [sys.executable, "-m", "shipslog", "up", *one.options, "--data", str(data)]
    with (data / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        started = asyncio.run(_ready(one.port, context, begun))
        while not (data / "kubeconfig").exists():
            time.sleep(0.005)
        yield one, started
    finally:
        if process.poll() is None:
            one.shipslog("down", "--all", check=False)
        process.wait(30)
        shutil.rmtree(data, ignore_errors=True)


async def _ready(port: int, context: ssl.SSLContext, begun: float) -> float:
    while True:
        try:
            connection = await Connection.open(port, context)
            code, _ = await connection.call("GET", "/readyz")
            connection.close()
            if code == 200:
                return time.perf_counter() - begun
        except OSError:
            if time.perf_counter() - begun > 30:
                raise
        await asyncio.sleep(0.01)


def admin_context(one: Cluster) -> ssl.SSLContext:
    """The administrator's certificate, from the kubeconfig."""
    import base64

    import yaml

    config = yaml.safe_load((one.data / "kubeconfig").read_text())
    user = config["users"][0]["user"]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        for key in ("client-certificate-data", "client-key-data"):
            file.write(base64.b64decode(user[key]))
        file.flush()
        context.load_cert_chain(file.name)
    return context


class Connection:
    """One keep-alive connection that speaks just enough HTTP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, context: ssl.SSLContext) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=1 << 24))

    async def call(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        code = int(answer[9:12])
        if b"Transfer-Encoding: chunked" in answer:
            return code, b"".join([part async for part in self._parts()])
        at = answer.find(b"Content-Length: ")
        length = int(answer[at + 16 : answer.index(b"\r", at)]) if at >= 0 else 0
        return code, await self.reader.readexactly(length) if length else b""

    async def _parts(self) -> AsyncIterator[bytes]:
        while length := int(await self.reader.readline(), 16):
            yield (await self.reader.readexactly(length + 2))[:-2]
        await self.reader.readexactly(2)

    def close(self) -> None:
        self.writer.close()


def usage(pid: int) -> tuple[float, float]:
    """(CPU seconds, resident MiB) of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return seconds, resident / 1024


def loop_run(main: Any) -> Any:
    """On the fastest loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
