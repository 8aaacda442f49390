"""What people do with a cluster in their process: read, write, wait, look into pods. One client acts under one name.

Where something is about one object, the namespace is `default` unless named; where it is about many, all namespaces are meant.
A kind is named by its type (`core_v1.Pod`) or as kubectl names it (`"pods"`, `"po"`, `"Pod"`).

Tests: tests/engine/test_library.py
"""

import asyncio
import difflib
import inspect
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar, overload

import msgspec

from shipslog.engine.commit.committer import Committed
from shipslog.engine.commit.watch import Watch
from shipslog.engine.kinds.core.pod.containers import attempt_of, container_of
from shipslog.runtime.node import LogOptions, NodeRuntime, StreamRefused
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Patch, Update
from shipslog.store.objects.patch import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, PatchType
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.scalars import as_json
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import BadRequest, Unavailable, not_found

from . import manifests
from .served import Served

T = TypeVar("T")
AUTHENTICATED = ("system:authenticated",)
SHOWN = 400  # characters of a status that a timeout shows
PATCHES: dict[str, PatchType] = {"json": JSON_PATCH, "merge": MERGE_PATCH, "strategic": STRATEGIC_PATCH}


class EngineStopped(RuntimeError):
    """The engine of this cluster stopped by itself; the cause says why. What was acknowledged is on the log."""


