"""Claims of devices for pods: made from the templates that a pod names, told in its status, and free again when it is done.

Source: Kubernetes' resource claim controller.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.cluster import device_claims
from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import controller_of, owner_reference
from shipslog.reconcilers.rule.wakes import key_of, rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete, Update
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.resource_v1 import ResourceClaim, ResourceClaimTemplate
from shipslog.store.projections import index
from shipslog.store.view import View

POD, CLAIM = "pod/", "claim/"
POD_CLAIM_NAME = "resource.kubernetes.io/pod-claim-name"
LONGEST_NAME = 253 - 5


def _templates(pod: core_v1.Pod) -> tuple[tuple[str, str], ...]:
    named = (c.resource_claim_template_name for c in pod.spec.resource_claims)
    return tuple(dict.fromkeys((pod.metadata.namespace, name) for name in named if name))


BY_TEMPLATE = index("pods by the templates of claims that they name", ("pods",), _templates)
BY_CONSUMER = index(
    "claims of devices by the pods that they are reserved for", (device_claims.CLAIMS,),
    lambda claim: tuple(one.uid for one in claim.status.reserved_for if one.resource == "pods"),
)  # fmt: skip


def _of_pod(view: View, pod: core_v1.Pod) -> Iterable[str]:
    if pod.spec.resource_claims:
        yield f"{POD}{key_of(pod)}"
    yield from (f"{CLAIM}{key_of(entry.object)}" for entry in view.find(BY_CONSUMER, pod.metadata.uid))


def _of_claim(view: View, claim: ResourceClaim) -> Iterable[str]:
    yield f"{CLAIM}{key_of(claim)}"
    owner = controller_of(claim)
    if owner is not None and owner.kind == "Pod":
        yield f"{POD}{claim.metadata.namespace}/{owner.name}"


def _of_template(view: View, template: ResourceClaimTemplate) -> Iterable[str]:
    meta = template.metadata
    return [f"{POD}{key_of(entry.object)}" for entry in view.find(BY_TEMPLATE, (meta.namespace, meta.name))]


WAKES = (
    rule()
    .watches(core_v1.Pod, to=_of_pod, at_start=True)
    .watches(ResourceClaim, to=_of_claim, at_start=True)
    .watches(ResourceClaimTemplate, to=_of_template)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """The claims of a pod (`pod/NAMESPACE/NAME`), or whom a claim (`claim/NAMESPACE/NAME`) is reserved for."""
    namespace, _, name = key.removeprefix(POD).removeprefix(CLAIM).partition("/")
    if key.startswith(CLAIM):
        claim = view.get(ResourceClaim, name, namespace)
        return Decision(reason="there is no such claim") if claim is None else _reserved(view, claim)
    pod = view.get(core_v1.Pod, name, namespace)
    if pod is None or not pod.spec.resource_claims:
        return Decision(reason="there is no such pod, or it has no claims")
    if pod.status.phase in TERMINAL:
        return _done(view, pod)
    return Decision(reason="it is ending") if pod.metadata.deletion_timestamp else _made(view, pod)


def _own(view: View, pod: core_v1.Pod) -> dict[str, ResourceClaim]:
    """The claims that were made for a pod, by the names that its spec has for them."""
    found: list[ResourceClaim] = [e.object for e in view.owned(pod.metadata.uid) if e.resource == device_claims.CLAIMS]
    mine = [claim for claim in found if not claim.metadata.deletion_timestamp]
    return {claim.metadata.annotations.get(POD_CLAIM_NAME, ""): claim for claim in mine}


def _made(view: View, pod: core_v1.Pod) -> Decision:
    commands: list[AnyObjectCommand] = []
    says: list[Say] = []
    own, about = _own(view, pod), reference(pod)
    by_name = {status.name: status for status in pod.status.resource_claim_statuses}
    for named in pod.spec.resource_claims:
        template_name = named.resource_claim_template_name
        if not template_name:
            continue
        if (claim := own.get(named.name)) is not None:
            by_name[named.name] = core_v1.PodResourceClaimStatus(name=named.name, resource_claim_name=claim.metadata.name)
            continue
        template = view.get(ResourceClaimTemplate, template_name, pod.metadata.namespace)
        if template is None:
            why = f'resourceclaimtemplate.resource.k8s.io "{template_name}" not found'
            words = f'PodResourceClaim {named.name}: resource claim template "{template_name}": {why}'
            says.append(Say(about=about, type="Warning", reason="FailedResourceClaimCreation", message=words))
            continue
        create = Create(object=_claim(pod, named.name, template))
        failed = f"PodResourceClaim {named.name}: create ResourceClaim : {{why}}"
        commands.append(create)
        says.append(
            Say(about=about, type="Warning", reason="FailedResourceClaimCreation", message=failed, after=create, refused=True)
        )
    statuses = tuple(by_name[name] for name in sorted(by_name))
    if not commands and statuses != tuple(sorted(pod.status.resource_claim_statuses, key=lambda status: status.name)):
        status = replace(pod.status, resource_claim_statuses=statuses)
        commands.append(Update(object=replace(pod, status=status), subresource="status"))
    if pod.spec.node_name and not commands:
        commands += _reserved_late(view, pod)
    reason = "claims are missing" if commands else "a template is missing" if says else "it has its claims"
    return Decision(reason=reason, commands=tuple(commands), says=tuple(says))


def _reserved_late(view: View, pod: core_v1.Pod) -> list[Update]:
    """What has a pod that came to its node otherwise than by the scheduler have the claims that are allocated."""
    return device_claims.reservations((c for c in device_claims.claims_of(view, pod) if c.status.allocation is not None), pod)


def _claim(pod: core_v1.Pod, name: str, template: ResourceClaimTemplate) -> ResourceClaim:
    shown = template.spec.metadata
    meta = meta_v1.ObjectMeta(
        generate_name=f"{pod.metadata.name}-{name}-"[-LONGEST_NAME:], namespace=pod.metadata.namespace, labels=shown.labels,
        annotations=shown.annotations | {POD_CLAIM_NAME: name}, owner_references=(owner_reference(pod),),
    )  # fmt: skip
    return ResourceClaim(metadata=meta, spec=template.spec.spec)


def _done(view: View, pod: core_v1.Pod) -> Decision:
    """What was made for it alone goes when it has ended."""
    gone = tuple(
        Delete(resource=device_claims.CLAIMS, namespace=c.metadata.namespace, name=c.metadata.name, uid=c.metadata.uid)
        for _, c in sorted(_own(view, pod).items())
    )
    return Decision(reason="it has ended" if gone else "nothing of its own is left", commands=gone)


def _reserved(view: View, claim: ResourceClaim) -> Decision:
    """Reserved for nobody who has ended; free, and free to go, when it is reserved for nobody."""
    status, meta = claim.status, claim.metadata
    kept = tuple(one for one in status.reserved_for if one.resource != "pods" or _needs(view, one.uid))
    allocation = status.allocation if kept or not meta.deletion_timestamp else None
    if kept != status.reserved_for or allocation != status.allocation:
        free = replace(claim, status=replace(status, reserved_for=kept, allocation=allocation))
        return Decision(reason="who had it has ended", commands=(Update(object=free, subresource="status"),))
    if meta.deletion_timestamp and not kept and device_claims.PROTECTION in meta.finalizers:
        left = tuple(f for f in meta.finalizers if f != device_claims.PROTECTION)
        gone = replace(claim, metadata=replace(meta, finalizers=left))
        return Decision(reason="nobody has it", commands=(Update(object=gone),))
    return Decision(reason="all who have it need it")


def _needs(view: View, uid: str) -> bool:
    entry = view.by_uid(uid)
    return entry is not None and isinstance(entry.object, core_v1.Pod) and entry.object.status.phase not in TERMINAL


RECONCILER = Reconciler(
    name="resource-claims", actor="system:controller:resource-claim-controller", wakes=WAKES, decide=decide,
    component="resource_claim", projections=(BY_TEMPLATE, BY_CONSUMER),
)  # fmt: skip
