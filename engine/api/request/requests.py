"""One request, read once: what it asks for, who asks, and the state that it reads.

Tests: tests/engine/api/verbs/test_writes.py
"""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from shipslog.engine.auth.users import User
from shipslog.engine.commit.outside import RequestInfo
from shipslog.engine.kinds.catalogue import subresource_of
from shipslog.engine.kinds.faults import shown
from shipslog.engine.kinds.subresources import Subresource
from shipslog.engine.served import Served
from shipslog.engine.state.view import MemoryView
from shipslog.engine.time.long_work import LongWork
from shipslog.store.events import Origin
from shipslog.store.objects import measured
from shipslog.store.objects.patch import APPLY_PATCH
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.wire import codec, protobuf, repeats, yaml_text
from shipslog.store.refusals import (
    BadRequest,
    Cause,
    Invalid,
    MethodNotAllowed,
    TimedOut,
    TooLarge,
    UnsupportedMediaType,
    not_found,
)
from shipslog.store.state import Entry

from .negotiation import JSON, PROTOBUF, Format, accepted, body_type
from .routes import Params, Route, first, unknown_path

BODY_LIMIT = 3 * 1024 * 1024  # as the Kubernetes API server's
DECODING = LongWork("shipslog-decode")
MANAGER_LENGTH = 128
BODY_S = 60.0  # for all of a body, as Kubernetes gives a request
AGENT_LENGTH = 256  # of a client's name, on the log
VALIDATIONS = ("", "Ignore", "Warn", "Strict")


class Call(msgspec.Struct):
    """A request with all that its handlers need."""

    request: web.BaseRequest
    route: Route
    params: Params
    user: User
    cluster: Served
    view: MemoryView  # the committed one, or one of the past
    now_ns: int
    past: bool = False
    verb: str = ""  # as authorization names it
    impersonator: str = ""  # who asks in the user's name
    body_bytes: int = 0  # once it is read
    delete_options: Any = None  # of a deletion, once they are read
    _found: tuple[object, Kind | None] = (None, None)  # the scheme in which the kind was looked for, and it

    @property
    def served(self) -> Kind | None:
        """The kind of the path, of those that the state has which is read; None for none."""
        scheme, kind = self._found
        if scheme is not self.view.scheme:
            route, scheme = self.route, self.view.scheme
            kind = scheme.find(route.group, route.version, route.resource)
            kind = kind or measured.find(route.group, route.version, route.resource)
            self._found = scheme, kind
        return kind

    @property
    def kind(self) -> Kind:
        """The kind of the path. Errors: NotFound for one that the API does not have."""
        kind, route = self.served, self.route
        if kind is None or (route.namespace and not kind.namespaced):
            raise unknown_path()
        return kind

    @property
    def subresource(self) -> Subresource | None:
        """What the path names of an object; None where it names all of it, or what the kind does not have."""
        name = self.route.subresource
        kind = self.served if name else None
        return subresource_of(kind, name) if kind is not None else None

    @property
    def wanted(self) -> Format:
        header = self.request.headers.get("Accept", "")
        wanted = accepted(header)
        if wanted.protobuf and not wanted.shape and (kind := self.served) is not None and kind.definition is not None:
            return accepted(header, messages=False)  # there are none of what definitions define
        return wanted

    @property
    def wanted_without_table(self) -> Format:
        """What an answer is given as that is no object which is kept. Errors: NotAcceptable."""
        return accepted(self.request.headers.get("Accept", ""), tables=False)

    def named(self) -> tuple[Kind, str, str]:
        """(kind, namespace, name) of the object that the path names. Errors: NotFound."""
        kind, route = self.kind, self.route
        if not route.name or (kind.namespaced and not route.namespace):
            raise unknown_path()
        return kind, route.namespace, route.name

    @property
    def origin(self) -> Origin:
        """What stands on the log about the request beside its user."""
        request = self.request
        return Origin(
            verb=self.verb, subresource=self.route.subresource, address=request.remote or "", impersonator=self.impersonator,
            user_agent=request.headers.get("User-Agent", "")[:AGENT_LENGTH],
        )  # fmt: skip

    @property
    def request_info(self) -> RequestInfo:
        """What is said of the request to those outside who are asked about it."""
        kind = self.served
        version = kind.api_version if kind is not None and kind.hub is not None else ""
        return RequestInfo(uid=self.user.uid, extra=self.user.extra, api_version=version, options=self.options)

    @property
    def dry_run(self) -> bool:
        """Errors: Invalid for another value than All, and for other options that make no sense."""
        if not self.params:
            return False
        _check_manager(self.params, self.options_kind, applies=self.is_apply)
        return dry_run(self.params.get("dryRun", []), self.options_kind)

    @property
    def is_apply(self) -> bool:
        """Whether it is a server-side apply."""
        request = self.request
        return request.method == "PATCH" and request.headers.get("Content-Type", "").split(";", 1)[0].strip() == APPLY_PATCH

    @property
    def field_manager(self) -> str:
        """Who owns what the request writes: named in it, or the first word of the client's name."""
        named = first(self.params, "fieldManager")
        if named:
            return named
        agent = self.request.headers.get("User-Agent", "").partition("/")[0][:MANAGER_LENGTH]
        return agent if agent.isprintable() else ""

    @property
    def options_kind(self) -> str:
        return {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}.get(
            self.request.method, "DeleteOptions"
        )

    @property
    def options(self) -> dict[str, Any]:
        """The options of a write as one object, as Kubernetes makes it of the query: a patch is an update, or a create."""
        kind = self.options_kind
        made: dict[str, Any] = {"kind": "UpdateOptions" if kind == "PatchOptions" else kind, "apiVersion": "meta.k8s.io/v1"}
        if self.delete_options is not None:
            return {**codec.to_builtins(self.delete_options), **made}
        if not self.params:
            return made
        given = {"dryRun": self.params.get("dryRun"), "fieldManager": first(self.params, "fieldManager") or None}
        given["fieldValidation"] = first(self.params, "fieldValidation") or None
        return made | {name: value for name, value in given.items() if value}

    @property
    def field_validation(self) -> str:
        """Strict, Warn or Ignore. Errors: Invalid for another value."""
        value = first(self.params, "fieldValidation")
        if value not in VALIDATIONS:
            raise unsupported(self.options_kind, "fieldValidation", value, ("", "Ignore", "Strict", "Warn"))
        return value or "Warn"


