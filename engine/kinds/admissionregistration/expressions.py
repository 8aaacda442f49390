"""What expressions of admission may name: the object, the request, its namespace, parameters, variables, who may do what.

Policies and the conditions of webhooks have the same words. Source: apiserver/pkg/admission/plugin/cel (compile, composition),
policy/mutating, and apiserver/pkg/cel/library/authz.go, by their behaviour.

Tests: tests/engine/policies/test_policies.py
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipslog.engine.cel.functions import Functions, Overload
from shipslog.engine.cel.program import CompileError, Environment, Program, compile_
from shipslog.engine.cel.types import BOOL, DYN, STRING, TIMESTAMP, Type, list_of, map_of, object_of, opaque
from shipslog.engine.cel.values import CelError, Opaque
from shipslog.engine.kinds.expressions import functions
from shipslog.store.objects.types.admissionregistration_v1 import Variable

TEXTS = map_of(STRING, STRING)
_KIND = object_of("kubernetes.GroupVersionKind", {"group": STRING, "version": STRING, "kind": STRING})
_RESOURCE = object_of("kubernetes.GroupVersionResource", {"group": STRING, "version": STRING, "resource": STRING})
_USER = object_of(
    "kubernetes.UserInfo",
    {"username": STRING, "uid": STRING, "groups": list_of(STRING), "extra": map_of(STRING, list_of(STRING))},
)
REQUEST = object_of(
    "kubernetes.AdmissionRequest",
    {
        "kind": _KIND,
        "resource": _RESOURCE,
        "subResource": STRING,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "requestSubResource": STRING,
        "name": STRING,
        "namespace": STRING,
        "operation": STRING,
        "userInfo": _USER,
        "dryRun": BOOL,
        "options": DYN,
    },
)
_METADATA = {
    "name": STRING,
    "generateName": STRING,
    "namespace": STRING,
    "labels": TEXTS,
    "annotations": TEXTS,
    "UID": STRING,
    "creationTimestamp": TIMESTAMP,
    "deletionGracePeriodSeconds": Type("int"),
    "deletionTimestamp": TIMESTAMP,
    "generation": Type("int"),
    "resourceVersion": STRING,
    "finalizers": list_of(STRING),
}
NAMESPACE = object_of(
    "kubernetes.Namespace",
    {
        "metadata": object_of("kubernetes.NamespaceMetadata", _METADATA),
        "spec": object_of("kubernetes.NamespaceSpec", {"finalizers": list_of(STRING)}),
        "status": object_of("kubernetes.NamespaceStatus", {"phase": STRING}),
    },
)

# --- who may do what ---

_AUTHZ = "kubernetes.authorization."
AUTHORIZER, PATH, GROUP, RESOURCE, DECISION = (
    opaque(_AUTHZ + name) for name in ("Authorizer", "PathCheck", "GroupCheck", "ResourceCheck", "Decision")
)


class Who(Struct, frozen=True):
    """Somebody, as a request names them."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


class Question(Struct, frozen=True):
    """What is to be found out of the authorizer. `decide`: (who, the question) -> allowed, and why."""

    decide: Callable[[Who, "Question"], tuple[bool, str]]
    who: Who
    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


def _with(made: Type, field: str, words: str = "") -> Callable[[Opaque, str], Opaque]:
    """Go on asking, with one thing more said. `words`: of what may not be empty."""

    def run(value: Opaque, text: str) -> Opaque:
        if words and not text.strip():
            raise CelError(f"{words} must not be empty")
        return Opaque(made.name, replace(value.key, **{field: text}))

    return run


def _check(value: Opaque, verb: str) -> Opaque:
    question: Question = replace(value.key, verb=verb)
    return Opaque(DECISION.name, question.decide(question.who, question))


def _as_account(value: Opaque, namespace: str, name: str) -> Opaque:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    who = Who(f"system:serviceaccount:{namespace}:{name}", groups)
    return Opaque(AUTHORIZER.name, replace(value.key, who=who))


def _nominal(*args: Any) -> int:
    return 1


def _dear(*args: Any) -> int:
    return 350_000


