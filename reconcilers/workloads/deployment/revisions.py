"""The replica set of a Deployment's template: found or made, numbered as the newest revision; the oldest are let go of.

Source: Kubernetes' deployment controller. Its hash of a template is of Go's own print of it; ours is of its JSON, in the same
letters. It names a new replica set only: one that exists is found by its template.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Say, reference
from shipslog.reconcilers.rule.pods import owner_reference
from shipslog.store.commands import Update
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentCondition, ReplicaSet, ReplicaSetSpec
from shipslog.store.objects.types.core_v1 import PodTemplateSpec
from shipslog.store.objects.types.meta_v1 import LabelSelector, ObjectMeta
from shipslog.store.objects.values.times import parse_time
from shipslog.store.objects.wire import codec
from shipslog.store.projections import index
from shipslog.store.view import View

from .rollout import DESIRED_REPLICAS, MAX_REPLICAS, Rollout, age_of, size_of
from .sizes import size_of_new
from .status import NOT_MADE, PROGRESSING, has_deadline, put_condition

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
ROLLBACK_TO = "deprecated.deployment.rollback.to"
HISTORY_CHARS = 2000
MOST = 2**63 - 2  # the largest revision that one can follow
NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    ROLLBACK_TO,
}
NAME_CHARS = 253
LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words
EVERY_ONE = 2**31 - 1


def _of_deployment(event: core_v1.Event) -> tuple[str, ...]:
    """The uid of the Deployment whose replica set could not be made, if it is that which an Event says."""
    says_so = event.reason == NOT_MADE and event.source.component == "deployment-controller"
    return (event.involved_object.uid,) if says_so else ()


REFUSED = index("failures to create replica sets by deployment", ("events",), _of_deployment)


def refused(view: View, event: core_v1.Event) -> Iterable[str]:
    """For `watches`: the Deployment that an Event says this of."""
    about = event.involved_object
    return (f"{about.namespace}/{about.name}",) if _of_deployment(event) else ()


# --- names ---


def hash_of(template: PodTemplateSpec, collisions: int | None) -> str:
    """What tells a template from others, in letters; another one for each collision."""
    data = msgspec.json.encode(codec.to_builtins(template), order="sorted")
    if collisions is not None:
        data += collisions.to_bytes(8, "little")
    number = 2166136261  # FNV-1a, 32 bits
    for byte in data:
        number = (number ^ byte) * 16777619 & 0xFFFFFFFF
    return "".join(LETTERS[ord(digit) % len(LETTERS)] for digit in str(number))


def name_of(deployment: str, hashed: str) -> str:
    return f"{deployment[: NAME_CHARS - len(hashed) - 1]}-{hashed}"


# --- the new one ---


def plain(template: PodTemplateSpec) -> PodTemplateSpec:
    """The template as the deployment has it."""
    labels = {name: value for name, value in template.metadata.labels.items() if name != HASH}
    return replace(template, metadata=replace(template.metadata, labels=labels))


def renew(rollout: Rollout, *, make: bool) -> None:
    """Find the replica set of the template, or make it if it may be made, and give it the newest revision."""
    wanted = plain(rollout.deployment.spec.template)
    same = [s for s in sorted(rollout.planned.values(), key=age_of) if plain(s.spec.template) == wanted]
    rollout.new_name = same[0].metadata.name if same else ""
    revision = max((revision_of(s) for s in rollout.old), default=0) + 1
    if same:
        _keep(rollout, same[0], revision)
    elif make:
        _make(rollout, revision)


def _keep(rollout: Rollout, found: ReplicaSet, revision: int) -> None:
    deployment = rollout.deployment
    annotations = _annotations(deployment, found.metadata.annotations, revision)
    spec = replace(found.spec, min_ready_seconds=deployment.spec.min_ready_seconds)
    kept = replace(found, metadata=replace(found.metadata, annotations=annotations), spec=spec)
    rollout.put(kept)
    _number(rollout, kept)
    if has_deadline(deployment) and not any(c.type == PROGRESSING for c in deployment.status.conditions):
        _progresses(rollout, "FoundNewReplicaSet", f'Found new replica set "{kept.metadata.name}"')


def _make(rollout: Rollout, revision: int) -> None:
    deployment = rollout.deployment
    collisions = deployment.status.collision_count
    hashed = hash_of(deployment.spec.template, collisions)
    name = name_of(deployment.metadata.name, hashed)
    if rollout.view.get(ReplicaSet, name, deployment.metadata.namespace) is not None:  # of others, or of another template
        rollout.deployment = replace(deployment, status=replace(deployment.status, collision_count=(collisions or 0) + 1))
        return
    template, chosen = deployment.spec.template, deployment.spec.selector or LabelSelector()
    labels = {**template.metadata.labels, HASH: hashed}
    spec = ReplicaSetSpec(
        replicas=0, min_ready_seconds=deployment.spec.min_ready_seconds,
        selector=replace(chosen, match_labels={**chosen.match_labels, HASH: hashed}),
        template=replace(template, metadata=replace(template.metadata, labels=labels)),
    )  # fmt: skip
    meta = ObjectMeta(
        name=name, namespace=deployment.metadata.namespace, labels=labels, owner_references=(owner_reference(deployment),),
        annotations=_annotations(deployment, {}, revision),
    )  # fmt: skip
    made = rollout.with_size(ReplicaSet(metadata=meta, spec=spec))
    rollout.put(made)
    rollout.new_name = name
    rollout.scale(made, size_of_new(rollout))
    _number(rollout, made)
    if has_deadline(deployment):
        if why := _refused(rollout, name):
            put_condition(rollout, DeploymentCondition(type=PROGRESSING, status="False", reason=NOT_MADE, message=why))
        else:
            _progresses(rollout, "NewReplicaSetCreated", f'Created new replica set "{name}"')


def _refused(rollout: Rollout, name: str) -> str:
    """What was said when the replica set of that name could not be made; "" if nothing was since the rollout last moved."""
    held = find_condition(rollout.deployment.status.conditions, PROGRESSING)
    since = parse_time(held.last_update_time) if held is not None else 0
    refusals = [entry.object for entry in rollout.view.find(REFUSED, rollout.deployment.metadata.uid)]
    mine = [event.message for event in refusals if f'"{name}"' in event.message and parse_time(event.last_timestamp) >= since]
    return mine[-1] if mine else ""


def _progresses(rollout: Rollout, reason: str, message: str) -> None:
    put_condition(rollout, DeploymentCondition(type=PROGRESSING, status="True", reason=reason, message=message))


def _number(rollout: Rollout, new: ReplicaSet) -> None:
    """The deployment has the revision of its new replica set."""
    meta = rollout.deployment.metadata
    annotations = {**meta.annotations, REVISION: new.metadata.annotations.get(REVISION, "")}
    if annotations != meta.annotations:
        rollout.deployment = replace(rollout.deployment, metadata=replace(meta, annotations=annotations))


# --- annotations ---


def revision_of(replica_set: ReplicaSet) -> int:
    """Its number among the deployment's; 0 if it has none."""
    return _number_of(replica_set.metadata.annotations.get(REVISION, "")) or 0


