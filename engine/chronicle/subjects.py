"""What an event is about: the objects that it is of, that it decides on, or that it happened to.

Tests: tests/engine/chronicle/test_lines.py
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from shipslog.store.events import Event
from shipslog.store.facts import DecisionTaken, MetricsObserved, NodeFact, ObjectFact, VolumeFact
from shipslog.store.log.event_log import EventLog
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.refusals import BadRequest

LOOK_AROUND = 2_048  # events before and after a fact among which the name of its pod is looked for
POD_UIDS = 20_000  # whose names are remembered


class Subject(Struct, frozen=True):
    """An object by its names; without a resource: something that is none, a rule's own key."""

    resource: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """`pod default/web`, as people write it."""
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{singular(self.resource)} {where or '(unknown)'}" if self.resource else where


def singular(resource: str) -> str:
    """The kind of a resource, as people write it: "pods" is pod. One that we do not serve keeps its name."""
    return BUILTIN.by_resource(resource).singular if BUILTIN.knows(resource) else resource


# What the keys of a rule name, by the name that decisions carry. Of a rule that is not here its commands tell.
KEYS = {
    "replication-controller": "replicationcontrollers",
    "replica-set": "replicasets.apps",
    "deployment": "deployments.apps",
    "job": "jobs.batch",
    "daemon-set": "daemonsets.apps",
    "stateful-set": "statefulsets.apps",
    "cron-job": "cronjobs.batch",
    "endpoints": "services",
    "endpoint-slices": "services",
    "endpoint-slice-mirroring": "endpoints",
    "kubernetes-service": "services",
    "cluster-dns": "services",
    "service-account": "namespaces",
    "namespace": "namespaces",
    "token-secrets": "secrets",
    "node": "nodes",
    "probes": "nodes",
    "service-proxy": "nodes",
    "node-lifecycle": "nodes",
    "horizontal-pod-autoscaler": "horizontalpodautoscalers.autoscaling",
    "cluster-role-aggregation": "clusterroles.rbac.authorization.k8s.io",
    "token-cleaner": "secrets",
    "bootstrap-signer": "configmaps",
    "certificate-approver": "certificatesigningrequests.certificates.k8s.io",
    "certificate-cleaner": "certificatesigningrequests.certificates.k8s.io",
    "disruption": "poddisruptionbudgets.policy",
    "ephemeral-volume": "pods",
    "pvc-protection": "persistentvolumeclaims",
    "pv-protection": "persistentvolumes",
    "attach-detach": "persistentvolumes",
    "volume-reclaim": "persistentvolumes",
    "directory-provisioner": "persistentvolumeclaims",
}
POD_KEY = "pod/"  # the kubelet's keys: pod/UID
OF_OBJECT = re.compile(r"(?:Create|Update|Patch|Delete) ([^ /]+)(?:/[a-z]+)? (?:([^ /]+)/)?([^ /]+)")
OF_POD = re.compile(r"(?:Bind|Evict) ([^ /]+)/([^ /]+)")


def commanded(command: str) -> Subject | None:
    """The object that a recorded command names; None for one to a runtime."""
    if found := OF_OBJECT.match(command):
        return Subject(found[1], found[2] or "", found[3])
    if found := OF_POD.match(command):
        return Subject("pods", found[1], found[2])
    return None


def of_decision(fact: DecisionTaken) -> Subject:
    """What a rule looked at. Its namespace and name are "" where only a uid is known."""
    namespace, _, name = fact.key.rpartition("/")
    resource = KEYS.get(fact.reconciler, "")
    named = [subject for subject in map(commanded, fact.commands) if subject is not None]
    if fact.key.startswith(POD_KEY):
        return next((s for s in named if s.resource == "pods"), Subject("pods"))
    if not resource:
        same = [s for s in named if (s.namespace, s.name) == (namespace, name)]
        alone = [s for s in named[:1] if len(named) == len(fact.commands) == 1]  # a key that is a uid
        return (same or alone or [Subject("", namespace, name)])[0]
    return Subject(resource, namespace, name)


