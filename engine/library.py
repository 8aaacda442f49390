"""The library's Cluster: the engine's, and its API on a port of this process for whoever speaks HTTP.

async with Cluster.open() as cluster, cluster.serve() as served:
    subprocess.run(["kubectl", "--kubeconfig", served.kubeconfig, "get", "pods"])
"""

import asyncio
import atexit
import inspect
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, overload

import msgspec

from shipslog.reconcilers.rule.dormant import Rule
from shipslog.runtime.node import NodeRuntime
from shipslog.store.facts import ClusterConfig
from shipslog.store.tasks import hear

from . import cluster

if TYPE_CHECKING:
    from aiohttp import web

    from .auth.certificates import Pki

T = TypeVar("T")


class Serving(msgspec.Struct, frozen=True):
    """Where a cluster's API listens, and the administrator's ways in. Gone when the block that served it ends."""

    url: str  # https://127.0.0.1:PORT
    port: int
    kubeconfig: Path
    ca: Path  # certificate of the authority, PEM
    token: str


class Cluster(cluster.Cluster):
    """A running cluster. Make one with `Cluster.open`; all of it lives in the calling event loop."""

    before_request: "Callable[[web.BaseRequest], Awaitable[None]] | None" = None  # may refuse what comes over HTTP

    @asynccontextmanager
    async def serve(self, *, bind: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Serving]:
        """Serve the API over TLS while the block runs; port 0 takes a free one. Errors: OSError when the port is taken."""
        self.check_loop()
        from shipslog.engine.api.connection.server import ApiServer

        from .auth import kubeconfig
        from .auth.authentication import admin_token
        from .tokens import issue_tokens

        pki = _pki()
        await self.prepare_to_serve(pki.ca_certificate)
        issue_tokens(self, pki)
        directory = Path(tempfile.mkdtemp(prefix="shipslog-served-"))
        server = ApiServer(self, pki=pki, data=directory, bind=bind, port=port)
        server.handler.before = self.before_request
        try:
            await server.start()
            url = f"https://{bind}:{server.port}"
            kubeconfig.write(directory / "kubeconfig", pki, url)
            token = admin_token(directory / "token")
            yield Serving(url, server.port, directory / "kubeconfig", pki.directory / "ca.crt", token)
        finally:
            await server.stop()
            shutil.rmtree(directory, ignore_errors=True)

    @classmethod
    @contextmanager
    def serving(
        cls,
        path: str | Path | None = None,
        *,
        port: int = 0,
        runtime: Literal["simulated", "none"] | Sequence[NodeRuntime] = "simulated",
        nodes: int = 1,
        config: ClusterConfig | None = None,
        reconcilers: Sequence[Rule] | None = None,
    ) -> "Iterator[Background[Self]]":
        """For programs without asyncio: a cluster that is served from a thread of its own while the block runs. What it is made
        with is as in `Cluster.open`."""

        def made() -> AbstractAsyncContextManager[Self]:
            return cls.open(path, runtime=runtime, nodes=nodes, config=config, reconcilers=reconcilers)

        background: Background[Self]
        with in_background(made, port) as background:
            yield background


C = TypeVar("C", bound=Cluster)


@contextmanager
def in_background(make: Callable[[], AbstractAsyncContextManager[C]], port: int = 0) -> "Iterator[Background[C]]":
    """A cluster that is opened and served in a thread of its own while the block runs."""
    background = Background(make, port)
    background.thread.start()
    try:
        background.ready.wait()
        background.check()
        yield background
    finally:
        background.stop()
        background.thread.join()
    background.check()


class Background(Generic[C]):
    """A served cluster in another thread. `served` says where; `run` has its cluster do something."""

    served: Serving
    _cluster: C
    _loop: asyncio.AbstractEventLoop

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[C]], port: int) -> None:
        self._make, self._port = make, port
        self.ready = threading.Event()
        self._end = asyncio.Event()
        self._failure: BaseException | None = None
        self.thread = threading.Thread(target=self.main, name="shipslog", daemon=True)

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def kubeconfig(self) -> Path:
        return self.served.kubeconfig

    @overload
    def run(self, work: Callable[[C], Awaitable[T]]) -> T: ...
    @overload
    def run(self, work: Callable[[C], T]) -> T: ...
    def run(self, work: Callable[[C], Any]) -> Any:
        """What the work comes to, in the cluster's own loop: `served.run(lambda cluster: cluster.apply(manifest))`. It may be
        awaitable, or not: `served.run(lambda cluster: cluster.get("pods", "web"))`.
        Errors: RuntimeError when the cluster is closed, and in its own thread; what the work raises."""
        if threading.current_thread() is self.thread:
            raise RuntimeError(
                "`run` would wait for itself in the cluster's own thread: use the cluster that it was given here"
            )
        if self._end.is_set() or self._loop.is_closed():
            raise RuntimeError(
                "this cluster is closed: `run` goes only inside of the `with` block, or of the test, that has it"
            )

        async def working() -> Any:
            made = work(self._cluster)
            return await made if inspect.isawaitable(made) else made

        return asyncio.run_coroutine_threadsafe(working(), self._loop).result()

    def main(self) -> None:
        """The thread: one loop, one cluster, until `stop`."""
        try:
            asyncio.run(self._live())
        except BaseException as failure:
            self._failure = failure
        finally:
            self.ready.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        hear(self._loop)
        async with self._make() as made, made.serve(port=self._port) as self.served:
            self._cluster = made
            self.ready.set()
            await self._end.wait()

    def stop(self) -> None:
        """Have it end; at once after its start where it has not begun yet."""
        self.ready.wait()  # an interrupt may come while it starts
        if self._failure is None:
            self._loop.call_soon_threadsafe(self._end.set)

    def check(self) -> None:
        """Errors: what ended the cluster."""
        if self._failure is not None:
            raise self._failure


@cache
def _pki() -> "Pki":
    """One authority for all that this process serves: making keys takes longer than all else of a start."""
    from .auth import certificates

    directory = Path(tempfile.mkdtemp(prefix="shipslog-pki-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return certificates.ensure(directory)
