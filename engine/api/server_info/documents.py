"""What is no object: health, version, discovery, OpenAPI, the keys that tokens are signed with."""

import platform
from collections.abc import Sequence
from typing import Any

import msgspec

from shipslog.engine.api.aggregation import merging
from shipslog.engine.api.aggregation.merging import Version
from shipslog.engine.api.request import requests
from shipslog.engine.api.request.requests import Call
from shipslog.engine.api.request.routes import unknown_path
from shipslog.engine.api.response import replies
from shipslog.engine.api.response.replies import Reply
from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.time.long_work import LongWork
from shipslog.store.logger import logger
from shipslog.store.objects.scheme import Scheme

from . import discovery
from .release import GIT_VERSION, MAJOR, MINOR

log = logger(__name__)

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
OF_KINDS = ("/api", "/apis", "/openapi")  # what the kinds of a moment have a say in
LONG = ("/openapi", "/swagger")  # what takes long to put together where there are many kinds
DESCRIBING = LongWork("shipslog-describe")
CHECKS = {
    "/healthz": ("ping", "log", "etcd", "engine"),
    "/livez": ("ping", "log", "etcd", "engine"),
    "/readyz": ("ping", "log", "etcd", "engine", "informer-sync", "nodes", "shutdown"),
}


def answer(call: Call, tokens: AccountTokens, *, ready: bool, others: Sequence[Version] = ()) -> Reply:
    """GET of a document. `others`: versions of groups that other servers answer for. Errors: NotFound, MethodNotAllowed."""
    path = call.route.path.rstrip("/")
    if call.request.method not in ("GET", "HEAD"):
        raise requests.method_not_allowed(call)
    root = "/" + path.split("/", 2)[1] if path else ""
    if root in CHECKS:
        return _health(call, path, root, ready)
    if path == "/version":
        return replies.of_value(version(), wanted=None)
    if path == "/.well-known/openid-configuration":
        return replies.of_value(_openid(tokens))
    if path == "/openid/v1/jwks":
        return replies.of_value(tokens.jwks())
    if path == "":
        return replies.of_value({"paths": sorted({*_paths(call.view.scheme), *merging.paths(others)})})
    if call.cluster.config.old_clients is True and (found := _for_old_clients(call, path)) is not None:
        return found
    return _described(call, path, others)


def _for_old_clients(call: Call, path: str) -> Reply | None:
    """What clients before Kubernetes 1.14 need; None for what they ask for as others do. Errors: NotFound."""
    from shipslog.engine.api.openapi import PROTOBUF, as_protobuf, older  # with the switch alone

    scheme, accept = call.view.scheme, call.request.headers.get("Accept", "")
    if path in (*older.DOCUMENTS, "/openapi/v2"):
        if path.endswith(".pb-v1") or "protobuf" in accept.partition(",")[0]:
            return Reply(as_protobuf(older.document(scheme)), 200, PROTOBUF)
        return replies.of_value(older.document(scheme))
    if path == older.SWAGGER:
        return replies.of_value(older.listing(scheme))
    if path.startswith(f"{older.SWAGGER}/"):
        found = older.declaration(scheme, path.removeprefix(older.SWAGGER))
        if found is None:
            raise unknown_path()
        return replies.of_value(found)
    return None


def version() -> dict[str, Any]:
    """What /version says."""
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(int(MINOR) - 1),
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"linux/{ARCHITECTURES.get(platform.machine(), platform.machine())}",
    }


def _health(call: Call, path: str, root: str, ready: bool) -> Reply:
    checks = CHECKS[root]
    single = path.removeprefix(root).strip("/")
    if single:
        if single not in checks:
            raise unknown_path()
        checks = (single,)
    failed = _failed(call, ready, root == "/readyz")
    excluded = set(call.params.get("exclude", ()))
    good = not any(check in failed and check not in excluded for check in checks)
    if good and (single or "verbose" not in call.params):
        return replies.text("ok")
    lines = [_line(check, failed.get(check, ""), check in excluded) for check in checks]
    if unknown := sorted(excluded - set(checks)):
        lines.append(f"warn: some health checks cannot be excluded: no matches for {', '.join(unknown)}")
    if root == "/readyz":
        # no reason to send nobody here: the others go on
        lines += [f"[!]rule {trouble}" for trouble in call.cluster.troubles()]
        lines += [f"[!]task {failing}" for failing in call.cluster.failing()]
    lines.append(f"{root.strip('/')} check {'passed' if good else 'failed'}\n")
    return replies.text("\n".join(lines), 200 if good else 500)


