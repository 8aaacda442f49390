"""A real server with a log on the disk, and what must hold after each request and at the end."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shipslog.engine.api.connection.server import ApiServer
from shipslog.engine.auth import certificates
from shipslog.engine.cluster import Cluster
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.wire import codec

from .case import Case

HANG_S = 5.0
TOKEN = "of-the-administrator-while-this-runs"
AS_KUBERNETES = (
    b"does not contain declared merge key",
    b"failed to create typed patch object",
    b"invalid object type",
    b"error trying to reach service",  # behind a proxy
    b"no endpoints available for service",
    b"failed calling webhook",
    b"service unavailable",  # of an APIService
)  # of messages with which Kubernetes itself answers 500 or 503
BUGS = frozenset({"error", "critical", "exception"})


class World:
    def __init__(self, cluster: Cluster, port: int, pki: certificates.Pki, logged: list[Any]) -> None:
        self.cluster, self.port, self.logged = cluster, port, logged
        self._nobody = ssl.create_default_context(cafile=pki.directory / "ca.crt")
        self._admin = ssl.create_default_context(cafile=pki.directory / "ca.crt")
        self._admin.load_cert_chain(pki.directory / "admin.crt", pki.directory / "admin.key")

    async def wrong_with(self, case: Case) -> str:
        """What was not as it must be; "" when all was. Requests are sent one at a time."""
        before = self.cluster.view.revision
        self.logged.clear()
        try:
            async with asyncio.timeout(HANG_S):
                code, answer = await self._ask(case)
        except TimeoutError:
            return f"no answer in {HANG_S:g} s"
        if code >= 500 and not any(message in answer for message in AS_KUBERNETES):
            return f"{code}: {answer[:400].decode(errors='replace')}"
        if not code:
            return "the connection was closed without an answer"
        if code >= 400 and (written := await self._written(before)):
            return f"refused with {code}, but {written} was written"
        bugs = [line for line in self.logged if line["log_level"] in BUGS]
        return f"logged: {bugs[0]}" if bugs else ""

    async def _written(self, before: int) -> str:
        """What a request has written since a revision; what the engine keeps by itself is no doing of the request."""
        if self.cluster.view.revision != before:
            async for events in self.cluster.log.read(before):
                for event in events:
                    if event.origin is not None:
                        return repr(event)[:400]
        return ""

    async def _ask(self, case: Case) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self._nobody if case.anonymous else self._admin, server_hostname="127.0.0.1"
        )
        answer = b""
        try:
            writer.write(case.wire())
            while part := await reader.read(65536):
                answer += part
                if case.endless and b"\r\n\r\n" in answer:
                    break
        except ConnectionError:
            pass  # what was sent before may still say why
        finally:
            writer.transport.abort()
        first = answer.split(b" ", 2)
        return int(first[1]) if len(first) > 1 else 0, answer.partition(b"\r\n\r\n")[2]


@asynccontextmanager
async def world(directory: Path, logged: list[Any]) -> AsyncIterator[World]:
    """Errors: AssertionError, when what is on the disk afterwards is not what was."""
    pki = certificates.ensure(directory / "pki")
    (directory / "token").write_text(TOKEN)
    path = directory / "log.db"
    async with Cluster.open(path, runtime="none", reconcilers=()) as cluster:
        server = ApiServer(cluster, pki=pki, data=directory, port=0)
        await server.start()
        try:
            yield World(cluster, server.port, pki, logged)
        finally:
            await server.stop()
        kept = _objects(cluster)
    async with await SqliteLog.open(path, read_only=True) as log:
        await log.verify()
    async with Cluster.open(path, runtime="none", reconcilers=()) as cluster:
        again = _objects(cluster)
    for key, value in kept.items():
        assert again.get(key) == value, f"{key} was {value!r} and is {again.get(key)!r} after a reopening"


def _objects(cluster: Cluster) -> dict[tuple[str, str, str], bytes]:
    """Every object, as it is stored. Errors: AssertionError for one that does not read back equal."""
    view, found = cluster.view, {}
    for resource in view.resources():
        for entry in view.entries(resource):
            data = codec.encode(entry.object)
            assert codec.restore(type(entry.object), data) == entry.object, f"{resource} does not read back equal: {data!r}"
            meta = entry.object.metadata
            found[resource, meta.namespace or "", meta.name] = data
    return found
