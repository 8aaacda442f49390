"""A webhook server of the test's own: real TLS on loopback, and answers that a test chooses."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from shipslog.engine.auth import certificates

Answering = Callable[[Any], Any]  # the request of a review -> its response
NAMES = ("hook.harbour.svc",)


def allowed(request: Any, **more: Any) -> Any:
    return {"uid": request["uid"], "allowed": True, **more}


def patch(request: Any, *operations: Any) -> Any:
    encoded = base64.b64encode(msgspec.json.encode(operations)).decode()
    return allowed(request, patch=encoded, patchType="JSONPatch")


def denied(request: Any, **status: Any) -> Any:
    return {"uid": request["uid"], "allowed": False, **({"status": status} if status else {})}


class Harbour:
    """`asked`: every review that came, by path. `answers`: what is said at a path; `raw`: whole answers instead."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answers: dict[str, Answering] = {}
        self.raw: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}
        self.port, self.authority = 0, ""

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def of(self, path: str) -> list[Any]:
        """The reviews that came to a path."""
        return [review for at, review in self.asked if at == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.raw:
            return await self.raw[request.path](request)
        review = await request.json()
        self.asked.append((request.path, review))
        made = self.answers.get(request.path, allowed)(review["request"])
        made = await made if asyncio.iscoroutine(made) else made
        return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": made})


@asynccontextmanager
async def harbour(directory: Path) -> AsyncIterator[Harbour]:
    pki = certificates.ensure(directory, NAMES)
    made = Harbour()
    app = web.Application(client_max_size=16 << 20)
    app.router.add_route("*", "/{path:.*}", made._answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=pki.server_context())
    await site.start()
    made.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    made.authority = base64.b64encode(pki.ca_certificate.encode()).decode()
    try:
        yield made
    finally:
        await runner.cleanup()