class Pods:
    """The names of pods by their uids, which is all that nodes report of them; learned from the events that pass."""

    def __init__(self, event_log: EventLog) -> None:
        self._log = event_log
        self._names: dict[str, Subject] = {}

    def learn(self, event: Event) -> None:
        """Remember what an event tells."""
        fact = event.fact
        if isinstance(fact, ObjectFact) and fact.resource == "pods":
            self._put(fact.uid, Subject("pods", fact.namespace, fact.name))
        elif isinstance(fact, DecisionTaken) and fact.key.startswith(POD_KEY):
            found = of_decision(fact)
            if found.name:
                self._put(fact.key.removeprefix(POD_KEY), found)

    def _put(self, uid: str, pod: Subject) -> None:
        self._names.pop(uid, None)
        self._names[uid] = pod
        if len(self._names) > POD_UIDS:
            del self._names[next(iter(self._names))]

    async def named(self, uid: str, revision: int) -> Subject:
        """The pod of a uid that an event speaks of; without a name where nothing near it tells one."""
        if uid not in self._names:
            await self._look(uid, revision, revision + LOOK_AROUND)
        if uid not in self._names:
            await self._look(uid, max(revision - LOOK_AROUND, 0), revision)
        if uid not in self._names:
            self._put(uid, Subject("pods"))
        return self._names[uid]

    async def _look(self, uid: str, after: int, until: int) -> None:
        async for events in self._log.read(after, until):
            for event in events:
                self.learn(event)
                if uid in self._names:
                    return


def pod_uid(event: Event) -> str:
    """The uid of the pod that an event speaks of without its name; "" for others."""
    fact = event.fact
    if isinstance(fact, DecisionTaken):
        return fact.key.removeprefix(POD_KEY) if fact.key.startswith(POD_KEY) else ""
    return str(getattr(fact, "pod_uid", ""))


async def subject_of(event: Event, pods: Pods) -> Subject:
    """What an event is about before all else."""
    fact = event.fact
    pods.learn(event)
    if isinstance(fact, ObjectFact):
        return Subject(fact.resource, fact.namespace, fact.name)
    if uid := pod_uid(event):
        return await pods.named(uid, event.revision)
    if isinstance(fact, DecisionTaken):
        return of_decision(fact)
    if isinstance(fact, MetricsObserved):
        return Subject("horizontalpodautoscalers.autoscaling", fact.namespace, fact.name)
    if isinstance(fact, VolumeFact):
        return Subject("persistentvolumes", "", fact.volume)
    if isinstance(fact, NodeFact):
        return Subject("nodes", "", fact.node)
    return Subject()


def others(event: Event) -> Iterator[Subject]:
    """What else an event is about: the objects that its commands name, the node that reported it."""
    fact = event.fact
    if isinstance(fact, DecisionTaken):
        yield from filter(None, map(commanded, fact.commands))
    elif isinstance(fact, NodeFact):
        yield Subject("nodes", "", fact.node)


def grouped(commands: Sequence[str]) -> str:
    """Commands in one line, those that are alike counted: `Create pods default/web- (3)`."""
    counts: dict[str, int] = {}
    for command in commands:
        counts[command] = counts.get(command, 0) + 1
    return ", ".join(f"{command} ({count})" if count > 1 else command for command, count in counts.items())


async def resource_of(event_log: EventLog, kind: str) -> str:
    """The resource that a person means: `pod`, `po`, `pods`, or one that only the log knows. Errors: BadRequest."""
    try:
        return BUILTIN.named(kind).resource
    except ValueError as error:
        wanted, known = kind.lower(), set[str]()
        async for names in event_log.objects():
            known |= {name[0] for name in names}
        for resource in sorted(known):
            plural = resource.partition(".")[0]
            if wanted in (resource, plural) or f"{wanted}s" == plural:
                return resource
        raise BadRequest(str(error)) from error
