"""Claims of ephemeral volumes: each pod that has one gets a claim of its own, which goes when the pod goes.

Source: Kubernetes' ephemeral volume controller (KEP-1698).
"""

from collections.abc import Iterable

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import controller_of, owner_reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import AnyObjectCommand, Create
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.volume_claims import claim_of
from shipslog.store.view import View

RETRY_S = 15.0  # a claim that is in the way wakes nobody but by its end


def _pod_of(view: View, claim: core_v1.PersistentVolumeClaim) -> Iterable[str]:
    """The pod that a claim is of, by its owner."""
    owner = controller_of(claim)
    if owner is not None and owner.kind == "Pod":
        yield f"{claim.metadata.namespace}/{owner.name}"


def _came_or_went(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    return before is None or after is None


def _itself(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return (key_of(pod),) if _ephemeral(pod) else ()


WAKES = (
    rule()
    .watches(core_v1.Pod, to=_itself, at_start=True, when=_came_or_went)
    .watches(core_v1.PersistentVolumeClaim, to=_pod_of, when=lambda before, after: after is None)
)


def _ephemeral(pod: core_v1.Pod) -> list[core_v1.Volume]:
    return [volume for volume in pod.spec.volumes if volume.ephemeral is not None]


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make the claims that a pod lacks."""
    namespace, _, name = key.partition("/")
    pod = view.get(core_v1.Pod, name, namespace)
    if pod is None or pod.metadata.deletion_timestamp or pod.status.phase in TERMINAL:
        return Decision(reason="there is no such pod, or it ends")
    commands: list[AnyObjectCommand] = []
    says: list[Say] = []
    for volume in _ephemeral(pod):
        held = view.get(core_v1.PersistentVolumeClaim, claim_of(pod, volume), namespace)
        if held is None:
            create = Create(object=_claim(pod, volume))
            commands.append(create)
            why = f"ephemeral volume {volume.name}: create PVC {claim_of(pod, volume)}: {{why}}"
            about = reference(pod)
            says.append(Say(about=about, type="Warning", reason="FailedBinding", message=why, after=create, refused=True))
        elif (owner := controller_of(held)) is None or owner.uid != pod.metadata.uid:
            whose = f"PVC {namespace}/{held.metadata.name} was not created for pod {key} (pod is not owner)"
            why = f"ephemeral volume {volume.name}: {whose}"
            says.append(Say(about=reference(pod), type="Warning", reason="FailedBinding", message=why))
    again = RETRY_S if says and not commands else None
    reason = "claims are missing" if commands else "another's claim is in the way" if says else "it has its claims"
    return Decision(reason=reason, commands=tuple(commands), says=tuple(says), requeue_after=again)


def _claim(pod: core_v1.Pod, volume: core_v1.Volume) -> core_v1.PersistentVolumeClaim:
    assert volume.ephemeral is not None and volume.ephemeral.volume_claim_template is not None
    template = volume.ephemeral.volume_claim_template
    meta = meta_v1.ObjectMeta(
        name=claim_of(pod, volume), namespace=pod.metadata.namespace, labels=template.metadata.labels,
        annotations=template.metadata.annotations, owner_references=(owner_reference(pod),),
    )  # fmt: skip
    return core_v1.PersistentVolumeClaim(metadata=meta, spec=template.spec)


RECONCILER = Reconciler(
    name="ephemeral-volume", actor="system:controller:ephemeral-volume-controller", wakes=WAKES, decide=decide,
    component="ephemeral_volume",
)  # fmt: skip
