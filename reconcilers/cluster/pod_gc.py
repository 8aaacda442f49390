"""Pods that have ended are kept for people to look at, but no more than so many: the oldest go. Source: Kubernetes' pod GC."""

from collections.abc import Iterable

from msgspec import UNSET

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Delete
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.projections import index
from shipslog.store.view import View

MOST, BATCH, KEY = 12_500, 500, "terminated"
ENDED = index("pods that have ended", ("pods",), lambda pod: ("",) if pod.status.phase in TERMINAL else ())


def _too_many(view: View) -> int:
    """How many have to go. Source: --terminated-pod-gc-threshold, of which 0 lets all stay."""
    most = MOST if view.config.terminated_pods is UNSET else view.config.terminated_pods
    return len(view.projected(ENDED).get("", ())) - most if most else 0


def _if_too_many(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return (KEY,) if _too_many(view) > 0 else ()


def _has_ended(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    return after is not None and after.status.phase in TERMINAL


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Delete what is too much, the oldest first."""
    many = _too_many(view)
    if many <= 0:
        return Decision(reason="not too many have ended")
    pods: list[core_v1.Pod] = [entry.object for entry in view.find(ENDED, "")]
    oldest = sorted(pods, key=lambda p: (p.metadata.creation_timestamp, p.metadata.namespace, p.metadata.name))[:many]
    going = [pod for pod in oldest if not (pod.metadata.deletion_timestamp and pod.metadata.finalizers)][:BATCH]
    commands = tuple(
        Delete(resource="pods", namespace=p.metadata.namespace, name=p.metadata.name, uid=p.metadata.uid, grace_period_s=0)
        for p in going
    )
    return Decision(reason=f"{many} too many have ended", commands=commands)


RECONCILER = Reconciler(
    name="pod-gc", actor="system:controller:pod-garbage-collector", decide=decide, projections=(ENDED,),
    wakes=rule(always=(KEY,)).watches(core_v1.Pod, to=_if_too_many, when=_has_ended),
)  # fmt: skip