def _check_manager(params: Params, options_kind: str, *, applies: bool) -> None:
    manager = first(params, "fieldManager")
    if len(manager.encode()) > MANAGER_LENGTH:
        message = f"Too long: may not be more than {MANAGER_LENGTH} bytes"
        raise invalid_option(options_kind, "fieldManager", "FieldValueTooLong", message)
    strange = next((i for i, character in enumerate(manager) if not character.isprintable()), None)
    if strange is not None:
        where = f"invalid character U+{ord(manager[strange]):04X} (at position {len(manager[:strange].encode())})"
        message = f"Invalid value: {msgspec.json.encode(manager).decode()}: {where}"
        raise invalid_option(options_kind, "fieldManager", "FieldValueInvalid", message)
    if options_kind == "PatchOptions" and "force" in params and not applies:
        message = "Forbidden: may not be specified for non-apply patch"
        raise invalid_option(options_kind, "force", "FieldValueForbidden", message)


def invalid_option(options_kind: str, field: str, reason: str, message: str) -> Invalid:
    """422 for an option of a request."""
    return Invalid(
        f'{options_kind}.meta.k8s.io "" is invalid: {field}: {message}', group="meta.k8s.io", kind=options_kind,
        causes=(Cause(reason, message, field),),
    )  # fmt: skip


def dry_run(values: list[str] | tuple[str, ...], options_kind: str) -> bool:
    if not values:
        return False
    if set(values) != {"All"}:
        raise unsupported(options_kind, "dryRun", tuple(values), ("All",))
    return True


def unsupported(options_kind: str, field: str, value: str | tuple[str, ...], supported: tuple[str, ...]) -> Invalid:
    """422 for an option with a value that Kubernetes does not know."""
    named = ", ".join(f'"{one}"' for one in supported)
    message = f"Unsupported value: {shown(value)}: supported values: {named}"
    return invalid_option(options_kind, field, "FieldValueNotSupported", message)


def method_not_allowed(call: Call) -> MethodNotAllowed:
    route = call.route
    return MethodNotAllowed(
        "the server does not allow this method on the requested resource", group=route.group, kind=route.resource
    )


def no_such_method() -> MethodNotAllowed:
    """405 for a method that no handler of the path knows, whatever it is about."""
    return MethodNotAllowed("the server does not allow this method on the requested resource")


