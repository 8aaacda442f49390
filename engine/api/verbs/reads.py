"""Reads: GET of an object, LIST of a collection, in the shape that the client wants."""

import asyncio
import base64
from bisect import bisect_right
from collections import OrderedDict

import msgspec

from shipslog.engine.api.request import heads, versions
from shipslog.engine.api.request.negotiation import Format
from shipslog.engine.api.request.requests import Call, entry_of, invalid_option, resource_version, unsupported
from shipslog.engine.api.request.routes import Params, first
from shipslog.engine.api.request.selection import Selection, of_params
from shipslog.engine.api.response import replies, shapes
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.state.view import MemoryView
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest, Cause, Expired, Refusal, TimedOut
from shipslog.store.state import Entry, in_version

PAGES = 128  # lists that are being read page by page, kept as they were at their first page
PAGED_OBJECTS = 2_000_000  # in them together: 16 MB of pointers; the objects are those of the view while they do not change
PAGED_S = 300.0  # since a list's last page: so long does Kubernetes keep what is needed to go on
SELECTED_AT_ONCE = 1_000  # objects that a selector looks at before others have their turn

PageKey = tuple[str, str | None, str, str, int]  # resource, namespace, selectors, revision


class Token(msgspec.Struct, frozen=True):
    """What a continue token says: the revision of the list, and the key behind which to go on."""

    rv: int  # -1: whatever is there now
    start: tuple[str, str]  # (namespace, name) of the last object of the page before


class Page(msgspec.Struct, frozen=True):
    """A part of a list."""

    entries: list[Entry]
    revision: int
    token: str = ""
    remaining: int | None = None


class Pages:
    """The lists that clients are in the middle of: every page comes from the same moment. `turn`: of the lists being sent."""

    def __init__(self) -> None:
        self._kept: OrderedDict[PageKey, tuple[list[Entry], float]] = OrderedDict()
        self.turn = asyncio.Lock()

    def keep(self, key: PageKey, entries: list[Entry]) -> None:
        """Keep the whole list for its later pages, and let go of those that nobody has asked for in a while."""
        now = asyncio.get_running_loop().time()
        self._kept[key] = entries, now
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and (
            len(self._kept) > PAGES
            or sum(len(kept) for kept, _ in self._kept.values()) > PAGED_OBJECTS
            or next(iter(self._kept.values()))[1] < now - PAGED_S
        ):
            self._kept.popitem(last=False)

    def get(self, key: PageKey) -> list[Entry] | None:
        return self._kept[key][0] if key in self._kept else None


async def get(call: Call) -> Reply:
    """One object."""
    if call.params:
        check_version(call, resource_version(first(call.params, "resourceVersion")))
    kind, entry, wanted = call.kind, entry_of(call), call.wanted
    if kind.is_foreign:
        entry = await versions.one(call, entry)
    if wanted.plain:
        return Reply(in_version(kind, entry).encoded)
    return await shapes.one(entry, wanted, call)


async def listing(call: Call, pages: Pages) -> Reply:
    """A collection, or a page of it."""
    kind, wanted = call.kind, call.wanted
    namespace = call.route.namespace if call.route.namespace else None
    selection = of_params(kind, call.params, call.route.name)
    page = await read(call, kind, namespace, selection, pages)
    return shapes.many(kind, page.entries, list_metadata(page), wanted, call, pages.turn)


async def read(call: Call, kind: Kind, namespace: str | None, selection: Selection, pages: Pages) -> Page:
    """The entries that a LIST is about. Errors: BadRequest, Expired, TimedOut."""
    params = call.params
    if not params:
        return await _first(call, selection, call.view, kind, namespace)
    limit, token = max(0, heads.integer(params, "limit") or 0), first(params, "continue")
    check_options(params)
    key = (kind.resource, namespace, first(params, "labelSelector"), first(params, "fieldSelector"))
    if token:
        if first(params, "resourceVersion") not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        return await _continued(call, kind, namespace, selection, pages, key, limit, decode_token(token))
    view = call.view
    version, match = resource_version(first(params, "resourceVersion")), first(params, "resourceVersionMatch")
    check_version(call, version)
    if params.get("resourceVersion") == ["0"] and not match:
        limit = 0  # whatever is at hand, and all of it: Kubernetes answers this from its cache
    if match == "Exact" or (version and limit and not match):
        view = await call.cluster.at(revision=version)
    return _cut(await _first(call, selection, view, kind, namespace), 0, selection, pages, key, limit)


