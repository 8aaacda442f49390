"""Objects in other versions of their kinds, where a definition names a webhook that turns the one into the other.

Each object is asked about once: what it is in a version is kept by the object's revision, and who wants it meanwhile waits for
the same answer. Source: the webhook converter of apiextensions-apiserver, by what it asks, believes and says.
"""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.engine.time.long_work import LongWork
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.wire import codec
from shipslog.store.refusals import Unexpected
from shipslog.store.state import Entry, entry_of
from shipslog.store.tasks import Tasks
from shipslog.store.view import Objects

from .calling import Callee, Caller, CallFailed, authority_of

VERSIONS = ("v1", "v1beta1")
TIMEOUT_S = 30.0
AT_ONCE, ASKED_BYTES = 500, 4 << 20  # objects of one question
ANSWER_BYTES = 32 << 20
KEPT_BYTES = 32 << 20  # of what has been converted
HEAD = ("kind", "apiVersion", "metadata")

READING = LongWork("shipslog-converted")
Key = tuple[str, str, int, str]  # resource, uid, revision, version


class Converter:
    """Asks, and keeps what it was answered."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._kept: OrderedDict[Key, Entry] = OrderedDict()
        self._kept_bytes = 0
        self._coming: dict[Key, asyncio.Future[Entry]] = {}
        self._tasks = Tasks("conversions")
        self.asked = 0  # questions that were put

    async def entries(self, view: Objects, kind: Kind, entries: Sequence[Entry]) -> list[Entry]:
        """The same objects in a version. `view`: in which the webhook is found. Errors: Unexpected."""
        found: list[Entry | asyncio.Future[Entry]] = []
        missing: list[tuple[Key, Entry]] = []
        for entry in entries:
            if entry.object.api_version == kind.api_version:
                found.append(entry)
                continue
            key = (entry.resource, entry.object.metadata.uid, entry.revision, kind.api_version)
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                found.append(kept)
                continue
            if (coming := self._coming.get(key)) is None:
                coming = self._coming[key] = asyncio.get_running_loop().create_future()
                missing.append((key, entry))
            found.append(coming)
        for part in _parts(missing):
            self._tasks.start("converting", self._fetch(view, kind, part))
        return [await asyncio.shield(one) if isinstance(one, asyncio.Future) else one for one in found]

    async def _fetch(self, view: Objects, kind: Kind, wanted: Sequence[tuple[Key, Entry]]) -> None:
        """Have some converted, for all who wait for them. By versions: they may have been stored in several."""
        for version in sorted({entry.object.api_version for _, entry in wanted}):
            some = [(key, entry) for key, entry in wanted if entry.object.api_version == version]
            try:
                made = await self.objects(view, kind, [entry.object for _, entry in some])
            except BaseException as error:
                for key, _ in some:
                    self._settled(key, None, error if isinstance(error, Unexpected) else Unexpected(f"{failed(kind)}: {error}"))
                if not isinstance(error, Unexpected):
                    raise
                continue
            for (key, entry), obj in zip(some, made, strict=True):
                self._settled(key, entry_of(kind, obj, codec.encode(obj), entry.revision), None)

    def _settled(self, key: Key, entry: Entry | None, error: BaseException | None) -> None:
        waiting = self._coming.pop(key, None)
        if entry is not None:
            self._kept[key] = entry
            self._kept_bytes += len(entry.encoded)
            while self._kept_bytes > KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= len(oldest.encoded)
        if waiting is None or waiting.done():
            return
        if entry is not None:
            waiting.set_result(entry)
        elif error is not None:
            waiting.set_exception(error)
            waiting.exception()  # who waits hears of it; nobody need

    async def objects(self, view: Objects, kind: Kind, objects: Sequence[Any]) -> list[Any]:
        """Objects of one other version in this one. Errors: Unexpected, as Kubernetes words it."""
        if not objects:
            return []
        webhook, before = kind.definition.webhook, f"{_gvk(objects[0].api_version)}, Kind={kind.kind}"
        version = next((v for v in webhook.conversion_review_versions or () if v in VERSIONS), VERSIONS[0])
        uid = str(uuid.uuid4())
        request = {
            "uid": uid,
            "desiredAPIVersion": kind.api_version,
            "objects": [msgspec.Raw(codec.encode(obj)) for obj in objects],
        }
        review = {"kind": "ConversionReview", "apiVersion": f"apiextensions.k8s.io/{version}", "request": request}
        self.asked += 1
        try:
            value = await self._caller.ask(
                callee_of(webhook), msgspec.json.encode(review), view=view, timeout_s=TIMEOUT_S, limit=ANSWER_BYTES
            )
            converted = _converted(value, uid)
        except CallFailed as failure:
            raise Unexpected(f"conversion webhook for {before} failed: {failure}") from failure
        if len(converted) != len(objects):
            raise Unexpected(f"conversion webhook for {before} returned {len(converted)} objects, expected {len(objects)}")
        size = sum(len(raw) for raw in request["objects"] if isinstance(raw, bytes)) + len(objects) * 1024
        return await READING.run(size, _read_all, kind, objects, converted, before)

    async def close(self) -> None:
        await self._tasks.close()
        await self._caller.close()


def callee_of(webhook: Any) -> Callee:
    """Who converts. Errors: CallFailed."""
    client = webhook.client_config
    authority = authority_of(client.ca_bundle)
    if client.service is None:
        return Callee(url=client.url or "", authority=authority)
    service = client.service
    return Callee(
        namespace=service.namespace, service=service.name, port=443 if service.port is None else service.port,
        path=service.path or "", authority=authority,
    )  # fmt: skip


def failed(kind: Kind) -> str:
    return f"conversion webhook for {kind.group}/{kind.version}, Kind={kind.kind} failed"


def _gvk(api_version: str) -> str:
    return api_version


def _parts(missing: Sequence[tuple[Key, Entry]]) -> Iterator[Sequence[tuple[Key, Entry]]]:
    """So many as are asked about together."""
    part: list[tuple[Key, Entry]] = []
    size = 0
    for one in missing:
        if part and (len(part) >= AT_ONCE or size + len(one[1].encoded) > ASKED_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one[1].encoded)
    if part:
        yield part


def _converted(value: Any, uid: str) -> list[Any]:
    """The objects of an answer. Errors: CallFailed."""
    response = value.get("response") if isinstance(value, dict) else None
    if not isinstance(response, dict):
        raise CallFailed("no response provided")
    if response.get("uid") != uid:
        raise CallFailed(f'expected response.uid="{uid}", got "{str(response.get("uid") or "")[:64]}"')
    result = response.get("result")
    result = result if isinstance(result, dict) else {}
    if result.get("status") != "Success":
        message = str(result.get("message") or "")[:4096]
        raise CallFailed(message or f"response.result.status was '{str(result.get('status') or '')[:64]}', not 'Success'")
    found = response.get("convertedObjects")
    return found if isinstance(found, list) else []


def _read_all(kind: Kind, before: Iterable[Any], after: Iterable[Any], what: str) -> list[Any]:
    return [_read(kind, old, new, at, what) for at, (old, new) in enumerate(zip(before, after, strict=True))]


def _read(kind: Kind, old: Any, value: Any, at: int, what: str) -> Any:
    """One converted object: of its metadata only labels and annotations are the webhook's. Errors: Unexpected."""
    invalid = f"conversion webhook for {what} returned invalid converted object at index {at}: "
    if not isinstance(value, dict):
        raise Unexpected(f"{invalid}it is no object")
    found = str(value.get("apiVersion") or "")[:256]
    if found != kind.api_version:
        raise Unexpected(f"{invalid}invalid groupVersion (expected {kind.api_version}, received {found})")
    if value.get("kind") != kind.kind:
        raise Unexpected(f"{invalid}invalid kind (expected {kind.kind}, received {str(value.get('kind') or '')[:256]})")
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    was = old.metadata
    for name, wanted in (("name", was.name), ("namespace", was.namespace), ("uid", was.uid)):
        given = metadata.get(name) or ""
        if given != wanted:
            shown = "UID" if name == "uid" else name
            raise Unexpected(f"{invalid}must have the same {shown}: {str(given)[:256]} != {wanted}")
    texts = {}
    for name in ("labels", "annotations"):
        given = metadata.get(name) or {}
        if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
            raise Unexpected(f"conversion webhook for {what} returned invalid metadata in object at index {at}: {name}")
        texts[name] = given
    rest = {name: held for name, held in value.items() if name not in HEAD}
    return replace(old, api_version=kind.api_version, metadata=replace(was, **texts), rest=rest)
