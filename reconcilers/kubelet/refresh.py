"""What changes in the volumes of a running pod: config maps, secrets, the pod's own fields, tokens that grow old.

The whole content goes to the node when it differs from what was sent last. Source: kubelet's volume manager, which remounts
such volumes every minute or so; here a change goes out when it happens.
"""

from collections.abc import Iterable, Iterator

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.facts import SandboxStarted
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.certificates_v1 import ClusterTrustBundle
from shipslog.store.objects.values.times import SECOND_NS
from shipslog.store.objects.volume_claims import claim_of
from shipslog.store.projections import index
from shipslog.store.view import View

from . import trust_anchors
from .bound_pod import BoundPod
from .fields import ConfigError
from .lifecycle import sandbox_command

DEFAULT_TOKEN_S = 3607  # asked for by the default volume; such a token is made to last, and its volume hardly ever changes
ROOT_CA = "kube-root-ca.crt"
REPUBLISH_S = 60.0  # as often as a kubelet looks at a pod, and calls drivers that want to be called
_OLD = 0.8  # of its lifetime, and a token is made anew


def _key(pod: core_v1.Pod) -> str:
    return f"pod/{pod.metadata.uid}"


def _sources(pod: core_v1.Pod) -> Iterator[core_v1.Volume | core_v1.VolumeProjection]:
    for volume in pod.spec.volumes:
        if volume.projected is not None:
            yield from volume.projected.sources
        else:
            yield volume


def _shown(pod: core_v1.Pod) -> Iterator[tuple[str, str]]:
    """(resource, name) of the objects whose content the pod shows."""
    for source in _sources(pod):
        if source.config_map is not None:
            yield "configmaps", source.config_map.name
        elif isinstance(source, core_v1.Volume) and source.secret is not None:
            yield "secrets", source.secret.secret_name
        elif isinstance(source, core_v1.VolumeProjection) and source.secret is not None:
            yield "secrets", source.secret.name


def _renewed_s(pod: core_v1.Pod) -> float:
    """How often its tokens are made anew; 0 for never."""
    tokens = (s.service_account_token for s in _sources(pod) if isinstance(s, core_v1.VolumeProjection))
    lifetimes = [t.expiration_seconds or 3600 for t in tokens if t is not None]
    return min((s * _OLD for s in lifetimes if s != DEFAULT_TOKEN_S), default=0.0)


def _may_change(pod: core_v1.Pod) -> bool:
    if not pod.spec.node_name or not pod.spec.volumes:
        return False
    shown = any(name != ROOT_CA for _, name in _shown(pod))
    own = any(v.downward_api is not None for v in pod.spec.volumes) or any(
        s.downward_api is not None
        for v in pod.spec.volumes
        if v.projected and v.name[:15] != "kube-api-access"
        for s in v.projected.sources
    )
    drivers = any(v.csi is not None or claim_of(pod, v) for v in pod.spec.volumes)  # some want to be called again
    return shown or own or drivers or bool(trust_anchors.shown_by(pod)) or _renewed_s(pod) > 0


BY_WHAT_IS_SHOWN = index(
    "pods by what they show", ("pods",),
    lambda pod: tuple(dict.fromkeys((pod.metadata.namespace, *shown) for shown in _shown(pod))),
)  # fmt: skip


def _that_show(view: View, source: core_v1.ConfigMap | core_v1.Secret) -> Iterable[str]:
    """The pods that show a config map or a secret."""
    resource = "configmaps" if isinstance(source, core_v1.ConfigMap) else "secrets"
    found = view.find(BY_WHAT_IS_SHOWN, (source.metadata.namespace, resource, source.metadata.name))
    return [_key(entry.object) for entry in found]


def _that_trust(view: View, bundle: ClusterTrustBundle) -> Iterable[str]:
    """The pods that show certificates of a trust bundle."""
    return dict.fromkeys(_key(pod) for pod in trust_anchors.pods_that_show(view, bundle))


def _itself(view: View, pod: core_v1.Pod) -> Iterable[str]:
    return (_key(pod),) if _may_change(pod) else ()


def _begun(view: View, fact: SandboxStarted) -> Iterable[str]:
    entry = view.by_uid(fact.pod_uid)
    return _itself(view, entry.object) if entry is not None else ()


WAKES = (
    rule()
    .watches(core_v1.Pod, to=_itself, at_start=True, by=lambda pod: (pod.spec.node_name, pod.spec.volumes))
    .watches(core_v1.ConfigMap, core_v1.Secret, to=_that_show)
    .watches(ClusterTrustBundle, to=_that_trust)
    .hears(SandboxStarted, to=_begun)
)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """The content of the pod's volumes now."""
    uid = key.removeprefix("pod/")
    entry, runtime = view.by_uid(uid), view.pod_runtime(uid)
    if entry is None or runtime is None or not runtime.sandbox_id:
        return Decision(reason="the pod has no sandbox")
    pod: core_v1.Pod = entry.object
    observed = view.node_observed(pod.spec.node_name)
    if observed is None or pod.metadata.deletion_timestamp or pod.status.phase in TERMINAL:
        return Decision(reason="its node has not reported" if observed is None else "the pod is ending")
    bound = BoundPod(view=view, node=pod.spec.node_name, pod=pod, runtime=runtime, observed=observed, now=now)
    every_s = _renewed_s(pod)
    round_, again_s = 0, None
    if every_s:
        age_s = max(now - runtime.sandbox_started_at_ns, 0) / SECOND_NS
        round_ = int(age_s / every_s)
        again_s = (round_ + 1) * every_s - age_s
    try:
        sandbox = sandbox_command(bound)
    except ConfigError as error:
        return Decision(reason=f"the volumes stay as they are: {error}", requeue_after=again_s or REPUBLISH_S)
    times, rest_s = divmod(max(now - runtime.sandbox_started_at_ns, 0) / SECOND_NS, REPUBLISH_S)
    published = sandbox.republish(int(times))
    if published is not None:
        again_s = min(REPUBLISH_S - rest_s, again_s or REPUBLISH_S)
    commands = (sandbox.refresh(round_), *((published,) if published is not None and times else ()))
    return Decision(reason="its volumes as they should be", commands=commands, requeue_after=again_s)


RECONCILER = Reconciler(
    name="kubelet-volumes", actor="system:controller:kubelet", wakes=WAKES, decide=decide,
    projections=(BY_WHAT_IS_SHOWN, trust_anchors.BY_TRUST, trust_anchors.BY_SIGNER), version=2,
)  # fmt: skip
