"""The parts of objects that have doors of their own: status, scale, binding, eviction, token, and the streams of pods."""

from typing import Any

from aiohttp import web
from msgspec import UNSET
from msgspec.structs import replace

from shipslog.engine.auth.account_tokens import AccountTokens, Claims
from shipslog.engine.auth.authentication import BOUND_KINDS
from shipslog.engine.auth.node_authority import node_of
from shipslog.engine.kinds.core.pod.containers import container_of
from shipslog.engine.kinds.faults import forbidden
from shipslog.store.commands import Bind, Evict
from shipslog.store.objects import authentication_v1, core_v1, policy_v1
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.times import api_time
from shipslog.store.refusals import BadRequest, Cause, Invalid, Unavailable, conflict, not_found

from . import replies, requests, scale, writes
from .objects import formatted
from .replies import Reply
from .requests import Call, entry_of
from .routes import first, flag, unknown_path

STREAMS = frozenset({"exec", "attach", "portforward"})
SHORTEST_TOKEN_S, LONGEST_TOKEN_S, USUAL_TOKEN_S = 600, 1 << 32, 3600


async def handle(call: Call, tokens: AccountTokens) -> web.StreamResponse:
    """Dispatch by name. Errors: NotFound for one that the kind does not have."""
    kind, name = call.kind, call.route.subresource
    if name not in kind.subresources:
        raise unknown_path()
    method = call.request.method
    if name in STREAMS:
        return await _stream(call)
    if name == "scale":
        return await scale.handle(call)
    if name in ("binding", "eviction", "token"):
        if method != "POST":
            raise requests.method_not_allowed(call)
        if name == "token":
            return await _token(call, tokens)
        return await (_binding(call) if name == "binding" else _eviction(call))
    if name == "finalize":
        if method != "PUT":
            raise requests.method_not_allowed(call)
        return await writes.update(call, name)
    return await _part(call, name)


async def _part(call: Call, subresource: str) -> Reply:
    """/status, /ephemeralcontainers, /resize: the whole object, of which only that part is written."""
    method = call.request.method
    if method in ("GET", "HEAD"):
        return await formatted(entry_of(call), call.wanted, call)
    if method == "PUT":
        return await writes.update(call, subresource)
    if method == "PATCH":
        return await writes.patch(call, subresource)
    raise requests.method_not_allowed(call)


# --- binding and eviction ---


async def bindings(call: Call) -> Reply:
    """POST of a Binding to the collection: its name is that of the pod."""
    if call.route.name or not call.route.namespace:
        raise requests.method_not_allowed(call)
    return await _bind(call, "")


async def _binding(call: Call) -> Reply:
    return await _bind(call, call.route.name)


async def _bind(call: Call, pod: str) -> Reply:
    dry_run = call.dry_run
    binding, _ = await requests.decoded(call, core_v1.Binding)
    requests.expect(binding, "Binding", "v1")
    pod = pod or binding.metadata.name
    if binding.metadata.name not in ("", pod):
        raise BadRequest(f"the name of the object ({binding.metadata.name}) does not match the name on the URL ({pod})")
    if binding.target.kind not in ("", "Node"):
        message = f'Unsupported value: "{binding.target.kind}": supported values: "Node", ""'
        raise Invalid(
            f'Binding "{pod}" is invalid: target.kind: {message}', name=pod, kind="Binding",
            causes=(Cause("FieldValueNotSupported", message, "target.kind"),),
        )  # fmt: skip
    if not binding.target.name:
        raise Invalid(
            f'Binding "{pod}" is invalid: target.name: Required value', name=pod, kind="Binding",
            causes=(Cause("FieldValueRequired", "Required value", "target.name"),),
        )  # fmt: skip
    meta = binding.metadata
    command = Bind(
        namespace=call.route.namespace, name=pod, node=binding.target.name, uid=meta.uid,
        resource_version=meta.resource_version, annotations=meta.annotations or UNSET,
    )  # fmt: skip
    await writes.submit(call, command, dry_run)
    return replies.success(call.wanted, code=201)


async def _eviction(call: Call) -> Reply:
    dry_run = call.dry_run
    eviction, _ = await requests.decoded(call, policy_v1.Eviction, validation="Ignore")
    requests.expect(eviction, "Eviction", "policy/v1", "policy/v1beta1")
    _, namespace, name = call.named()
    if eviction.metadata.name not in ("", name):
        raise BadRequest("name in URL does not match name in Eviction object")
    options = eviction.delete_options
    grace = options.grace_period_seconds if options is not None else None
    uid = options.preconditions.uid if options is not None and options.preconditions is not None else None
    if options is not None:
        dry_run = requests.dry_run(options.dry_run, "DeleteOptions") or dry_run
    await writes.submit(call, Evict(namespace=namespace, name=name, grace_period_s=grace, uid=uid), dry_run)
    return replies.success(call.wanted, code=201)


# --- tokens of service accounts ---


