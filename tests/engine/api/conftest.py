"""A real server on loopback, over TLS, and clients for it."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shipslog.engine.api.connection.server import ApiServer
from shipslog.engine.auth import certificates
from shipslog.engine.cluster import Cluster
from shipslog.reconcilers.rule.decision import Reconciler

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


class Client:
    """One who asks: with the administrator's certificate, with a token, or without anything."""

    def __init__(self, base: str, session: aiohttp.ClientSession, tls: ssl.SSLContext) -> None:
        self.base, self.session, self.tls = base, session, tls
        self.streams: list[aiohttp.ClientResponse] = []

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """(code, JSON or text)"""
        code, value, _ = await self.full(method, path, body, **options)
        return code, value

    async def full(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any, Any]:
        """(code, JSON or text, headers)"""
        content = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        async with self.session.request(method, self.base + path, **content, **options) as response:
            if response.content_type == "application/json":
                return response.status, await response.json(), response.headers
            return response.status, await response.text(), response.headers

    async def stream(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        """A response that is read piece by piece; closed with the client."""
        response = await self.session.get(self.base + path, **options)
        self.streams.append(response)
        return response

    async def close(self) -> None:
        for response in self.streams:
            response.close()
        await self.session.close()

    async def config_map(self, name: str, labels: dict[str, str] | None = None, **data: str) -> Any:
        code, made = await self.call("POST", CONFIG_MAPS, {"metadata": {"name": name, "labels": labels or {}}, "data": data})
        assert code == 201, made
        return made


class Api:
    def __init__(self, cluster: Cluster, server: ApiServer, pki: certificates.Pki, data: Path) -> None:
        self.cluster, self.server, self.pki, self.data = cluster, server, pki, data
        self.base = f"https://127.0.0.1:{server.port}"
        self.clients: list[Client] = []

    def client(self, *, certificate: bool = False, token: str = "") -> Client:
        context = ssl.create_default_context(cafile=self.pki.directory / "ca.crt")
        if certificate:
            context.load_cert_chain(self.pki.directory / "admin.crt", self.pki.directory / "admin.key")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers)
        self.clients.append(Client(self.base, session, context))
        return self.clients[-1]

    async def close(self) -> None:
        for client in self.clients:
            await client.close()


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    """The rules that the server's cluster keeps: none, unless a module says otherwise."""
    return ()


@pytest.fixture
async def api(tmp_path: Path, rules: tuple[Reconciler, ...]) -> AsyncIterator[Api]:
    pki = certificates.ensure(tmp_path / "pki")
    async with Cluster.open(None, runtime="none", reconcilers=rules) as cluster:
        server = ApiServer(cluster, pki=pki, data=tmp_path, port=0)
        await server.start()
        api = Api(cluster, server, pki, tmp_path)
        try:
            yield api
        finally:
            await api.close()
            await server.stop()


@pytest.fixture
async def admin(api: Api) -> Client:
    return api.client(certificate=True)
