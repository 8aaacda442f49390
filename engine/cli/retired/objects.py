"""Objects of a server as JSON values: read, made, changed and deleted over HTTPS, as the user of a kubeconfig.

Tests: tests/engine/cli/retired/test_others.py
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import click
import msgspec

from shipslog.engine.cli.shared.options import default_data, fail, kubeconfig_of_environment, reason
from shipslog.engine.cli.shared.remote import BadKubeconfig, Refused, Remote
from shipslog.engine.manifests import documents
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import Kind
from shipslog.store.refusals import Refusal

F = TypeVar("F", bound=Callable[..., Any])
Value = dict[str, Any]
CONTROLLER = BUILTIN.named("replicationcontroller")
POD = BUILTIN.named("pod")
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"


def options(command: F) -> F:
    """--kubeconfig and --namespace."""
    kubeconfig = click.option(
        "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False),
        help="Whom to ask, and as whom [default: $KUBECONFIG, else the cluster of this machine]",
    )  # fmt: skip
    namespace = click.option("-n", "--namespace", default="", help="[default: that of the kubeconfig, else default]")
    return kubeconfig(namespace(command))


def kubeconfig_of(given: Path | None) -> Path:
    """The file that is meant: the one that is named, else that of $KUBECONFIG, else that of this machine's cluster."""
    return given or kubeconfig_of_environment() or default_data() / "kubeconfig"


class Objects:
    """The objects of one namespace. Errors everywhere: Refused (`code` says which), OSError."""

    def __init__(self, remote: Remote, namespace: str) -> None:
        self._remote, self.namespace = remote, namespace

    @classmethod
    def of(cls, kubeconfig: Path | None, namespace: str) -> "Objects":
        """Errors: Exit, with a line on stderr, for a kubeconfig that is of no use."""
        try:
            remote = Remote.of(kubeconfig_of(kubeconfig))
        except (BadKubeconfig, OSError) as error:
            raise fail(reason(error)) from error
        return cls(remote, namespace or remote.namespace or "default")

    def get(self, kind: Kind, name: str) -> Value | None:
        """None when there is none."""
        try:
            found: Value = self._remote.call("GET", self._path(kind, name))
            return found
        except Refused as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind: Kind, selector: dict[str, str] | None = None) -> "list[Value]":
        """In the order of names."""
        labels = ",".join(f"{key}={value}" for key, value in sorted((selector or {}).items()))
        found: list[Value] = []
        query = {"limit": "500", **({"labelSelector": labels} if labels else {})}
        while True:
            page = self._remote.call("GET", f"{self._path(kind)}?{urlencode(query)}")
            found += page["items"]
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                return found

    def create(self, kind: Kind, value: Value) -> Value:
        made: Value = self._remote.call("POST", self._path(kind), value)
        return made

    def replace(self, kind: Kind, value: Value) -> Value:
        """By the name in it; of an older resourceVersion only, if it names one."""
        made: Value = self._remote.call("PUT", self._path(kind, value["metadata"]["name"]), value)
        return made

    def patch(self, kind: Kind, name: str, change: Value) -> Value:
        """A JSON merge patch."""
        made: Value = self._remote.call("PATCH", self._path(kind, name), change, MERGE)
        return made

    def scale(self, controller: str, before: int, after: int) -> None:
        """Set a controller's replicas, only if they are as many as `before`; else Refused with 422."""
        where = {"path": "/spec/replicas"}
        change = [{"op": "test", "value": before, **where}, {"op": "replace", "value": after, **where}]
        self._remote.call("PATCH", self._path(CONTROLLER, controller), change, JSON_PATCH)

    def delete(self, kind: Kind, name: str, *, orphan: bool = False, grace_s: int | None = None, uid: str = "") -> bool:
        """False when there was none, or another by now."""
        wanted: Value = {"kind": "DeleteOptions", "apiVersion": "v1"}
        wanted |= {"propagationPolicy": "Orphan" if orphan else "Background"}
        if grace_s is not None:
            wanted["gracePeriodSeconds"] = grace_s
        if uid:
            wanted["preconditions"] = {"uid": uid}
        try:
            self._remote.call("DELETE", self._path(kind, name), wanted)
            return True
        except Refused as error:
            if error.code == 404 or (uid and error.code == 409):
                return False
            raise

    def _path(self, kind: Kind, name: str = "") -> str:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        inside = f"/namespaces/{quote(self.namespace, safe='')}" if kind.namespaced else ""
        return f"{root}{inside}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")


def named(kind: Kind, name: str) -> str:
    """`replicationcontroller "web"`, as kubectl said it then."""
    return f'{kind.singular} "{name}"'


def read_manifest(file: str) -> "list[tuple[Kind, Value]]":
    """The objects of a file, or of standard input for `-`. Errors: Exit, with a line on stderr."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        found = []
        for document in documents(text):
            kind = BUILTIN.by_gvk(str(document.get("apiVersion")), str(document.get("kind")))
            if kind is None:
                what = f'"{document.get("kind")}" in version "{document.get("apiVersion")}"'
                raise fail(f"{file}: no matches for kind {what}")
            found.append((kind, document))
        return found
    except (OSError, UnicodeDecodeError, Refusal) as error:
        raise fail(f"{file}: {reason(error)}" if not isinstance(error, OSError) else reason(error)) from error


def reporting(work: Callable[[], None]) -> None:
    """Do it; what goes wrong is one line, and Ctrl-C leaves what was begun to be gone on with."""
    try:
        work()
    except Refused as error:
        raise fail(error.message) from error
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise fail(reason(error)) from error
    except KeyboardInterrupt:
        raise fail("interrupted", 130) from None
