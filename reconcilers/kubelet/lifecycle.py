"""The life of a pod on its node: sandbox, containers, status, and its end.

A key is `pod/UID`: also what runs of a pod that the API has forgotten is found, and removed.
"""

from collections.abc import Iterable, Iterator

from msgspec import UNSET
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.reconcilers.services.policy_world import POLICIES
from shipslog.reconcilers.storage.words import ALONE, ATTACHMENTS, PODS_BY_CLAIM, pods_using
from shipslog.runtime.commands import PortMapping, RemovePodSandbox, RunPodSandbox
from shipslog.store.commands import Delete, Update
from shipslog.store.facts import (
    ImagePulled,
    ImagePullFailed,
    NetworkPoliciesApplied,
    NetworkPoliciesFailed,
    NodeObserved,
    PodFact,
)
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.certificates_v1 import ClusterTrustBundle
from shipslog.store.objects.types.storage_v1 import CSIDriver, VolumeAttachment
from shipslog.store.objects.values.times import SECOND_NS, parse_time
from shipslog.store.objects.volume_claims import claims_of
from shipslog.store.projections import index
from shipslog.store.state import PodRuntime
from shipslog.store.view import View

from . import backoff, resources
from .admission import refused
from .bound_pod import AnyContainer, BoundPod, images_of
from .containers import first_images, plan_containers, stop_all, wants_sandbox
from .dns import NameTooLong, names
from .events import backing_off, resizing, tells
from .eviction.rule import why_evicted
from .fields import ConfigError
from .plan import PodPlan
from .resize import AGAIN_S, resize_of
from .status import refusal, settling_s, status_of
from .trust_anchors import BY_SIGNER, BY_TRUST, pods_that_show
from .volumes import volumes

VOLUME_RETRY_S = 60.0  # a config map or secret that is made wakes the pods that wait; this is for whatever else was missing
EVICTED = "Evicted"
DEADLINE = "Pod was active on the node longer than the specified deadline"


RUNTIME_CLASSES = "runtimeclasses.node.k8s.io"  # by its key: their types are loaded with the first of them


class NoRuntimeClass(ConfigError):
    """The pod names a RuntimeClass that is not there any more: admission saw it."""


def _waits(pod: core_v1.Pod) -> bool:
    """Whether something that it needs may be missing."""
    if not pod.spec.node_name or pod.status.phase not in ("", "Pending", "Running"):
        return False
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    return not statuses or any(s.state.waiting is not None for s in statuses)


def _images(spec: core_v1.PodSpec) -> set[str]:
    every: tuple[AnyContainer, ...] = (*spec.containers, *spec.init_containers, *spec.ephemeral_containers)
    return {image for container in every for image in images_of(spec, container)}


