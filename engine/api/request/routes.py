"""From a path to what it means: which kind, which object, which part of it, and at which moment.

Parsed by hand: a table of patterns per request would cost more than everything else that a GET does.
"""

from urllib.parse import parse_qs, unquote

from msgspec import Struct

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.memo import remembered
from shipslog.store.refusals import BadRequest, NotFound

Params = dict[str, list[str]]
NO_PARAMS: Params = {}
QUERY_FIELDS = 1_000
NAMESPACES = BUILTIN.by_resource("namespaces")


class Route(Struct, frozen=True):
    """An API path. Without `resource` it is something else (`path` says what): discovery, health, documents."""

    path: str  # without the /at/... prefix
    at: str = ""  # what stood behind /at/: a time, -5m, rev/1234
    group: str = ""
    version: str = ""
    resource: str = ""  # the plural
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""  # what follows the subresource
    watch: bool = False  # a legacy /watch/ path


def parsed(raw: str) -> Route:
    """The route of a raw path (percent-encoded, no query). `parse` remembers it."""
    path = unquote(raw) if "%" in raw else raw
    at = ""
    if path.startswith("/at/"):
        at, path = _split_moment(path)
    parts = path.split("/")
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    if len(parts) >= 4 and parts[1] == "api":
        return _resource(path, at, "", parts[2], parts[3:])
    if len(parts) >= 5 and parts[1] == "apis":
        return _resource(path, at, parts[2], parts[3], parts[4:])
    return Route(path, at)


parse = remembered(entries=8192)(parsed)


def _split_moment(path: str) -> tuple[str, str]:
    """/at/rev/12/api -> (rev/12, /api); /at/-5m/api -> (-5m, /api)."""
    parts = path.split("/")
    taken = 4 if len(parts) > 3 and parts[2] == "rev" else 3
    return "/".join(parts[2:taken]), "/" + "/".join(parts[taken:])


def _resource(path: str, at: str, group: str, version: str, parts: list[str]) -> Route:
    if parts[0] == "proxy" and len(parts) > 1 and not group:
        return _passed_on(path, at, version, parts[1:])
    watch = parts[0] == "watch" and len(parts) > 1
    if watch:
        parts = parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2 and not _of_namespace(group, version, parts[2]):
        namespace, parts = parts[1], parts[2:]
    resource, name, subresource = (*parts[:3], "", "")[:3]
    rest = "/".join(parts[3:])
    return Route(path, at, group, version, resource, namespace, name, subresource, rest, watch)


def _passed_on(path: str, at: str, version: str, parts: list[str]) -> Route:
    """What stands behind /api/v1/proxy/, as clients of long ago ask for it: the same as .../NAME/proxy/REST."""
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    resource, name = (*parts[:2], "")[:2]
    return Route(path, at, "", version, resource, namespace, name, "proxy", "/".join(parts[2:]))


def _of_namespace(group: str, version: str, word: str) -> bool:
    """Whether the word behind /namespaces/NAME/ is a subresource of the namespace, not a kind in it."""
    return not group and word in NAMESPACES.subresources


@remembered(entries=4096)
def params(query: str) -> Params:
    """The query, as lists of values by name. Callers do not change it. Errors: BadRequest for too many of them."""
    try:
        return parse_qs(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError as error:
        raise BadRequest(f"the query may have {QUERY_FIELDS} parameters") from error


def first(values: Params, name: str) -> str:
    """The first value of a parameter, or ""."""
    found = values.get(name)
    return found[0] if found else ""


def flag(values: Params, name: str) -> bool:
    """A boolean parameter, as Kubernetes reads it: present and neither false nor 0 (also `?watch` alone)."""
    found = values.get(name)
    return found is not None and found[0].lower() not in ("false", "0")


def unknown_path() -> NotFound:
    return NotFound("the server could not find the requested resource")
