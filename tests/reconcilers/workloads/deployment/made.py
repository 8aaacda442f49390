"""Deployments and their replica sets as a view has them, and what a decision makes of them."""

from typing import Any, TypeVar

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision
from shipslog.reconcilers.workloads import deployment as rule
from shipslog.reconcilers.workloads.deployment.revisions import hash_of, name_of
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import (
    Deployment,
    DeploymentCondition,
    DeploymentSpec,
    DeploymentStatus,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    RollingUpdateDeployment,
)
from shipslog.store.objects.types.meta_v1 import LabelSelector, ObjectMeta
from tests.reconcilers.views import NOW, controlled_by, meta, pod, view_of

T = TypeVar("T")
NOW_TEXT = "2027-01-15T08:00:00Z"
PREFIX = "deployment.kubernetes.io"
ROLLING = ("25%", "25%")


def template(image: str = "v1") -> core_v1.PodTemplateSpec:
    container = core_v1.Container(name="c", image=image)
    return core_v1.PodTemplateSpec(metadata=ObjectMeta(labels={"app": "web"}), spec=core_v1.PodSpec(containers=(container,)))


def deployment(replicas: int = 10, image: str = "v1", rolling: tuple[Any, Any] | None = ROLLING, **more: Any) -> Deployment:
    """`rolling`: (surge, unavailable); None for Recreate. `spec`: more of the spec."""
    strategy = DeploymentStrategy(type="Recreate")
    if rolling is not None:
        fences = RollingUpdateDeployment(max_surge=rolling[0], max_unavailable=rolling[1])
        strategy = DeploymentStrategy(type="RollingUpdate", rolling_update=fences)
    given = {"revision_history_limit": 10, "progress_deadline_seconds": 600, **more.pop("spec", {})}
    spec = DeploymentSpec(
        replicas=replicas,
        selector=LabelSelector(match_labels={"app": "web"}),
        template=template(image),
        strategy=strategy,
        **given,
    )
    status = more.pop("status", DeploymentStatus())
    return Deployment(metadata=meta("web", generation=1, **more), spec=spec, status=status)


def of(image: str, replicas: int, available: int | None = None, **more: Any) -> ReplicaSet:
    """The replica set of a template. `noted`: (desired, max) replicas; `revision`."""
    hashed = hash_of(template(image), None)
    labels = {"app": "web", "pod-template-hash": hashed}
    base = template(image)
    spec = ReplicaSetSpec(
        replicas=replicas, selector=LabelSelector(match_labels=labels),
        template=replace(base, metadata=replace(base.metadata, labels=labels)),
    )  # fmt: skip
    available = replicas if available is None else available
    annotations = {f"{PREFIX}/revision": str(more.pop("revision", 1)), **more.pop("annotations", {})}
    desired, most = more.pop("noted", (10, 13))
    annotations |= {f"{PREFIX}/desired-replicas": str(desired), f"{PREFIX}/max-replicas": str(most)}
    status = ReplicaSetStatus(
        replicas=more.pop("running", replicas), fully_labeled_replicas=replicas, ready_replicas=available,
        available_replicas=available, terminating_replicas=0, observed_generation=1, conditions=more.pop("conditions", ()),
    )  # fmt: skip
    metadata = meta(
        name_of("web", hashed), generation=1, labels=labels, annotations=annotations,
        owner_references=more.pop("owner_references", controlled_by(deployment())), **more,
    )  # fmt: skip
    return ReplicaSet(metadata=metadata, spec=spec, status=status)


def pod_of(replica_set: ReplicaSet, name: str, **more: Any) -> core_v1.Pod:
    return pod(name, labels=replica_set.metadata.labels, owner_references=controlled_by(replica_set), **more)


def decide(*things: Any, now: int = NOW) -> Decision:
    return rule.decide(view_of(*things), "default/web", now=now)


def written(decision: Decision, kind: type[T]) -> list[T]:
    """The objects of a kind that are made or changed."""
    objects = [c.object for c in decision.commands if isinstance(c, Create | Update)]
    return [obj for obj in objects if isinstance(obj, kind)]


def sizes(decision: Decision) -> dict[str, int | None]:
    """What replica sets are made or changed to, by their image."""
    return {s.spec.template.spec.containers[0].image: s.spec.replicas for s in written(decision, ReplicaSet)}


def status(decision: Decision) -> DeploymentStatus:
    (found,) = written(decision, Deployment)
    return found.status


def condition(decision: Decision, kind: str) -> DeploymentCondition | None:
    return next((c for c in status(decision).conditions if c.type == kind), None)


def told(decision: Decision) -> list[str]:
    """What is said if all goes well."""
    return [say.message for say in decision.says if not say.refused]


def dropped(decision: Decision) -> list[str]:
    return [c.name for c in decision.commands if isinstance(c, Delete)]


def says(kind: str, value: str, reason: str, at: str = NOW_TEXT) -> DeploymentCondition:
    return DeploymentCondition(type=kind, status=value, reason=reason, last_update_time=at, last_transition_time=at)
