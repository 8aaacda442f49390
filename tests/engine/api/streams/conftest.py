"""A pod on a node whose containers say what they are told to say."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.engine.api.conftest import Api


class Process:
    """Says hello and ends, or echoes its input until that ends."""

    def __init__(self, echo: bool) -> None:
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        if not echo:
            self._said.put_nowait(b"hello\n")
            self._said.put_nowait(b"")

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while data := await self._said.get():
            yield 1, data

    async def write(self, data: bytes) -> None:
        self._said.put_nowait(data)

    async def close_stdin(self) -> None:
        self._said.put_nowait(b"")

    async def resize(self, columns: int, rows: int) -> None: ...

    async def wait(self) -> int:
        return 0

    async def close(self) -> None: ...


class Port:
    """Answers each piece with itself in capitals."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(self, limit: int = 65536) -> bytes:
        return await self._answers.get()

    async def write(self, data: bytes) -> None:
        self._answers.put_nowait(data.upper())
        if data == b"bye":
            self._answers.put_nowait(b"")

    async def close_write(self) -> None:
        self._answers.put_nowait(b"")

    async def close(self) -> None: ...


class Node:
    """As much of a NodeRuntime as streams need."""

    node = "n"

    async def exec(self, pod_uid: str, container: str, argv: Sequence[str], *, stdin: bool, tty: bool) -> Process:
        return Process(echo=stdin)

    async def attach(self, pod_uid: str, container: str, *, stdin: bool, tty: bool) -> Process:
        return Process(echo=stdin)

    async def port_forward(self, pod_uid: str, port: int) -> Port:
        if port == 1:
            raise ConnectionRefusedError("connection refused")
        return Port()

    async def logs(self, pod_uid: str, container: str, attempt: int, options: Any) -> AsyncIterator[bytes]:
        yield b"one\n"
        yield b"two\n"

    async def close(self, *, end_pods: bool = False) -> None: ...


POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default}
spec: {nodeName: "n", containers: [{name: c, image: i}]}
"""


async def run_pod(cluster: Any) -> None:
    """The pod `p` runs, and its node has streams."""
    cluster.runtimes["n"] = Node()
    await cluster.apply(POD)


@pytest.fixture
async def running(api: Api) -> Api:
    await run_pod(api.cluster)
    return api
