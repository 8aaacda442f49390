"""The parts of objects that have paths of their own, each sort described once.

A kind's room says which of its subresources is of which sort (`Strategy.subresources`); the API has one handler for each sort
(`engine/api/subresource/subresources.py`), and discovery, OpenAPI, authorization and metrics read the same description. Source:
the REST storages of the Kubernetes API server's registries.
Tests: tests/engine/kinds/test_contract.py
"""

from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import Struct

from shipslog.store.commands import AnyObjectCommand
from shipslog.store.objects.types.meta_v1 import DeleteOptions

CHANGE = ("get", "patch", "update")
STREAM = ("create", "get")


class Subresource(Struct, frozen=True, kw_only=True):
    """Base. What discovery says of it: its verbs, and the kind that goes over it, with group and version where they are others
    than those of the object; all "" for the object itself."""

    verbs: tuple[str, ...]
    kind: str = ""
    group: str | None = None
    version: str = ""
    type: str = ""  # of what goes over it, as a `Kind` places it: "policy_v1:Eviction"; "" for that of the object
    connects: ClassVar[bool] = False  # whether it is a connection to what runs, and long
    runs_something: ClassVar[bool] = False  # whether a GET does what a POST does, and needs `create` besides
    of_now: ClassVar[bool] = False  # whether it is about what runs, of which the log keeps nothing: there is none in the past
    any_method: ClassVar[bool] = False  # whether it takes every method, and each counts as the verb that it stands for
    described: ClassVar[bool] = True  # whether OpenAPI has its operations


class Part(Subresource, frozen=True, kw_only=True):
    """The whole object, of which only that part is written."""

    verbs: tuple[str, ...] = CHANGE


class Scale(Subresource, frozen=True, kw_only=True):
    """How many replicas there are and shall be, whatever the kind calls them."""

    verbs: tuple[str, ...] = CHANGE
    kind: str = "Scale"
    group: str | None = "autoscaling"
    version: str = "v1"
    type: str = "autoscaling_v1:Scale"


def older_scale(group: str, version: str) -> Scale:
    """The scale as versions of workloads before apps/v1 have it, each as one of its own."""
    return Scale(group=group, version=version, type="apps_v1beta1:Scale")


OLDER_SCALES = (("apps", "v1beta1"), ("apps", "v1beta2"), ("extensions", "v1beta1"))


class Posted(Subresource, frozen=True, kw_only=True):
    """A body that is posted and becomes a command; the answer is that it succeeded."""

    verbs: tuple[str, ...] = ("create",)
    accepts: tuple[str, ...]  # the apiVersions that a body may say
    command: Callable[[Any, str, str], AnyObjectCommand]  # (body, namespace, name) -> it. Errors: BadRequest, Invalid
    delete_options: Callable[[Any], DeleteOptions | None] = lambda body: None  # those in the body, whose dryRun counts too
    validation: str | None = None  # of unknown fields, whatever the request asks for


class Token(Subresource, frozen=True, kw_only=True):
    """A token that the server signs for the object."""

    verbs: tuple[str, ...] = ("create",)
    kind: str = "TokenRequest"
    group: str | None = "authentication.k8s.io"
    version: str = "v1"
    type: str = "authentication_v1:TokenRequest"


class Log(Subresource, frozen=True, kw_only=True):
    """What a container wrote."""

    verbs: tuple[str, ...] = ("get",)
    described: ClassVar[bool] = False


class Stream(Subresource, frozen=True, kw_only=True):
    """Base of connections that the node's runtime answers."""

    verbs: tuple[str, ...] = STREAM
    connects: ClassVar[bool] = True
    runs_something: ClassVar[bool] = True
    of_now: ClassVar[bool] = True
    described: ClassVar[bool] = False


class Exec(Stream, frozen=True, kw_only=True):
    kind: str = "PodExecOptions"


class Attach(Stream, frozen=True, kw_only=True):
    kind: str = "PodAttachOptions"


class PortForward(Stream, frozen=True, kw_only=True):
    kind: str = "PodPortForwardOptions"


class Proxy(Subresource, frozen=True, kw_only=True):
    """What goes on to what runs there, whatever it is, and comes back from it."""

    verbs: tuple[str, ...] = ("create", "delete", "get", "patch", "update")
    connects: ClassVar[bool] = True
    of_now: ClassVar[bool] = True
    any_method: ClassVar[bool] = True
    described: ClassVar[bool] = False


SHARED = {"status": Part(), "scale": Scale()}  # of whatever kind has them