def authorizing() -> Iterator[tuple[str, Overload]]:
    rows: list[tuple[str, Type, Type, Any]] = [
        ("path", AUTHORIZER, PATH, _with(PATH, "path", "path")),
        ("group", AUTHORIZER, GROUP, _with(GROUP, "group")),
        ("resource", GROUP, RESOURCE, _with(RESOURCE, "resource", "resource")),
        ("subresource", RESOURCE, RESOURCE, _with(RESOURCE, "subresource")),
        ("namespace", RESOURCE, RESOURCE, _with(RESOURCE, "namespace")),
        ("name", RESOURCE, RESOURCE, _with(RESOURCE, "name")),
        ("fieldSelector", RESOURCE, RESOURCE, lambda value, text: value),
        ("labelSelector", RESOURCE, RESOURCE, lambda value, text: value),
    ]
    for name, given, made, run in rows:
        yield name, Overload(f"authz_{name}", (given, STRING), made, run, member=True, cost=_nominal)
    account = (AUTHORIZER, STRING, STRING)
    yield "serviceAccount", Overload("authorizer_serviceaccount", account, AUTHORIZER, _as_account, member=True)
    for given in (PATH, RESOURCE):
        yield "check", Overload(f"{given.name}_check", (given, STRING), DECISION, _check, member=True, cost=_dear)
    answers: list[tuple[str, Type, Any]] = [
        ("allowed", BOOL, lambda value: value.key[0]),
        ("reason", STRING, lambda value: value.key[1]),
        ("errored", BOOL, lambda value: False),
        ("error", STRING, lambda value: ""),
    ]
    for name, result, answer in answers:
        yield name, Overload(f"decision_{name}", (DECISION,), result, answer, member=True)


def _escaped_key(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def _patching() -> Iterator[tuple[str, Overload]]:
    yield "jsonpatch.escapeKey", Overload("jsonpatch_escapeKey", (STRING,), STRING, _escaped_key)


@cache
def admission_functions() -> Functions:
    return Functions(functions(), authorizing(), _patching())


# --- environments ---

PATCH = object_of("JSONPatch", {"op": STRING, "path": STRING, "from": STRING, "value": DYN})


class Objects(Mapping[str, Type]):
    """The types of which a mutation may make objects: `JSONPatch`, `Object`, `Object.spec`, whatever the fields are called."""

    def __getitem__(self, name: str) -> Type:
        if name == "JSONPatch":
            return PATCH
        if name == "Object" or name.startswith("Object."):
            return object_of(name, {"*": DYN})
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("JSONPatch", "Object"))

    def __len__(self) -> int:
        return 2


def environment(*, params: bool, authorizer: bool = True, made: bool = False, given: Type = DYN) -> Environment:
    """What an expression may name before there are variables. `made`: it may make objects; `given`: the object's type."""
    variables = {"object": given, "oldObject": given, "request": REQUEST, "namespaceObject": NAMESPACE}
    if params:
        variables["params"] = DYN
    if authorizer:
        variables |= {"authorizer": AUTHORIZER, "authorizer.requestResource": RESOURCE}
    return Environment(variables, admission_functions(), Objects() if made else {})


def with_variables(base: Environment, variables: Mapping[str, Type]) -> Environment:
    named = object_of("kubernetes.variables", dict(variables))
    return Environment({**base.variables, "variables": named}, base.functions, base.made)


def compiled(text: str, base: Environment, wanted: Sequence[str]) -> Program:
    """An expression that comes to one of these types. Errors: CompileError, in Kubernetes' words."""
    try:
        program = compile_(text, base)
    except CompileError as error:
        raise CompileError(f"compilation failed: {error}") from None
    type_ = str(program.type)
    if wanted and type_ not in wanted and not (type_ == "list(dyn)" and program.text.strip() == "[]"):
        what = wanted[0] if len(wanted) == 1 else f"one of {', '.join(wanted)}"
        raise CompileError(f"must evaluate to {what}")
    return program


def composed(variables: Sequence[Variable], base: Environment) -> tuple[list[tuple[str, Program]], Environment]:
    """Variables, each compiled with those before it, and what an expression may name with all of them. Errors: CompileError."""
    programs: list[tuple[str, Program]] = []
    types: dict[str, Type] = {}
    for variable in variables:
        program = compiled(variable.expression, with_variables(base, types), ())
        programs.append((variable.name, program))
        types[variable.name] = program.type
    return programs, with_variables(base, types)
