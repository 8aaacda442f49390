"""ControllerRevisions: what a DaemonSet or a StatefulSet was, so that its pods tell of which template they are.

Source: Kubernetes' controller history. The hash in a name is of our own encoding of the template: that it stays the same for
the same template is all that anybody may count on.

Tests: tests/reconcilers/workloads/test_daemon_set.py, tests/reconcilers/workloads/test_stateful_set.py
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.pods import owner_reference
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.selector import Selector
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import ControllerRevision
from shipslog.store.objects.wire import codec
from shipslog.store.view import View

from .adoption import claimed
from .deployment.revisions import hash_of


class History(Struct, frozen=True, kw_only=True):
    """The revisions of a controller, by their numbers."""

    all: tuple[ControllerRevision, ...]
    current: ControllerRevision | None = None  # of its template as it is now; None while `commands` are to make it so
    commands: tuple[AnyObjectCommand, ...] = ()
    collides: bool = False  # the name that the revision would have is taken by another: it needs another hash

    def named(self, name: str) -> ControllerRevision | None:
        return next((revision for revision in self.all if revision.metadata.name == name), None)


def history_of(view: View, owner: Any, chosen: Selector, *, hash_label: str) -> History:
    """The history with a revision of the owner's template as the newest, or what is to be done for that."""
    held, commands = claimed(view, owner, chosen, ControllerRevision, _stays)
    known = tuple(sorted(held, key=lambda r: (r.revision, r.metadata.creation_timestamp, r.metadata.name)))
    if commands:
        return History(all=known, commands=tuple(commands))
    data = data_of(owner.spec.template)
    number = max((revision.revision for revision in known), default=0)
    same = [revision for revision in known if _text(revision.data) == _text(data)]
    if same and (same[-1].revision == number or owner.metadata.deletion_timestamp):
        return History(all=known, current=same[-1])
    if owner.metadata.deletion_timestamp:
        return History(all=known)
    if same:
        return History(all=known, commands=(Update(object=replace(same[-1], revision=number + 1)),))
    code = hash_of(owner.spec.template, owner.status.collision_count)
    template, meta = owner.spec.template, owner.metadata
    about = meta_v1.ObjectMeta(
        name=f"{meta.name}-{code}", namespace=meta.namespace, labels={**template.metadata.labels, hash_label: code},
        annotations=meta.annotations, owner_references=(owner_reference(owner),),
    )  # fmt: skip
    made = ControllerRevision(metadata=about, data=data, revision=number + 1)
    if view.get(ControllerRevision, made.metadata.name, meta.namespace) is not None:
        return History(all=known, collides=True)
    return History(all=known, commands=(Create(object=made),))


def _stays(revision: ControllerRevision) -> bool:
    return not revision.metadata.deletion_timestamp


def data_of(template: core_v1.PodTemplateSpec) -> dict[str, Any]:
    """What a revision holds: the patch that brings the template back."""
    return {"spec": {"template": {**codec.to_builtins(template), "$patch": "replace"}}}


def template_of(revision: ControllerRevision) -> core_v1.PodTemplateSpec:
    """The template that a revision holds."""
    held = {key: value for key, value in revision.data["spec"]["template"].items() if key != "$patch"}
    return codec.restore(core_v1.PodTemplateSpec, msgspec.json.encode(held))


def _text(data: Any) -> bytes:
    return msgspec.json.encode(data, order="sorted")


def forgotten(known: Sequence[ControllerRevision], living: Iterable[str], limit: int) -> list[Delete]:
    """The oldest of those that no pod is of, where there are more than `limit`. `living`: names of revisions that are kept."""
    kept = set(living)
    old = [revision.metadata for revision in known if revision.metadata.name not in kept]
    return [
        Delete(resource="controllerrevisions.apps", namespace=meta.namespace, name=meta.name, uid=meta.uid)
        for meta in old[: max(len(old) - limit, 0)]
    ]
