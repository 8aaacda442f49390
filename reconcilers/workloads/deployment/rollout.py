"""A Deployment and its replica sets as one decision leaves them: what the steps of a rollout read and change.

A decision goes through all its steps on this, so each object is written once, and each step sees what the one before decided.

Tests: tests/reconcilers/workloads/deployment/test_strategies.py, tests/reconcilers/workloads/deployment/test_fences.py
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Say, reference
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.types.apps_v1 import Deployment, ReplicaSet
from shipslog.store.objects.values.scalars import IntOrString
from shipslog.store.view import View

DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
DIGITS = 18  # of a number in an annotation; people write there what they like
LAST = "~"  # behind all times


class Step(Struct, frozen=True):
    """A change of the size of a replica set."""

    name: str
    before: int
    after: int


def size_of(replica_set: ReplicaSet) -> int:
    """How many pods a replica set shall have."""
    return 1 if replica_set.spec.replicas is None else replica_set.spec.replicas


def age_of(replica_set: ReplicaSet) -> tuple[str, str]:
    """What sorts replica sets from the oldest to the newest; one that is not made yet is the newest."""
    return replica_set.metadata.creation_timestamp or LAST, replica_set.metadata.name


class Rollout:
    """One decision about a Deployment."""

    def __init__(self, view: View, deployment: Deployment, sets: Sequence[ReplicaSet], now: Instant) -> None:
        self.view, self.now = view, now
        self.was = self.deployment = deployment
        self.held = {s.metadata.name: s for s in sets}
        self.planned = dict(self.held)
        self.new_name = ""  # of the replica set that has the deployment's template
        self.steps: list[Step] = []
        self.doomed: list[ReplicaSet] = []
        self.says: list[Say] = []

    # --- reading ---

    @property
    def new(self) -> ReplicaSet | None:
        return self.planned.get(self.new_name)

    @property
    def old(self) -> list[ReplicaSet]:
        """All others, the oldest first."""
        return sorted((s for name, s in self.planned.items() if name != self.new_name), key=age_of)

    @property
    def active(self) -> list[ReplicaSet]:
        """Those that shall have pods."""
        return [s for s in self.planned.values() if size_of(s) > 0]

    @property
    def active_old(self) -> list[ReplicaSet]:
        return [s for s in self.old if size_of(s) > 0]

    @property
    def total(self) -> int:
        """How many pods all replica sets shall have."""
        return sum(map(size_of, self.planned.values()))

    @property
    def wanted(self) -> int:
        return 1 if self.deployment.spec.replicas is None else self.deployment.spec.replicas

    @property
    def is_rolling(self) -> bool:
        return self.deployment.spec.strategy.type == "RollingUpdate"

    @property
    def surge(self) -> int:
        """How many pods there may be more than asked for."""
        return self._fences()[0] if self.is_rolling else 0

    @property
    def unavailable(self) -> int:
        """How many of those asked for may be missing."""
        return min(self._fences()[1], self.wanted) if self.is_rolling else 0

    def _fences(self) -> tuple[int, int]:
        """If both come to nothing, nothing could move: then one may be missing."""
        rolling = self.deployment.spec.strategy.rolling_update
        surge = share(rolling.max_surge if rolling is not None else 0, self.wanted, up=True)
        unavailable = share(rolling.max_unavailable if rolling is not None else 0, self.wanted, up=False)
        return surge, unavailable if surge or unavailable else 1

    # --- changing ---

    def put(self, replica_set: ReplicaSet) -> None:
        """A replica set as it is to be from now on."""
        self.planned[replica_set.metadata.name] = replica_set

    def scale(self, replica_set: ReplicaSet, size: int) -> bool:
        """Have a replica set of this size. -> whether it was of another"""
        changed = size != size_of(replica_set)
        sized = self.with_size(replica_set) if changed else replica_set
        if changed:
            self.steps.append(Step(replica_set.metadata.name, size_of(replica_set), size))
            self.put(replace(sized, spec=replace(sized.spec, replicas=size)))
        return changed

    def with_size(self, replica_set: ReplicaSet) -> ReplicaSet:
        """The replica set, saying how large the deployment was when it was scaled: proportions are kept by that."""
        sizes = {DESIRED_REPLICAS: str(self.wanted), MAX_REPLICAS: str(self.wanted + self.surge)}
        meta = replica_set.metadata
        return replace(replica_set, metadata=replace(meta, annotations={**meta.annotations, **sizes}))

    # --- deciding ---

    def decision(self, reason: str, requeue_after: float | None = None) -> Decision:
        """What brings about all that was changed: the new replica set, the old ones, then the deployment."""
        writes: dict[str, AnyObjectCommand] = {}
        for name, planned in sorted(self.planned.items(), key=lambda item: item[0] != self.new_name):
            held = self.held.get(name)
            if held is None:
                writes[name] = Create(object=planned)
            elif planned != held:
                writes[name] = Update(object=planned)
        deletes = [_delete(s) for s in self.doomed]
        own = [Update(object=self.deployment, subresource="status")] if self.deployment != self.was else []
        says = (*self._of_steps(writes), *self._of_making(writes), *self.says)
        return Decision(reason=reason, commands=(*writes.values(), *deletes, *own), requeue_after=requeue_after, says=says)

    def _of_steps(self, writes: dict[str, AnyObjectCommand]) -> list[Say]:
        about = reference(self.was)
        return [
            Say(
                about=about,
                reason="ScalingReplicaSet",
                after=writes[step.name],
                message=f"Scaled {'up' if step.after > step.before else 'down'} replica set {step.name} "
                f"from {step.before} to {step.after}",
            )
            for step in self.steps
            if step.name in writes
        ]

    def _of_making(self, writes: dict[str, AnyObjectCommand]) -> list[Say]:
        about = reference(self.was)
        return [
            Say(
                about=about,
                type="Warning",
                reason="ReplicaSetCreateError",
                after=create,
                refused=True,
                message=f'Failed to create new replica set "{name}": {{why}}',
            )
            for name, create in writes.items()
            if isinstance(create, Create)
        ]


def _delete(replica_set: ReplicaSet) -> Delete:
    meta = replica_set.metadata
    return Delete(resource="replicasets.apps", namespace=meta.namespace, name=meta.name, uid=meta.uid, propagation="Background")


def share(value: IntOrString | None, whole: int, *, up: bool) -> int:
    """A number, or a percentage of the whole, rounded up or down."""
    if isinstance(value, int):
        return value
    percent = (value or "").removesuffix("%")
    if not percent.isascii() or not percent.isdigit():
        return 0
    return (int(percent) * whole + (99 if up else 0)) // 100