def _bound(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return (f"pod/{pod.metadata.uid}",) if pod.spec.node_name else ()


WAITING = index("pods that may wait for something", ("pods",), lambda pod: (pod.metadata.namespace,) if _waits(pod) else ())


def _that_wait(view: View, source: core_v1.ConfigMap | core_v1.Secret) -> Iterable[str]:
    """The pods of the namespace that may have waited for a config map or a secret."""
    return [f"pod/{entry.object.metadata.uid}" for entry in view.find(WAITING, source.metadata.namespace)]


def _with_claim(view: View, claim: core_v1.PersistentVolumeClaim) -> Iterable[str]:
    """The pods that wait for a claim."""
    waiting = view.find(WAITING, claim.metadata.namespace)
    return [f"pod/{e.object.metadata.uid}" for e in waiting if claim.metadata.name in claims_of(e.object)]


def _after_it(view: View, pod: core_v1.Pod) -> Iterable[str]:
    """Those that wait for a claim which was the pod's alone."""
    for name in claims_of(pod):
        claim = view.get(core_v1.PersistentVolumeClaim, name, pod.metadata.namespace)
        if claim is not None and ALONE in claim.spec.access_modes:
            for other in pods_using(view, pod.metadata.namespace, name):
                yield from _bound(view, other)


def _that_trust(view: View, bundle: ClusterTrustBundle) -> Iterable[str]:
    """The pods that may have waited for a trust bundle."""
    return [f"pod/{pod.metadata.uid}" for pod in pods_that_show(view, bundle) if _waits(pod)]


def _with_attachment(view: View, attachment: VolumeAttachment) -> Iterable[str]:
    """The pods of the node whose volume it attaches."""
    volume = attachment.spec.source.persistent_volume_name
    held = view.get(core_v1.PersistentVolume, volume) if volume else None
    if held is not None and (ref := held.spec.claim_ref) is not None:
        for pod in view.pods_on(attachment.spec.node_name):
            if pod.metadata.namespace == ref.namespace and ref.name in claims_of(pod):
                yield f"pod/{pod.metadata.uid}"


def _reported(view: View, fact: PodFact) -> Iterable[str]:
    return (f"pod/{fact.pod_uid}",)


def _with_image(view: View, fact: ImagePulled | ImagePullFailed) -> Iterable[str]:
    """The pods of the node that need an image, or did until it came."""
    for pod in view.pods_on(fact.node):
        if pod.status.phase not in TERMINAL and fact.image in _images(pod.spec):
            yield f"pod/{pod.metadata.uid}"


def _of_node(view: View, fact: NodeObserved) -> Iterator[str]:
    """All that is bound to a node that has just come, and all that runs on it, of pods too that the API has forgotten."""
    yield from (f"pod/{pod.metadata.uid}" for pod in view.pods_on(fact.node))
    yield from (f"pod/{runs.pod_uid}" for runs in view.pods_running_on(fact.node))


def _without_processes(view: View, fact: NetworkPoliciesApplied | NetworkPoliciesFailed) -> Iterable[str]:
    """The pods of the node of which nothing runs: they may wait for their policies."""
    there = view.pods_running_on(fact.node)
    return [f"pod/{pod.pod_uid}" for pod in there if not any(c.running for c in pod.containers.values())]


def _left_on(view: View, node: core_v1.Node) -> Iterable[str]:
    """What ran on a node that has gone, of pods too that the API has forgotten."""
    return [f"pod/{runs.pod_uid}" for runs in view.pods_running_on(node.metadata.name)]


def _ends(before: core_v1.Pod | None, after: core_v1.Pod | None) -> bool:
    return after is None or after.status.phase in TERMINAL


WAKES = (
    rule()
    .watches(core_v1.Pod, to=_bound, at_start=True)
    .watches(core_v1.ConfigMap, core_v1.Secret, to=_that_wait)
    .watches(core_v1.PersistentVolumeClaim, to=_with_claim)
    .watches(core_v1.Pod, to=_after_it, when=_ends)
    .watches(ClusterTrustBundle, to=_that_trust)
    .watches(VolumeAttachment, to=_with_attachment)
    .reads(core_v1.PersistentVolume, core_v1.Endpoints, CSIDriver, RUNTIME_CLASSES)
    .watches(core_v1.Node, to=_left_on, when=lambda before, after: after is None)
    .hears(PodFact, to=_reported)
    .hears(ImagePulled, ImagePullFailed, to=_with_image)
    .hears(NodeObserved, to=_of_node)
    .hears(NetworkPoliciesApplied, NetworkPoliciesFailed, to=_without_processes)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """What the node does about the pod now."""
    uid = key.removeprefix("pod/")
    entry, runtime = view.by_uid(uid), view.pod_runtime(uid)
    if entry is None or not isinstance(entry.object, core_v1.Pod):
        return _forgotten(runtime)
    node = entry.object.spec.node_name
    observed = view.node_observed(node) if node else None
    if observed is None:
        return Decision(reason="its node has not reported" if node else "not bound to a node")
    pod = BoundPod(view=view, node=node, pod=entry.object, runtime=runtime, observed=observed, now=now)
    plan = PodPlan(entry.object)
    resize = resize_of(pod)
    if resize.reason:
        less = replace(pod.pod, spec=resize.spec)  # for all else it is as the node has room for
        pod = replace(pod, pod=less, resize_reason=resize.reason, resize_message=resize.message)
        plan.again(AGAIN_S)
    if entry.object.metadata.deletion_timestamp:
        return _ending(pod, plan)
    if entry.object.status.phase in TERMINAL:
        if runtime is None:
            return Decision(reason="the pod has ended, and nothing of it is here")
        return _ended(pod, plan)
    if why := why_evicted(pod.pod):
        return _evicted(pod, plan, why)
    if _past_deadline(pod, plan):
        stop_all(pod, plan, pod.grace_period_s, "")
        if any(True for _ in pod.running()):
            plan.warn("DeadlineExceeded", DEADLINE)
            return _with_status(pod, plan, "DeadlineExceeded")  # it has failed once nothing of it runs
        return _with_status(pod, plan, "DeadlineExceeded", failure="DeadlineExceeded", message=DEADLINE)
    if runtime is None:
        reason, message = refused(pod)
        if reason:
            plan.warn(reason, message)
            return _update(pod, plan, refusal(pod, reason, message), reason)
    if pod.sandbox_up:
        if not _waits_for_policies(pod, plan):
            plan_containers(pod, plan)
    elif wants_sandbox(pod):
        _plan_sandbox(pod, plan)
    return _with_status(pod, plan, "as it should be")


def _ended(pod: BoundPod, plan: PodPlan) -> Decision:
    """Succeeded or failed: nothing of it runs. One that had to go leaves nothing on the disk either."""
    stop_all(pod, plan, pod.grace_period_s, "")
    if pod.pod.status.reason == EVICTED and not any(True for _ in pod.running()):
        plan.do(RemovePodSandbox(node=pod.node, pod_uid=pod.uid), "Removing the sandbox")
    return _with_status(pod, plan, "the pod has ended")


def _evicted(pod: BoundPod, plan: PodPlan, why: str) -> Decision:
    """Its node runs short: stop what runs, soon; it has failed once nothing of it runs."""
    state = pod.view.pressure(pod.node)
    stop_all(pod, plan, min(pod.grace_period_s, state.observed.grace_period_s if state is not None else 1), "")
    if any(True for _ in pod.running()):
        return _with_status(pod, plan, EVICTED)
    return _with_status(pod, plan, EVICTED, failure=EVICTED, message=why)


def _forgotten(runtime: PodRuntime | None) -> Decision:
    if runtime is None:
        return Decision(reason="the pod is gone")
    return Decision(
        reason="the pod is gone, what runs of it goes too",
        commands=(RemovePodSandbox(node=runtime.node, pod_uid=runtime.pod_uid),),
    )


def _ending(pod: BoundPod, plan: PodPlan) -> Decision:
    """Deleted: stop what runs, within its grace period; remove the sandbox; then the object may go."""
    meta = pod.pod.metadata
    grace_s = meta.deletion_grace_period_seconds
    if any(True for _ in pod.running()):
        stop_all(pod, plan, pod.grace_period_s if grace_s is None else grace_s, "")
        return _with_status(pod, plan, "ending")
    if pod.runtime is not None:
        plan.do(RemovePodSandbox(node=pod.node, pod_uid=pod.uid), "Removing the sandbox")
        return _with_status(pod, plan, "ending")
    if grace_s == 0 and meta.finalizers:
        return Decision(reason=f"waits for its finalizers: {', '.join(meta.finalizers)}")
    gone = Delete(resource="pods", namespace=meta.namespace, name=meta.name, uid=meta.uid, grace_period_s=0)
    return Decision(reason="nothing of the pod is left on its node", commands=(gone,))


def _past_deadline(pod: BoundPod, plan: PodPlan) -> bool:
    deadline_s = pod.spec.active_deadline_seconds
    if deadline_s is None or not pod.pod.status.start_time:
        return False
    left_ns = parse_time(pod.pod.status.start_time) + deadline_s * SECOND_NS - pod.now
    if left_ns <= 0:
        return True
    plan.again(left_ns / SECOND_NS)
    return False


def _waits_for_policies(pod: BoundPod, plan: PodPlan) -> bool:
    """Whether policies select it, nothing of it runs, and its node has not said that it judges the traffic of its address.
    Nodes that say nothing of policies are not waited for."""
    applied = pod.view.network_policies(pod.node)
    if applied is None or not pod.ip or any(True for _ in pod.running()) or not pod.view.projected(POLICIES).selects(pod.pod):
        return False
    if pod.pod.status.pod_ip == pod.ip:
        judged = pod.view.projected(POLICIES).rules_on(pod.node).pods.get(pod.ip)
        if judged is None or judged.pod_uid != pod.uid or pod.ip in applied.pods.get(pod.uid, "").split(","):
            return False
    if applied.failures:
        plan.warn("NetworkPoliciesNotApplied", applied.message)
    plan.because("waits until its node has its NetworkPolicies")
    return True


def _plan_sandbox(pod: BoundPod, plan: PodPlan) -> None:
    runtime = pod.runtime
    first_images(pod, plan)
    if runtime is not None and runtime.sandbox_failures:
        wait_s = backoff.remaining_s(runtime.sandbox_failed_at_ns, backoff.sandbox_s(runtime.sandbox_failures), pod.now)
        if wait_s:
            plan.because(f"{runtime.sandbox_failure}: {runtime.sandbox_message}")
            plan.again(wait_s)
            return
    try:
        plan.do(sandbox_command(pod), "Making its sandbox")
    except (NoRuntimeClass, NameTooLong) as error:
        plan.warn("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        plan.again(VOLUME_RETRY_S)
    except ConfigError as error:
        plan.warn("FailedMount", str(error))
        plan.again(VOLUME_RETRY_S)


def sandbox_command(pod: BoundPod) -> RunPodSandbox:
    """The sandbox with its volumes rendered. Errors: ConfigError when something that a volume needs is missing."""
    spec, meta, called = pod.spec, pod.pod.metadata, names(pod)
    security = spec.security_context or core_v1.PodSecurityContext()
    cpu, memory = resources.pod_limits(spec)
    return RunPodSandbox(
        node=pod.node,
        pod_uid=pod.uid,
        namespace=meta.namespace,
        name=meta.name,
        hostname=called.hostname,
        fqdn=called.fqdn,
        labels=dict(meta.labels),
        host_network=spec.host_network,
        host_pid=spec.host_pid,
        host_ipc=spec.host_ipc,
        share_process_namespace=bool(spec.share_process_namespace),
        port_mappings=tuple(_port_mappings(spec)),
        dns_servers=called.servers,
        dns_searches=called.searches,
        dns_options=called.options,
        host_aliases=tuple((a.ip, a.hostnames) for a in spec.host_aliases),
        sysctls={s.name: s.value for s in security.sysctls},
        fs_group=security.fs_group,
        volumes=volumes(pod),
        cpu_limit_milli=cpu,
        memory_limit_bytes=memory,
        own_users=True if spec.host_users is False else UNSET,
        handler=_handler(pod) or UNSET,
    )


def _handler(pod: BoundPod) -> str:
    """What its RuntimeClass calls who makes its containers; "" without one. Errors: NoRuntimeClass."""
    name = pod.spec.runtime_class_name
    if not name:
        return ""
    held = pod.view.entry(RUNTIME_CLASSES, name)
    if held is None:
        raise NoRuntimeClass(f'failed to get sandbox runtime: failed to get RuntimeClass: RuntimeClass "{name}" not found')
    handler: str = held.object.handler
    return handler


def _port_mappings(spec: core_v1.PodSpec) -> Iterator[PortMapping]:
    for container in (*spec.init_containers, *spec.containers):
        for port in container.ports:
            if port.host_port:
                yield PortMapping(
                    protocol=(port.protocol or "TCP").lower(), container_port=port.container_port, host_port=port.host_port,
                    host_ip=port.host_ip,
                )  # fmt: skip


def _with_status(pod: BoundPod, plan: PodPlan, otherwise: str, *, failure: str = "", message: str = "") -> Decision:
    """The plan, and the status if it differs from the one that the API shows."""
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        if left_s := settling_s(pod, container):
            plan.again(left_s)
    return _update(pod, plan, status_of(pod, plan.waiting, reason=failure, message=message), otherwise)


def _update(pod: BoundPod, plan: PodPlan, status: core_v1.PodStatus, otherwise: str) -> Decision:
    if status != pod.pod.status and not (plan.starts() and pod.pod.status.start_time):
        update = Update(object=replace(plan.pod, status=status), subresource="status")
        plan.do(update, f"now {status.phase}")
        plan.says += backing_off(pod.pod, update)
        plan.says += resizing(pod.pod, update)
    return plan.decision(otherwise)


RECONCILER = Reconciler(
    name="kubelet", actor="system:controller:kubelet", wakes=WAKES, decide=decide, tells=tells,
    projections=(WAITING, POLICIES, ATTACHMENTS, PODS_BY_CLAIM, BY_SIGNER, BY_TRUST), version=8,
)  # fmt: skip
