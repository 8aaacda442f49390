"""Reads: GET of an object, LIST of a collection, in the shape that the client wants."""

import base64
from collections import OrderedDict

import msgspec

from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import BadRequest, Cause, Expired, Refusal, TimedOut
from shipslog.store.state import Entry

from . import heads, replies, shapes
from .negotiation import Format
from .replies import Reply
from .requests import Call, entry_of, invalid_option, resource_version, unsupported
from .routes import Params, first
from .selection import Selection, of_params

PAGES = 128  # lists that are being read page by page, kept as they were at their first page


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
    """The lists that clients are in the middle of: every page comes from the same moment."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str | None, str, str, int], list[Entry]] = OrderedDict()

    def keep(self, key: tuple[str, str | None, str, str, int], entries: list[Entry]) -> None:
        self._kept[key] = entries
        self._kept.move_to_end(key)
        if len(self._kept) > PAGES:
            self._kept.popitem(last=False)

    def get(self, key: tuple[str, str | None, str, str, int]) -> list[Entry] | None:
        return self._kept.get(key)


async def get(call: Call) -> Reply:
    """One object."""
    if call.params:
        check_version(call, resource_version(first(call.params, "resourceVersion")))
    entry: Entry = entry_of(call)
    wanted = call.wanted
    if wanted.plain:
        return Reply(entry.encoded)
    return shapes.one(entry, wanted, call)


async def listing(call: Call, pages: Pages) -> Reply:
    """A collection, or a page of it."""
    kind, wanted = call.kind, call.wanted
    namespace = call.route.namespace if call.route.namespace else None
    selection = of_params(kind, call.params, call.route.name)
    page = await read(call, kind, namespace, selection, pages)
    if wanted.plain:
        return Reply(join(kind, page))
    return shapes.many(kind, page.entries, list_metadata(page), wanted, call)


async def read(call: Call, kind: Kind, namespace: str | None, selection: Selection, pages: Pages) -> Page:
    """The entries that a LIST is about. Errors: BadRequest, Expired, TimedOut."""
    params = call.params
    if not params:
        return Page(selection.entries(call.view, kind, namespace), call.view.revision)
    limit, token = max(0, heads.integer(params, "limit") or 0), first(params, "continue")
    check_options(params)
    key = (kind.resource, namespace, first(params, "labelSelector"), first(params, "fieldSelector"))
    if token:
        if first(params, "resourceVersion") not in ("", "0"):
            raise BadRequest("specifying resource version is not allowed when using continue")
        return _continued(call, kind, namespace, selection, pages, key, limit, decode_token(token))
    view = call.view
    version, match = resource_version(first(params, "resourceVersion")), first(params, "resourceVersionMatch")
    check_version(call, version)
    if params.get("resourceVersion") == ["0"] and not match:
        limit = 0  # whatever is at hand, and all of it: Kubernetes answers this from its cache
    if match == "Exact" or (version and limit and not match):
        view = await call.cluster.at(revision=version)
    entries = selection.entries(view, kind, namespace)
    return _cut(entries, view.revision, selection, pages, key, limit)


def _cut(
    entries: list[Entry], revision: int, selection: Selection, pages: Pages, key: tuple[str, str | None, str, str], limit: int
) -> Page:
    """The first `limit` of the entries, and what is needed to go on."""
    if not limit or len(entries) <= limit:
        return Page(entries, revision)
    pages.keep((*key, revision), entries)
    return Page(entries[:limit], revision, _next(entries[limit - 1], revision), None if selection else len(entries) - limit)


def _continued(
    call: Call, kind: Kind, namespace: str | None, selection: Selection, pages: Pages,
    key: tuple[str, str | None, str, str], limit: int, token: Token,
) -> Page:  # fmt: skip
    if token.rv < 0:
        entries, revision = selection.entries(call.view, kind, namespace), call.view.revision
    elif token.rv == call.view.revision:
        entries, revision = selection.entries(call.view, kind, namespace), token.rv
    else:
        kept = pages.get((*key, token.rv))
        if kept is None:
            raise _page_expired(token)
        entries, revision = kept, token.rv
    rest = [e for e in entries if (e.object.metadata.namespace, e.object.metadata.name) > token.start]
    return _cut(rest, revision, selection, pages, key, limit)


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
    said = ""
    if match not in ("", "Exact", "NotOlderThan"):
        raise unsupported("ListOptions", "resourceVersionMatch", match, ("Exact", "NotOlderThan"))
    if watch:
        if initial and match != "NotOlderThan":
            said = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        elif match and not initial:
            said = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    elif initial:
        message = "Forbidden: sendInitialEvents is forbidden for list"
        raise invalid_option("ListOptions", "sendInitialEvents", "FieldValueForbidden", message)
    elif match and first(params, "continue"):
        said = "resourceVersionMatch is forbidden when continue is provided"
    elif match and not version:
        said = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and version == "0":
        said = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if said:
        raise invalid_option("ListOptions", "resourceVersionMatch", "FieldValueForbidden", f"Forbidden: {said}")


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


def join(kind: Kind, page: Page) -> bytes:
    """The JSON of a list, from the encoded objects; items carry no kind and apiVersion, as in Kubernetes."""
    head = b'{"kind":"%s","apiVersion":"%s","metadata":%s,"items":[' % (
        kind.list_kind.encode(), kind.api_version.encode(), msgspec.json.encode(list_metadata(page)),
    )  # fmt: skip
    if not page.entries:
        return head + b"]}"
    return head + b"{" + b",{".join([entry.encoded[entry.body_at :] for entry in page.entries]) + b"]}"


def formatted(entry: Entry, wanted: Format, call: Call, code: int = 200, warnings: tuple[str, ...] = ()) -> Reply:
    """The answer of a write: the object, in the wanted shape."""
    if wanted.plain:
        return replies.of_bytes(entry.encoded, code, warnings=warnings)
    return shapes.one(entry, wanted, call, code, warnings)