def expect(obj: Any, kind: str, *versions: str) -> None:
    """Errors: BadRequest if the body says that it is something else."""
    if (obj.kind or kind) != kind or (obj.api_version or versions[0]) not in versions:
        raise BadRequest(
            f'{obj.kind or kind} in version "{obj.api_version or versions[0]}" cannot be handled as a {kind}: '
            f'no kind "{obj.kind or kind}" is registered for version "{obj.api_version or versions[0]}" here'
        )


async def body(request: web.BaseRequest) -> bytes:
    """The whole body. Errors: TooLarge, TimedOut."""
    length = request.content_length
    if length is not None and length > BODY_LIMIT:
        raise _too_large()
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise UnsupportedMediaType(f"the body is in the encoding {encoding!r}; send it as it is, without Content-Encoding")
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    content = request.content
    if content.is_eof():
        return content.read_nowait()  # the usual case: it came with the head
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            while not content.at_eof():
                part = await content.readany()
                size += len(part)
                if size > BODY_LIMIT:
                    raise _too_large()
                parts.append(part)
    except TimeoutError as error:
        raise TimedOut(f"Timeout: the body did not come within {BODY_S:g} s; {size} bytes of it came") from error
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"Request entity too large: limit is {BODY_LIMIT}")


async def decoded(call: Call, kind: type[Any], *, validation: str | None = None) -> tuple[Any, tuple[str, ...]]:
    """The body as an object of a type, and warnings about it. Errors: BadRequest, UnsupportedMediaType, TooLarge."""
    media = body_type(call.request.headers.get("Content-Type", ""))
    data = await body(call.request)
    checked = validation if validation is not None else call.field_validation
    call.body_bytes = len(data)
    return await DECODING.run(len(data), decode, data, media, kind, checked)


def decode(data: bytes, media: str, kind: type[Any], validation: str) -> tuple[Any, tuple[str, ...]]:
    if not data:
        raise BadRequest("EOF: the request has no body")
    if media == JSON:
        return codec.decode(kind, data, validation=validation)
    if media == PROTOBUF:
        api_version, kind_name, raw = protobuf.unwrap(data)
        obj = protobuf.decode(kind, raw)
        names = {f: v for f, v in (("api_version", api_version), ("kind", kind_name)) if v}
        return msgspec.structs.replace(obj, **names), ()
    return _from_yaml(data, kind, validation)


def as_json(data: bytes, validation: str) -> tuple[bytes, tuple[str, ...]]:
    """A body of YAML or JSON with one object, as JSON, and warnings of keys that stand twice. Errors: BadRequest."""
    if not data:
        raise BadRequest("EOF: the request has no body")
    try:
        documents = yaml_text.parse(data)
    except yaml_text.NotYaml as error:
        raise BadRequest(f"error decoding YAML: {error}") from error
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise BadRequest("error decoding YAML: the body is one object")
    repeated = documents[0].repeated if validation != "Ignore" else ()
    if repeated and validation == "Strict":
        why = ", ".join(repeats.joined(repeated))
        raise BadRequest(f"error strict decoding YAML: error converting YAML to JSON: {why}")
    return msgspec.json.encode(documents[0].value), repeated


def _from_yaml(data: bytes, kind: type[Any], validation: str) -> tuple[Any, tuple[str, ...]]:
    try:
        documents = yaml_text.parse(data)
    except yaml_text.NotYaml as error:
        raise BadRequest(f"error converting YAML to JSON: {error}") from error
    if len(documents) != 1:
        raise BadRequest(
            f"error converting YAML to JSON: the body has {len(documents)} documents, and one object is sent in one"
        )
    value, repeated = documents[0].value, documents[0].repeated
    if not isinstance(value, dict):
        raise BadRequest(f"the body is no object but {type(value).__name__}")
    return codec.from_builtins(kind, value, validation=validation, before=repeated)


def resource_version(text: str) -> int:
    """Errors: BadRequest for what is no resource version."""
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise BadRequest(f'invalid resource version "{text[:64]}": it must be a number that the server gave')
    return int(text)


def entry_of(call: Call) -> Entry:
    """The entry that the path names. Errors: NotFound."""
    kind, namespace, name = call.named()
    entry = call.view.entry(kind.resource, name, namespace)
    if entry is None:
        raise not_found(kind.plural, kind.group, name)
    return entry
