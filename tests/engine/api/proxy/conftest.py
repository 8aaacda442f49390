"""A pod, its service and its node, and behind them whatever server a test puts there, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from shipslog.runtime.network.dial import Ends, Unreachable, dial
from tests.engine.api.conftest import Api, Client

POD = "/api/v1/namespaces/default/pods"
IP = "10.99.0.7"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Node:
    """As much of a NodeRuntime as the proxy needs: what listens at an address of its pods is a port of this machine."""

    node = "n"

    def __init__(self) -> None:
        self.listening: dict[tuple[str, int], int] = {}
        self.asked: list[tuple[str, int, bool]] = []

    async def connect(self, address: str, port: int, *, tls: bool = False) -> Ends:
        self.asked.append((address, port, tls))
        if (address, port) not in self.listening:
            raise Unreachable(f"dial tcp {address}:{port}: connect: connection refused")
        return await dial("127.0.0.1", self.listening[address, port], tls=tls)

    async def close(self, *, end_pods: bool = False) -> None: ...


class Behind:
    """The API, a client of it, and what is behind the proxy."""

    def __init__(self, api: Api, admin: Client, node: Node) -> None:
        self.api, self.admin, self.node = api, admin, node
        self._closing: list[Callable[[], Awaitable[None]]] = []

    async def serves(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], port: int = 8080, **more: Any
    ) -> None:
        """An HTTP server at a port of the pod."""
        server = web.Server(handler, access_log=None)
        listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, **more)
        self._listens(listening, port)
        self._closing.append(server.shutdown)

    async def talks(self, talk: Talk, port: int = 8080) -> None:
        """Whatever says what it likes at a port of the pod."""

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await talk(reader, writer)
            except OSError:
                pass
            finally:
                writer.close()

        self._listens(await asyncio.start_server(one, "127.0.0.1", 0), port)

    def _listens(self, server: asyncio.Server, port: int) -> None:
        self.node.listening[IP, port] = server.sockets[0].getsockname()[1]

        async def close() -> None:
            server.close()

        self._closing.append(close)

    async def close(self) -> None:
        for close in self._closing:
            await close()

    async def pod(self, name: str = "p", ip: str = IP, *ports: int) -> None:
        """A pod that runs at an address. No rule runs here: the test says what a node would."""
        said = [{"containerPort": port} for port in ports or (8080,)]
        spec = {"nodeName": "n", "containers": [{"name": "c", "image": "i", "ports": said}]}
        code, made = await self.admin.call("POST", POD, {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec})
        assert code == 201, made
        if not ip:
            return
        made["status"] |= {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
        code, made = await self.admin.call("PUT", f"{POD}/{name}/status", made)
        assert code == 200, made

    async def service(self, name: str, ports: list[dict[str, Any]], subsets: list[dict[str, Any]]) -> None:
        body: dict[str, Any] = {"metadata": {"name": name}, "spec": {"ports": ports}}
        assert (await self.admin.call("POST", "/api/v1/namespaces/default/services", body))[0] == 201
        body = {"metadata": {"name": name}, "subsets": subsets}
        assert (await self.admin.call("POST", "/api/v1/namespaces/default/endpoints", body))[0] == 201


@pytest.fixture
async def behind(api: Api, admin: Client) -> AsyncIterator[Behind]:
    node: Any = Node()
    api.cluster.runtimes["n"] = node
    made = Behind(api, admin, node)
    await made.pod()
    try:
        yield made
    finally:
        await made.close()