class Completed(msgspec.Struct, frozen=True):
    """What a command in a container came to."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Living(Served, Protocol):
    """A cluster whose engine runs."""

    def stopped(self) -> EngineStopped: ...
    def check_loop(self) -> None: ...


class Client:
    """A cluster as one user sees it."""

    def __init__(self, cluster: Living, actor: str, groups: Sequence[str]) -> None:
        self._cluster, self.actor, self.groups = cluster, actor, tuple(groups)

    def as_user(self, name: str, groups: Sequence[str] = AUTHENTICATED) -> "Client":
        """The same cluster under another name: the log says that this user did it. Nobody is asked whether the user may."""
        return Client(self._cluster, name, groups)

    # --- writing ---

    async def _submit(
        self, command: AnyObjectCommand, dry_run: bool, actor: str | None, groups: Sequence[str] | None, cause: int | None
    ) -> Committed:
        self._cluster.check_loop()
        return await self._cluster.submit(
            command, actor=actor or self.actor, groups=self.groups if groups is None else groups, cause=cause, dry_run=dry_run
        )

    async def create(
        self,
        obj: T,
        *,
        dry_run: bool = False,
        actor: str | None = None,
        groups: Sequence[str] | None = None,
        cause: int | None = None,
    ) -> T:
        """Create an object, given as a Struct or as a manifest's mapping; -> as it was stored.
        Errors: AlreadyExists, Invalid and the other refusals."""
        result: T = (await self._submit(Create(object=self._object(obj)), dry_run, actor, groups, cause)).entry.object
        return result

    async def update(
        self,
        obj: T,
        *,
        subresource: str = "",
        dry_run: bool = False,
        actor: str | None = None,
        groups: Sequence[str] | None = None,
        cause: int | None = None,
    ) -> T:
        """Replace an object; with a resource version only if it is still current. Errors: Conflict, NotFound, Invalid."""
        command = Update(object=self._object(obj), subresource=subresource)
        result: T = (await self._submit(command, dry_run, actor, groups, cause)).entry.object
        return result

    async def patch(
        self,
        kind: type[T] | str,
        name: str,
        body: Mapping[str, Any] | Sequence[Any] | bytes,
        namespace: str = "default",
        *,
        how: Literal["json", "merge", "strategic"] = "strategic",
        subresource: str = "",
        dry_run: bool = False,
    ) -> T:
        """Change an object by a patch; -> as it was stored. Errors: NotFound, BadRequest, Invalid."""
        k, namespace = self._place(kind, namespace)
        data = body if isinstance(body, bytes) else msgspec.json.encode(body, enc_hook=as_json)
        command = Patch(
            resource=k.resource, namespace=namespace, name=name, media_type=PATCHES[how], body=data, subresource=subresource
        )
        result: T = (await self._submit(command, dry_run, None, None, None)).entry.object
        return result

    async def scale(self, kind: type[T] | str, name: str, replicas: int, namespace: str = "default") -> T:
        """Set the number of replicas; -> the object. Errors: NotFound, Invalid."""
        k, _ = self._place(kind, namespace)
        if "scale" not in k.subresources:
            raise BadRequest(f"{k.plural} cannot be scaled: they have no replicas")
        return await self.patch(kind, name, {"spec": {"replicas": replicas}}, namespace, how="merge")

    async def delete(
        self,
        kind: type[Any] | str,
        name: str,
        namespace: str = "default",
        *,
        propagation: Literal["", "Orphan", "Background", "Foreground"] = "Background",
        grace_period_s: int | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
        dry_run: bool = False,
    ) -> None:
        """Delete an object; pods end gracefully. `uid` and `resource_version` are preconditions. Errors: NotFound, Conflict."""
        k, namespace = self._place(kind, namespace)
        command = Delete(
            resource=k.resource, namespace=namespace, name=name, propagation=propagation, grace_period_s=grace_period_s,
            uid=uid, resource_version=resource_version,
        )  # fmt: skip
        await self._submit(command, dry_run, None, None, None)

    async def apply(self, manifest: str | bytes | Mapping[str, Any], *, dry_run: bool = False) -> list[Any]:
        """What `kubectl apply` does with a manifest (YAML, JSON, or a mapping; several documents allowed).

        -> the objects as stored. What an earlier apply set and this one lacks is removed.
        Errors: BadRequest for what is no manifest, and the refusals of create and patch; documents before it stay applied."""
        applied, view = [], self._cluster.view
        for document in manifests.documents(manifest):
            kind, obj = manifests.parse(view.scheme, document)
            current = view.entry(kind.resource, obj.metadata.name, obj.metadata.namespace)
            command: AnyObjectCommand
            if current is None:
                command = Create(object=manifests.with_last_applied(kind, obj, document))
            else:
                command = manifests.three_way(kind, current, document)
            applied.append((await self._submit(command, dry_run, None, None, None)).entry.object)
        return applied

    # --- reading ---

    @overload
    def get(self, kind: type[T], name: str, namespace: str = "default") -> T: ...
    @overload
    def get(self, kind: str, name: str, namespace: str = "default") -> Any: ...
    def get(self, kind: type[T] | str, name: str, namespace: str = "default") -> T | Any:
        """The object as committed last. Errors: NotFound; BadRequest for what is no kind."""
        k, namespace = self._place(kind, namespace)
        entry = self._cluster.view.entry(k.resource, name, namespace)
        if entry is None:
            raise not_found(k.plural, k.group, name)
        return entry.object

    @overload
    def list(self, kind: type[T], namespace: str | None = None, *, labels: Mapping[str, str] = {}) -> Sequence[T]: ...
    @overload
    def list(self, kind: str, namespace: str | None = None, *, labels: Mapping[str, str] = {}) -> Sequence[Any]: ...
    def list(
        self, kind: type[T] | str, namespace: str | None = None, *, labels: Mapping[str, str] = {}
    ) -> Sequence[T] | Sequence[Any]:
        """All of a kind, by namespace and name; of one namespace if named; with all these labels."""
        k, _ = self._place(kind, "")
        return [entry.object for entry in self._cluster.view.entries_labelled(k.resource, namespace, labels)]

    def events(self, kind: type[Any] | str, name: str, namespace: str = "default") -> Sequence[core_v1.Event]:
        """What `kubectl describe` lists of an object: its Events, the oldest first."""
        k, namespace = self._place(kind, namespace)
        found = [
            e
            for e in self._cluster.view.list(core_v1.Event, namespace or "default")
            if (e.involved_object.kind, e.involved_object.name) == (k.kind, name)
        ]
        return sorted(found, key=lambda e: (e.last_timestamp or e.event_time, e.metadata.name))  # names hold a finer time

    def watch(self, kind: type[Any] | str, *, namespace: str | None = None, after: int | None = None) -> Watch:
        """Every later change of a kind, once, in order. Errors: Expired when `after` is too long ago."""
        k, _ = self._place(kind, "")
        view = self._cluster.view
        return self._cluster.hub.watch(k.resource, namespace=namespace, after=view.revision if after is None else after)

    @overload
    async def wait(
        self, kind: type[T], name: str, namespace: str = ..., *, until: Callable[[T], bool] = ..., timeout_s: float = ...
    ) -> T: ...
    @overload
    async def wait(
        self, kind: str, name: str, namespace: str = ..., *, until: Callable[[Any], bool] = ..., timeout_s: float = ...
    ) -> Any: ...
    async def wait(
        self,
        kind: type[T] | str,
        name: str,
        namespace: str = "default",
        *,
        until: Callable[[T], bool] = lambda _: True,
        timeout_s: float = 30.0,
    ) -> T | Any:
        """The object once it exists and `until` holds for it.
        Errors: TimeoutError, saying how it was instead; EngineStopped at once when nothing can happen any more; TypeError for
        an `until` that says neither yes nor no; what `until` raises."""
        k, where = self._place(kind, namespace)
        if not callable(until):
            raise TypeError(f"until={until!r} is no function; give one of the object, as in until=lambda pod: pod.status.phase")

        def holds() -> T | None:
            entry = self._cluster.view.entry(k.resource, name, where)
            return entry.object if entry is not None and _said(until, entry.object) else None

        found: T | None = await self._await(kind, k, name, where, holds, "is not so", timeout_s)
        assert found is not None
        return found

    async def gone(self, kind: type[Any] | str, name: str, namespace: str = "default", *, timeout_s: float = 30.0) -> None:
        """Returns when the object does not exist (any more). Errors: TimeoutError, EngineStopped."""
        k, where = self._place(kind, namespace)
        view = self._cluster.view
        await self._await(
            kind, k, name, where, lambda: view.entry(k.resource, name, where) is None or None, "is still there", timeout_s
        )

    async def _await(
        self,
        kind: type[Any] | str,
        k: Kind,
        name: str,
        namespace: str,
        holds: Callable[[], T | None],
        what: str,
        timeout_s: float,
    ) -> T | None:
        if not isinstance(timeout_s, int | float) or math.isnan(timeout_s):
            raise TypeError(f"timeout_s={timeout_s!r} is no number of seconds")
        watch = self.watch(kind, namespace=namespace)
        try:
            async with asyncio.timeout(timeout_s):
                while (found := holds()) is None:
                    if watch.closed:
                        raise self._cluster.stopped()
                    await watch.batch()
                return found
        except TimeoutError as error:
            lines = [f"{k.kind} {_full(namespace, name)} {what} after {timeout_s:g} s", *self._how(k, name, namespace)]
            raise TimeoutError("\n".join(lines)) from error
        finally:
            watch.close()

    def _how(self, k: Kind, name: str, namespace: str) -> Sequence[str]:
        """How an object is: its status, and what was said of it last."""
        entry = self._cluster.view.entry(k.resource, name, namespace)
        if entry is None:
            return ["it does not exist"]
        status = getattr(entry.object, "status", None)
        text = codec.encode(status).decode() if status is not None else entry.encoded.decode()
        events = self.events(k.resource, name, namespace)
        last = f"{events[-1].reason}: {events[-1].message}" if events else "nothing was said of it"
        return [f"status: {text if len(text) <= SHOWN else text[: SHOWN - 3] + '...'}", f"last event: {last}"]

    # --- looking into pods ---

    async def logs(
        self,
        name: str,
        namespace: str = "default",
        *,
        container: str = "",
        previous: bool = False,
        tail_lines: int | None = None,
    ) -> str:
        """What a container has written so far. Errors: NotFound, BadRequest, Unavailable."""
        pod, runtime, container = self._container(name, namespace, container)
        attempt = attempt_of(pod, container, previous=previous)
        options = LogOptions(previous=previous, tail_lines=tail_lines)
        try:
            chunks = [chunk async for chunk in runtime.logs(pod.metadata.uid, container, attempt, options)]
        except StreamRefused as error:
            raise BadRequest(str(error)) from error
        return b"".join(chunks).decode(errors="replace")

    async def exec(
        self, name: str, command: Sequence[str], namespace: str = "default", *, container: str = "", stdin: bytes | None = None
    ) -> Completed:
        """Run a command in a container to its end. Errors: NotFound, BadRequest, Unavailable."""
        pod, runtime, container = self._container(name, namespace, container)
        try:
            process = await runtime.exec(pod.metadata.uid, container, command, stdin=stdin is not None, tty=False)
        except StreamRefused as error:
            raise BadRequest(str(error)) from error
        out: dict[int, list[bytes]] = {1: [], 2: []}
        try:
            if stdin is not None:
                await process.write(stdin)
                await process.close_stdin()
            output: AsyncIterator[tuple[int, bytes]] = process.output()
            async for stream, data in output:
                out[stream].append(data)
            return Completed(await process.wait(), b"".join(out[1]), b"".join(out[2]))
        finally:
            await process.close()

    def _container(self, name: str, namespace: str, container: str) -> tuple[core_v1.Pod, NodeRuntime, str]:
        pod = self.get(core_v1.Pod, name, namespace)
        runtime = self._cluster.runtimes.get(pod.spec.node_name)
        if runtime is None:
            where = f'node "{pod.spec.node_name}" is not run by this cluster' if pod.spec.node_name else "it has no node yet"
            raise Unavailable(f"nobody can look into pod {_full(namespace, name)}: {where}")
        return pod, runtime, container_of(pod, container)

    # --- names ---

    def _place(self, kind: type[Any] | str, namespace: str) -> tuple[Kind, str]:
        """The kind that is meant, and the namespace where it has one. Errors: BadRequest for what is no kind."""
        self._cluster.check_loop()
        scheme = self._cluster.view.scheme
        if isinstance(kind, str):
            try:
                found: Kind | None = scheme.named(kind)
            except ValueError as error:
                raise BadRequest(str(error)) from error
        else:
            found = scheme.of_type(kind) if isinstance(kind, type) else None
        if found is None:
            what = kind.__name__ if isinstance(kind, type) else repr(kind)
            raise BadRequest(f"{what} is no kind of this cluster: name a type such as core_v1.Pod, or a word such as 'pods'")
        return found, namespace if found.namespaced else ""

    def _object(self, obj: Any) -> Any:
        """Errors: BadRequest for what is neither an object nor a manifest."""
        self._cluster.check_loop()
        scheme = self._cluster.view.scheme
        if isinstance(obj, Mapping):
            return manifests.parse(scheme, dict(obj))[1]
        kind = scheme.version_of(obj)
        if kind is None:
            raise BadRequest(
                f"{type(obj).__name__} is no object: give a Struct such as core_v1.Pod(...), or a manifest's mapping"
            )
        return kind.to_hub(obj)


def _full(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _said(until: Callable[[T], object], obj: T) -> bool:
    """What `until` says of an object. Errors: TypeError for what is to be awaited; AttributeError, naming the fields."""
    try:
        said = until(obj)
    except AttributeError as error:
        fields = getattr(error.obj, "__struct_fields__", ())
        near = difflib.get_close_matches(error.name or "", fields, n=3)
        if fields:
            error.add_note(
                f"fields are written like this: {', '.join(near)}" if near else f"its fields are {', '.join(fields)}"
            )
        raise
    if inspect.isawaitable(said):
        if inspect.iscoroutine(said):
            said.close()
        raise TypeError("until: what it says has to be awaited, and is not; give a plain function of the object")
    return bool(said)