def _line(check: str, failure: str, excluded: bool) -> str:
    if excluded:
        return f"[+]{check} excluded: ok"
    return f"[-]{check} failed: {failure}" if failure else f"[+]{check} ok"


def _failed(call: Call, ready: bool, readiness: bool) -> dict[str, str]:
    """Which checks fail, and why. Anybody may ask: paths and details are in the daemon's messages. What a restart would not
    mend is no reason to be called dead. `etcd` is the log, under the name that probes elsewhere ask for."""
    failed = {"engine": reason} if (reason := call.cluster.standstill()) else {}
    if not readiness:
        return failed
    if not ready:
        failed["shutdown"] = "the server is stopping"
    if call.cluster.log.trouble:
        failed["log"] = failed["etcd"] = "it takes no writes at the moment; the daemon's messages say why"
    if not call.cluster.begun():
        failed["informer-sync"] = "the rules have not begun"
    if missing := [node for node in call.cluster.runtimes if call.view.node_observed(node) is None]:
        failed["nodes"] = f"{len(missing)} have not reported"
    return failed


def _openid(tokens: AccountTokens) -> dict[str, Any]:
    return {
        "issuer": tokens.issuer,
        "jwks_uri": "https://kubernetes.default.svc.cluster.local/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [tokens.algorithm],
    }


def _paths(scheme: Scheme) -> list[str]:
    fixed = ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
    return sorted({*fixed, *discovery.paths(scheme)})


def _described(call: Call, path: str, others: Sequence[Version]) -> Reply:
    """Discovery and OpenAPI. Errors: NotFound."""
    accept, scheme = call.request.headers.get("Accept", ""), call.view.scheme
    if path in ("/api", "/apis"):
        version = discovery.asked_for(accept)
        if version:
            document = discovery.aggregated(scheme, version, core=path == "/api")
            document = merging.aggregated(document, others) if others and path == "/apis" else document
            return Reply(msgspec.json.encode(document), 200, discovery.media_type(version), [("Vary", "Accept")])
        if path == "/api":
            config = call.cluster.config
            return replies.of_value(discovery.versions(scheme, f"{config.api_host}:{config.api_port}"))
        document = discovery.group_list(scheme)
        return replies.of_value(merging.groups(document, others) if others else document)
    found: Any = None
    parts = path.split("/")
    if parts[1] == "api" and len(parts) == 3:
        found = discovery.resource_list(scheme, "", parts[2])
    elif parts[1] == "apis" and len(parts) == 3:
        found = discovery.group(scheme, parts[2])
        if others and (merged := merging.group(found, parts[2], others)) is not None:
            found = {"kind": "APIGroup", "apiVersion": "v1", **merged}
    elif parts[1] == "apis" and len(parts) == 4:
        found = discovery.resource_list(scheme, parts[2], parts[3])
    elif parts[1] == "openapi":
        return _openapi(scheme, path, accept, others)
    if found is None:
        raise unknown_path()
    return replies.of_value(found)


def _openapi(scheme: Scheme, path: str, accept: str, others: Sequence[Version]) -> Reply:
    from shipslog.engine.api import openapi  # its documents are large, and most programs never ask

    if path == "/openapi/v2":
        local = openapi.v2(scheme)
        whole = merging.swagger(local, others) if others else local
        if "protobuf" not in accept.partition(",")[0]:
            return replies.of_value(whole)
        return Reply(_in_protobuf(whole, local), 200, openapi.PROTOBUF)
    if path == "/openapi/v3":
        index = openapi.v3_index(scheme)
        return replies.of_bytes(merging.openapi_index(index, others) if others else index)
    document = openapi.v3(scheme, path.removeprefix("/openapi/v3/"))
    if document is None:
        raise unknown_path()
    return replies.of_bytes(document)


def _in_protobuf(whole: dict[str, Any], local: dict[str, Any]) -> bytes:
    """A Swagger document with as much of what others say as can be put so: they may say anything."""
    from shipslog.engine.api.openapi import as_protobuf

    for document in (whole, whole | {"paths": local["paths"]}) if whole is not local else ():
        try:
            return as_protobuf(document)
        except Exception as error:
            log.warning("openapi_of_others_left_out", why=repr(error))
    return as_protobuf(local)