def _number_of(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) else MOST + 1
    return number if number <= MOST else None


def _annotations(deployment: Deployment, held: Mapping[str, str], revision: int) -> dict[str, str]:
    """Those of the deployment, with the revision, and with those before it where a replica set is used again."""
    given = {name: value for name, value in deployment.metadata.annotations.items() if name not in NOT_COPIED}
    annotations = {**held, **given}
    before = held.get(REVISION, "")
    number = _number_of(before) if before else 0
    if number is None or number >= revision:
        return annotations
    annotations[REVISION] = str(revision)
    if before:
        annotations[HISTORY] = _history(held.get(HISTORY, ""), before)
    return annotations


def _history(held: str, before: str) -> str:
    """The revisions that a replica set had, as many of the last as there is room for."""
    revisions = [*(held.split(",") if held else ()), before]
    while len(revisions) > 1 and len(",".join(revisions)) > HISTORY_CHARS:
        revisions.pop(0)
    return ",".join(revisions)


# --- going back, and forgetting ---


def asks_back(deployment: Deployment) -> str:
    """The revision that an annotation asks for; "" if none does."""
    text = deployment.metadata.annotations.get(ROLLBACK_TO, "")
    return text if _number_of(text) is not None else ""


def rollback(rollout: Rollout, text: str) -> Decision:
    """Old clients say in an annotation to what revision to go back (0: the one before); it is done by taking its template."""
    deployment, revision = rollout.deployment, int(text)
    numbers = sorted(map(revision_of, rollout.planned.values()), reverse=True)
    wanted = revision or (numbers[1] if len(numbers) > 1 else 0)
    found = next((s for s in rollout.planned.values() if wanted and revision_of(s) == wanted), None)
    annotations = {name: value for name, value in deployment.metadata.annotations.items() if name != ROLLBACK_TO}
    spec, unheard = deployment.spec, True
    if found is None:
        reason = "DeploymentRollbackRevisionNotFound"
        message = "Unable to find the revision to rollback to." if revision else "Unable to find last revision."
    elif plain(found.spec.template) == plain(spec.template):
        reason = "DeploymentRollbackTemplateUnchanged"
        message = f'The rollback revision contains the same template as current deployment "{deployment.metadata.name}"'
    else:
        unheard, reason = False, "DeploymentRollback"
        message = f'Rolled back deployment "{deployment.metadata.name}" to revision {wanted}'
        spec = replace(spec, template=plain(found.spec.template))
        kept = {name: value for name, value in annotations.items() if name in NOT_COPIED}
        theirs = {n: v for n, v in found.metadata.annotations.items() if n not in NOT_COPIED}
        annotations = {**kept, **theirs}
    update = Update(object=replace(deployment, metadata=replace(deployment.metadata, annotations=annotations), spec=spec))
    event = Say(
        about=reference(deployment), type="Warning" if unheard else "Normal", reason=reason, message=message, after=update,
    )  # fmt: skip
    return Decision(reason=message, commands=(update,), says=(event,))


def forget(rollout: Rollout) -> None:
    """Let go of the oldest replica sets that are empty, until no more are left than the history may be long."""
    limit = rollout.deployment.spec.revision_history_limit
    if limit is None or limit == EVERY_ONE:
        return
    alive = [s for s in rollout.old if not s.metadata.deletion_timestamp]
    for oldest in sorted(alive, key=lambda s: (revision_of(s), age_of(s)))[: max(len(alive) - limit, 0)]:
        seen = oldest.metadata.generation <= oldest.status.observed_generation
        if seen and not size_of(oldest) and not oldest.status.replicas:
            rollout.doomed.append(oldest)
