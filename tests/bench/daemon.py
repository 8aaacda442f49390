"""A daemon of its own for a benchmark, and a client lean enough not to be what is measured."""

import asyncio
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it brings pytest along, which is in no daemon: what is resident is measured too
    from tests.e2e.conftest import Cluster

SAMPLES = "samples.json"
SHOWN = 6  # stages of a request, of those that take most


@contextmanager
def cluster(*options: str) -> Iterator[tuple["Cluster", float]]:
    """A running cluster, and the seconds from its start to a `/readyz` that says ok."""
    from tests.e2e.conftest import Cluster

    data = Path(tempfile.mkdtemp(prefix="shipslog-bench-"))
    one = Cluster(data, *options)
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.sampled", "up", *one.options, "--data", str(data)]
    with (data / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"SHIPSLOG_SAMPLES": str(data / SAMPLES)})
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


def admin_context(one: "Cluster") -> ssl.SSLContext:
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
        self.send(method, path, body)
        return await self.answer()

    def send(self, method: str, path: str, body: bytes = b"", media: str = "application/json", more: str = "") -> None:
        """Ask. It names itself, so that who owns which field is kept. `more`: lines of the head."""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: bench\r\nContent-Type: {media}\r\n{more}"
        self.writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def answer(self) -> tuple[int, bytes]:
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


class Spent:
    """The CPU time of a daemon from here on, and where it went."""

    def __init__(self, one: "Cluster") -> None:
        self._data, self._pid = one.data, int(one.daemon["pid"])
        self._samples()
        self._begun = cpu_s(self._pid)

    def each_us(self, count: int) -> float:
        """Microseconds for each of so many requests."""
        return (cpu_s(self._pid) - self._begun) / count * 1e6

    def where(self, count: int) -> str:
        """What one of so many requests costs, and the stages that take most of it."""
        cost, samples = self.each_us(count), self._samples()
        whole = sum(samples.values()) or 1
        most = sorted(samples.items(), key=lambda one: -one[1])[:SHOWN]
        return f"{cost:,.0f} µs of CPU each; " + ", ".join(f"{stage} {part / whole:.0%}" for stage, part in most)

    def _samples(self) -> dict[str, int]:
        """Those since the last time."""
        path = self._data / SAMPLES
        path.unlink(missing_ok=True)
        os.kill(self._pid, signal.SIGUSR2)
        while not path.exists():
            time.sleep(0.005)
        found: dict[str, int] = json.loads(path.read_text())
        return found


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads of a process, to the microsecond."""
    times = [Path(task, "schedstat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(time.split()[0]) for time in times) / 1e9


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