async def _first(call: Call, selection: Selection, view: MemoryView, kind: Kind, namespace: str | None) -> Page:
    """All that is selected at this moment; others have their turn while it is looked for."""
    found, revision = selection.candidates(view, kind, namespace), view.revision
    found = await versions.shown(call, kind, found)
    if not selection:
        return Page(found, revision)
    chosen: list[Entry] = []
    for start in range(0, len(found), SELECTED_AT_ONCE):
        if start:
            await asyncio.sleep(0)
        chosen += [e for e in found[start : start + SELECTED_AT_ONCE] if selection.matches(e.object)]
    return Page(chosen, revision)


def _cut(
    whole: Page, start: int, selection: Selection, pages: Pages, key: tuple[str, str | None, str, str], limit: int
) -> Page:
    """`limit` of the entries from `start` on, and what is needed to go on."""
    entries, revision, left = whole.entries, whole.revision, len(whole.entries) - start
    if not limit or left <= limit:
        return Page(entries[start:] if start else entries, revision)
    pages.keep((*key, revision), entries)
    page = entries[start : start + limit]
    return Page(page, revision, _next(page[-1], revision), None if selection else left - limit)


async def _continued(
    call: Call,
    kind: Kind,
    namespace: str | None,
    selection: Selection,
    pages: Pages,
    key: tuple[str, str | None, str, str],
    limit: int,
    token: Token,
) -> Page:
    kept = pages.get((*key, token.rv))
    if kept is not None:
        whole = Page(kept, token.rv)
    elif token.rv < 0 or token.rv == call.view.revision:
        whole = await _first(call, selection, call.view, kind, namespace)
    else:
        raise _page_expired(token)
    start = bisect_right(whole.entries, token.start, key=lambda e: (e.object.metadata.namespace, e.object.metadata.name))
    return _cut(whole, start, selection, pages, key, limit)


class PageExpired(Expired):
    """410 with a token to go on with anyhow."""

    def __init__(self, message: str, token: str) -> None:
        super().__init__(message)
        self.token = token

    def status(self) -> dict[str, object]:
        return super().status() | {"metadata": {"continue": self.token}}


def _page_expired(token: Token) -> Refusal:
    return PageExpired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
        "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing "
        "with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the "
        "time the first chunk was returned and now may show up in the list.",
        encode_token(Token(-1, token.start)),
    )


def _next(last: Entry, revision: int) -> str:
    return encode_token(Token(revision, (last.object.metadata.namespace, last.object.metadata.name)))


def encode_token(token: Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def decode_token(text: str) -> Token:
    """Errors: BadRequest for a token that we did not make."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Token)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error


def check_options(params: Params, *, watch: bool = False) -> None:
    """What a list or a watch is asked for must make sense together. Errors: BadRequest, Invalid naming the option."""
    heads.integer(params, "timeoutSeconds")
    version, match = first(params, "resourceVersion"), first(params, "resourceVersionMatch")
    initial = "sendInitialEvents" in params
    message = ""
    if match not in ("", "Exact", "NotOlderThan"):
        raise unsupported("ListOptions", "resourceVersionMatch", match, ("Exact", "NotOlderThan"))
    if watch:
        if initial and match != "NotOlderThan":
            message = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        elif match and not initial:
            message = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    elif initial:
        message = "Forbidden: sendInitialEvents is forbidden for list"
        raise invalid_option("ListOptions", "sendInitialEvents", "FieldValueForbidden", message)
    elif match and first(params, "continue"):
        message = "resourceVersionMatch is forbidden when continue is provided"
    elif match and not version:
        message = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and version == "0":
        message = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if message:
        raise invalid_option("ListOptions", "resourceVersionMatch", "FieldValueForbidden", f"Forbidden: {message}")


def check_version(call: Call, version: int) -> None:
    """Errors: TimedOut for a revision that has not happened yet."""
    if version > call.view.revision:
        message = f"Too large resource version: {version}, current: {call.view.revision}"
        raise TimedOut(message, causes=(Cause("ResourceVersionTooLarge", "Too large resource version", ""),), retry_after_s=1)


def list_metadata(page: Page) -> dict[str, object]:
    metadata: dict[str, object] = {"resourceVersion": str(page.revision)}
    if page.token:
        metadata["continue"] = page.token
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    return metadata


async def formatted(entry: Entry, wanted: Format, call: Call, code: int = 200, warnings: tuple[str, ...] = ()) -> Reply:
    """The answer of a write: the object, in the wanted shape."""
    entry = await versions.one(call, entry)
    if wanted.plain:
        return replies.of_bytes(in_version(call.kind, entry).encoded, code, warnings=warnings)
    return await shapes.one(entry, wanted, call, code, warnings)