async def _token(call: Call, tokens: AccountTokens) -> Reply:
    entry = entry_of(call)
    account: core_v1.ServiceAccount = entry.object
    request, _ = await requests.decoded(call, authentication_v1.TokenRequest)
    requests.expect(request, "TokenRequest", "authentication.k8s.io/v1")
    _check_named(request, account)
    seconds = USUAL_TOKEN_S if request.spec.expiration_seconds is None else request.spec.expiration_seconds
    _check_life(seconds)
    bound = request.spec.bound_object_ref
    _check_node(call, bound)
    uid = _bound_uid(call, bound) if bound is not None else ""
    now = call.now_ns // 1_000_000_000
    audiences = request.spec.audiences or (tokens.issuer,)
    claims = Claims(
        namespace=account.metadata.namespace, account=account.metadata.name, account_uid=account.metadata.uid,
        audiences=audiences,
        expires_at=now + seconds, id=_entropy(call), bound_kind=bound.kind.lower() if bound is not None else "",
        bound_name=bound.name if bound is not None else "", bound_uid=uid,
    )  # fmt: skip
    status = authentication_v1.TokenRequestStatus(
        token=tokens.issue(claims, issued_at=now), expiration_timestamp=api_time((now + seconds) * 1_000_000_000)
    )
    metadata = replace(request.metadata, name=account.metadata.name, namespace=account.metadata.namespace)
    spec = replace(request.spec, audiences=audiences, expiration_seconds=seconds)
    return replies.of_value(replace(request, metadata=metadata, spec=spec, status=status), 201, wanted=call.wanted)


def _entropy(call: Call) -> str:
    entropy: Any = getattr(call.cluster, "entropy", None)
    return str(entropy.uid()) if entropy is not None else ""


def _check_node(call: Call, bound: authentication_v1.BoundObjectReference | None) -> None:
    """A node gets tokens for its own pods alone, and bound to them. Source: NodeRestriction. Errors: Forbidden."""
    node = node_of(call.user)
    if not node:
        return
    why = ""
    if bound is None or bound.kind != "Pod":
        why = "node requested token not bound to a pod"
    elif not bound.uid:
        why = "node requested token with a pod binding without a uid"
    else:
        entry = call.view.entry("pods", bound.name, call.route.namespace)
        if entry is not None and entry.object.spec.node_name != node:
            why = "node requested token bound to a pod scheduled on a different node"
    if why:
        raise forbidden(call.kind, call.route.name, why)


def _check_named(request: authentication_v1.TokenRequest, account: core_v1.ServiceAccount) -> None:
    """What the body says of its name must be what the URL says."""
    for field, given, wanted, what in (
        ("name", request.metadata.name, account.metadata.name, "service account"),
        ("namespace", request.metadata.namespace, account.metadata.namespace, "service account's namespace"),
    ):
        if given not in ("", wanted):
            message = f'Invalid value: "{given}": must match the {what} if specified'
            raise Invalid(
                f'TokenRequest.authentication.k8s.io "" is invalid: metadata.{field}: {message}',
                group="authentication.k8s.io", kind="TokenRequest",
                causes=(Cause("FieldValueInvalid", message, f"metadata.{field}"),),
            )  # fmt: skip


def _check_life(seconds: int) -> None:
    if SHORTEST_TOKEN_S <= seconds <= LONGEST_TOKEN_S:
        return
    limit = "may not specify a duration less than 10 minutes"
    if seconds > LONGEST_TOKEN_S:
        limit = f"may not specify a duration larger than {LONGEST_TOKEN_S} seconds"
    raise Invalid(
        f'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: {limit}',
        group="authentication.k8s.io", kind="TokenRequest",
        causes=(Cause("FieldValueInvalid", f"Invalid value: {seconds}: {limit}", "spec.expirationSeconds"),),
    )  # fmt: skip


def _bound_uid(call: Call, bound: authentication_v1.BoundObjectReference) -> str:
    """The uid of what a token is to be bound to. Errors: BadRequest, NotFound, Conflict."""
    kind = BOUND_KINDS.get(bound.kind.lower())
    if kind is None or bound.api_version not in ("", "v1"):
        raise BadRequest(f"cannot bind token for serviceaccount to type {bound.api_version}, Kind={bound.kind}")
    plural = f"{bound.kind.lower()}s"
    namespace = "" if plural == "nodes" else call.route.namespace
    entry = call.view.entry(plural, bound.name, namespace)
    if entry is None:
        raise not_found(plural, "", bound.name)
    uid: str = entry.object.metadata.uid
    account = call.route.name
    if plural == "pods" and (entry.object.spec.service_account_name or "default") != account:
        raise BadRequest(f'cannot bind token for serviceaccount "{account}" to pod running with different serviceaccount name')
    if bound.uid and bound.uid != uid:
        raise conflict(
            plural,
            "",
            bound.name,
            f"the UID in the bound object reference ({bound.uid}) does not match the UID in record ({uid})",
        )
    return uid


# --- streams ---


async def _stream(call: Call) -> web.StreamResponse:
    """exec, attach, portforward: hand the connection to the node's runtime."""
    from . import streams

    if call.request.method not in ("GET", "POST"):
        raise requests.method_not_allowed(call)
    pod: core_v1.Pod = entry_of(call).object
    name = pod.metadata.name
    if not pod.spec.node_name:
        raise BadRequest(f"pod {name} does not have a host assigned")
    if pod.status.phase in TERMINAL:
        what = "exec into a container in" if call.route.subresource == "exec" else "use"
        raise BadRequest(f"cannot {what} a completed pod; current phase is {pod.status.phase}")
    runtime = call.cluster.runtimes.get(pod.spec.node_name)
    if runtime is None:
        raise Unavailable(f'node "{pod.spec.node_name}" is not run by this server')
    params = call.params
    if call.route.subresource == "portforward":
        return await streams.port_forward(call.request, runtime, pod, params.get("ports", ()))
    container = container_of(pod, first(params, "container"))
    argv = tuple(params.get("command", ()))
    if call.route.subresource == "exec" and not argv:
        raise BadRequest("you must specify at least 1 command for the container")
    tty = flag(params, "tty")
    return await streams.exec_stream(
        call.request, runtime, pod, container, argv if call.route.subresource == "exec" else None, flag(params, "stdin"),
        flag(params, "stdout"), flag(params, "stderr") and not tty, tty,
    )  # fmt: skip
