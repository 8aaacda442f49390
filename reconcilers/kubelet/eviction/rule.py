"""Which pods and images have to go from a node, by what was observed of it last.

A pod's place is taken in two steps: its status says that it is to go (DisruptionTarget, with why), and the rule of pods ends it
and says Failed. Where the node runs short one goes at a time, and what comes of it is observed before the next. Of a disk that
fills, images that nothing uses go first.

Source: kubelet's eviction manager (synchronize) and image garbage collector, Kubernetes 1.32.
"""

from collections.abc import Iterable

from msgspec import Struct

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler, Say, reference
from shipslog.reconcilers.rule.pods import disrupted
from shipslog.reconcilers.rule.wakes import rule
from shipslog.runtime.commands import CollectImages
from shipslog.store.commands import Update
from shipslog.store.facts import Fact, ImagesCollected, PodUse, PressureObserved, ThresholdMet
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.pods import TERMINAL
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.times import SECOND_NS, api_time, parse_time
from shipslog.store.state import PressureState
from shipslog.store.view import View

from .limits import LIMITED, excess
from .ranking import is_critical, ranked
from .thresholds import BYTES, SIGNALS, acting

DISRUPTION_TARGET, BY_KUBELET = "DisruptionTarget", "TerminationByKubelet"
ON_DISK = ("ephemeral-storage", "inodes")
FRESH_NS = 30 * SECOND_NS  # an observation that is older does not say how things are
PATIENCE_NS = 60 * SECOND_NS


class Verdict(Struct, frozen=True):
    """A pod that has to go, and why."""

    pod: core_v1.Pod
    message: str


class Course(Struct, frozen=True):
    """What is to be done about a node."""

    reason: str
    verdicts: tuple[Verdict, ...] = ()
    collect: CollectImages | None = None
    starved: str = ""  # what is to be reclaimed


def _of_node(view: View, fact: PressureObserved | ImagesCollected) -> Iterable[str]:
    return (fact.node,)


WAKES = rule(always=()).hears(PressureObserved, ImagesCollected, to=_of_node).reads(core_v1.Pod, core_v1.Node)


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Take a place, or make room, if the node runs short."""
    state = view.pressure(key)
    if state is None:
        return Decision(reason="it never ran short of anything")
    course = course_of(view, key, state, now)
    commands: list[Update | CollectImages] = [course.collect] if course.collect is not None else []
    says = []
    for verdict in course.verdicts:
        marked = disrupted(verdict.pod, BY_KUBELET, verdict.message, api_time(now))
        update = Update(object=marked, subresource="status")
        commands.append(update)
        says.append(
            Say(about=reference(verdict.pod), type="Warning", reason="Evicted", message=verdict.message, after=update, host=key)
        )
    if course.starved:
        about = core_v1.ObjectReference(kind="Node", name=key, uid=key)
        message = f"Attempting to reclaim {course.starved}"
        says.append(Say(about=about, type="Warning", reason="EvictionThresholdMet", message=message, host=key))
    return Decision(reason=course.reason, commands=tuple(commands), says=tuple(says))


def course_of(view: View, node: str, state: PressureState, now: Instant) -> Course:
    """What is to be done by the last observation."""
    observed = state.observed
    if not observed.node or now - observed.at_ns > FRESH_NS:
        return Course("what was observed last is too long ago")
    going = [pod for pod in view.pods_on(node) if marked_at(pod)]
    staying = [p for p in view.pods_on(node) if not marked_at(p) and not p.metadata.deletion_timestamp and _is_active(p)]
    images = _collection(node, state)
    over = [Verdict(pod, why) for pod in staying if (why := _excess(pod, observed)) and not is_critical(pod)]
    if over:
        return Course("pods take more disk than they may", tuple(over), images)
    starved = [one for one in acting(state, now) if SIGNALS[one.signal][1]]
    if not starved:
        waits = "it runs short, and may for a while" if observed.thresholds else "nothing is short"
        return Course("images take more room than they should" if images else waits, collect=images)
    worst = starved[0]
    resource = SIGNALS[worst.signal][1]
    last_ns = max((marked_at(pod) for pod in going), default=0)
    if any(_is_ending(view, pod, now) for pod in going) or last_ns // SECOND_NS >= observed.at_ns // SECOND_NS:
        return Course("what comes of the last that had to go is waited for", starved=resource)
    if resource in ON_DISK and state.collected_ns < max(state.since[worst.name], last_ns + SECOND_NS):
        return Course("images that nothing uses go first", collect=CollectImages(node=node), starved=resource)
    if resource in ON_DISK and state.collected_ns >= observed.at_ns:
        return Course("what came of the images is waited for", starved=resource)
    first = next((pod for pod in ranked(staying, resource, observed.pods) if not is_critical(pod)), None)
    if first is None:
        return Course("it runs short, and no pod can be taken its place", starved=resource)
    why = message(first, resource, worst, observed.pods.get(first.metadata.uid))
    return Course(f"it runs short of {resource}", (Verdict(first, why),), starved=resource)


def _collection(node: str, state: PressureState) -> CollectImages | None:
    """What to do about images that take more room than they should: once for each time that this is observed."""
    wanted = state.observed.image_bytes
    if not wanted or state.collected_ns >= state.observed.at_ns:
        return None
    return CollectImages(node=node, wanted_bytes=wanted, min_age_s=state.observed.image_age_s)


def marked_at(pod: core_v1.Pod) -> int:
    """When its node took its place (ns UTC); 0 if it did not."""
    held = find_condition(pod.status.conditions, DISRUPTION_TARGET)
    if held is None or held.status != "True" or held.reason != BY_KUBELET:
        return 0
    return parse_time(held.last_transition_time) or 1


def why_evicted(pod: core_v1.Pod) -> str:
    """Why its node took its place; "" if it did not."""
    held = find_condition(pod.status.conditions, DISRUPTION_TARGET)
    return held.message if held is not None and marked_at(pod) else ""


def _is_active(pod: core_v1.Pod) -> bool:
    return pod.status.phase not in TERMINAL


def _is_ending(view: View, pod: core_v1.Pod, now: Instant) -> bool:
    """Whether what it has is not free yet; nobody waits for ever for one that hangs."""
    return view.pod_runtime(pod.metadata.uid) is not None and now - marked_at(pod) < PATIENCE_NS


def _excess(pod: core_v1.Pod, observed: PressureObserved) -> str:
    use = observed.pods.get(pod.metadata.uid)
    return excess(pod, use) if use is not None else ""


def message(pod: core_v1.Pod, resource: str, threshold: ThresholdMet, use: PodUse | None) -> str:
    """As Kubernetes words it."""
    shown = quantity.in_bytes if resource in BYTES else quantity.canonical
    text = f"The node was low on resource: {resource}. "
    text += f"Threshold quantity: {shown(threshold.quantity)}, available: {shown(threshold.available)}. "
    if use is None or resource not in BYTES:
        return text
    used = use.memory if resource == "memory" else use.disk
    for container in pod.spec.containers:
        asked, amount = container.resources.requests.get(resource, 0), used.get(container.name)
        if amount is not None and amount > quantity.value(asked):
            has = f"was using {quantity.in_bytes(amount)}, request is {quantity.canonical(str(asked))}"
            text += f"Container {container.name} {has}, has larger consumption of {resource}. "
    return text


def tells(view: View, fact: Fact) -> Iterable[Say]:
    """That less room could be made than was wanted."""
    if isinstance(fact, ImagesCollected) and fact.freed_bytes < fact.wanted_bytes:
        about = core_v1.ObjectReference(kind="Node", name=fact.node, uid=fact.node)
        amounts = f"Attempted to free {fact.wanted_bytes} bytes, but only found {fact.freed_bytes} bytes eligible to free."
        message = f"Failed to garbage collect required amount of images. {amounts}"
        yield Say(about=about, type="Warning", reason="FreeDiskSpaceFailed", message=message, host=fact.node)


RECONCILER = Reconciler(
    name="eviction",
    actor="system:controller:kubelet",
    wakes=WAKES,
    decide=decide,
    tells=tells,
    component="kubelet",
    projections=(LIMITED,),
)
