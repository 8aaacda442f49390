"""Make a golden log with the code as it is now: small, under one seed, with a bit of everything that a log can hold.

    python -m tests.goldens.make format-1
    python -m tests.goldens.make format-2-workloads workloads

    python -m tests.goldens.make format-2-versions workloads
    python -m tests.goldens.make format-2-conformance workloads

It is made once for each released format, and once more when most rules decide in a later version than in the logs that are
there; never again under the same name: what matters is that it is old.
"""

import asyncio
import gzip
import sys
from pathlib import Path

from shipslog.engine.cluster import MASTERS, Cluster
from shipslog.engine.past.views import view_at
from shipslog.engine.state import snapshots
from shipslog.engine.testing.simulation.virtual_time import VirtualClock, VirtualLoop, run
from shipslog.engine.time.clock import Entropy
from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.rule.decision import blind_to
from shipslog.runtime.containers.simulated import EXIT_CODE, RUNS_FOR, SimulatedNode
from shipslog.store.commands import Create, Evict, Patch
from shipslog.store.events import Event, Origin
from shipslog.store.log.memory import MemoryLog
from shipslog.store.log.retention import EPHEMERAL
from shipslog.store.log.sqlite import SqliteLog
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.patch import MERGE_PATCH, STRATEGIC_PATCH
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import DaemonSet, StatefulSet
from shipslog.store.objects.types.batch_v1 import CronJob
from shipslog.store.objects.types.networking_v1 import NetworkPolicy
from tests.e2e.guestbook import IN_ORDER

LOGS = Path(__file__).parent / "logs"
NOTED = core_v1.ConfigMap(metadata=meta_v1.ObjectMeta(name="noted", namespace="default"))
HEARTBEATS_S = 1_500.0  # so long the cluster only beats: what may be forgotten


def pod(name: str, namespace: str = "default", image: str = "app", labels: dict[str, str] | None = None) -> dict[str, object]:
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 5}
    container = {
        "name": "app",
        "image": image,
        "readinessProbe": probe,
        "livenessProbe": probe,
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
        "env": [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}}],
        "volumeMounts": [{"name": "settings", "mountPath": "/settings"}, {"name": "secret", "mountPath": "/secret"}],
        "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    }
    volumes = [
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "secret", "secret": {"secretName": "key"}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    ]
    spec = {"containers": [container], "volumes": volumes, "hostname": name, "subdomain": "sub", "restartPolicy": "OnFailure"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "spec": spec,
    }


class SteppedBack(VirtualClock):
    """A clock that somebody puts back."""

    by_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() - self.by_ns


async def lives(disk: MemoryLog, loop: VirtualLoop) -> None:
    """Two engines on one log: the guestbook, pods that fail, pods and a namespace that go, an hour's heartbeats."""
    clock, entropy = SteppedBack(loop), Entropy(1)
    nodes = [SimulatedNode(f"n{i}", now_ns=clock.now_ns, number=i) for i in range(2)]
    async with Cluster.open(event_log=Kept(disk), runtime=nodes, clock=clock, entropy=entropy) as cluster:  # type: ignore[arg-type]
        alice, bob = cluster.as_user("alice", MASTERS), cluster.as_user("bob", MASTERS)
        await alice.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
        for namespace in ("default", "other"):
            meta = {"namespace": namespace}
            data = {"colour": "blue"}
            await alice.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**meta, "name": "settings"}, "data": data})
            await cluster.apply(
                {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": "key"}, "stringData": {"k": "not secret"}}
            )
        for manifest in IN_ORDER:
            await alice.apply(manifest)
        await cluster.apply(pod("whole", labels={"name": "frontend"}))
        await cluster.apply(pod("fails", labels={EXIT_CODE: "3", RUNS_FOR: "2"}))
        await cluster.apply(pod("no-image", image="missing"))
        await cluster.apply(pod("elsewhere", "other"))
        await asyncio.sleep(40)
        await bob.apply({**IN_ORDER[2], "spec": {**IN_ORDER[2]["spec"], "replicas": 1}})
        await cluster.submit(Create(object=NOTED), origin=Origin(verb="create", user_agent="make/1", address="127.0.0.1"))
        await cluster.delete(core_v1.Pod, "whole")
        await cluster.delete(core_v1.Namespace, "other", "")
        await asyncio.sleep(60)
        await cluster.delete(core_v1.Pod, "fails")
        await cluster.delete(core_v1.Pod, "no-image")
        await asyncio.sleep(HEARTBEATS_S)
    async with Cluster.open(event_log=Kept(disk), runtime=nodes, clock=clock, entropy=entropy) as cluster:  # type: ignore[arg-type]
        await asyncio.sleep(30)
        clock.by_ns = 60_000_000_000
        await asyncio.sleep(30)
        await cluster.delete(core_v1.ReplicationController, "frontend", propagation="Foreground")
        await asyncio.sleep(40)


WORKLOADS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, sim.shipslog/cpu: 300m, sim.shipslog/memory: 20Mi}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: IMAGE, ports: [{containerPort: 80}], resources: {requests: {cpu: 200m}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 100}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}], sessionAffinity: ClientIP}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 80}]}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: agent}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  completions: 3
  parallelism: 2
  ttlSecondsAfterFinished: 60
  template:
    metadata: {labels: {app: once, sim.shipslog/exit-code: "0", sim.shipslog/runs-for-s: "3"}}
    spec: {restartPolicy: Never, containers: [{name: once, image: once}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {sim.shipslog/exit-code: "1", sim.shipslog/runs-for-s: "2"}}
        spec: {restartPolicy: OnFailure, containers: [{name: often, image: often}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota}
spec: {hard: {pods: "30", requests.cpu: "4"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: limits}
spec: {limits: [{type: Container, defaultRequest: {cpu: 10m}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: default}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: ships, singular: ship, kind: Ship}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""


async def workloads(disk: MemoryLog, loop: VirtualLoop) -> None:
    """Two engines on one log: what every controller keeps, grown, rolled, evicted and taken away; a machine that reboots."""
    clock, entropy = SteppedBack(loop), Entropy(2)
    nodes = [SimulatedNode(f"n{i}", now_ns=clock.now_ns, number=i) for i in range(2)]
    async with Cluster.open(event_log=Kept(disk), runtime=nodes, clock=clock, entropy=entropy) as cluster:  # type: ignore[arg-type]
        alice = cluster.as_user("alice", MASTERS)
        for manifest in WORKLOADS.replace("IMAGE", "web:1").split("---\n"):
            await alice.apply(manifest)
        await asyncio.sleep(20)
        await cluster.apply("{apiVersion: example.com/v1, kind: Ship, metadata: {name: one}, spec: {masts: 3}}")
        await cluster.apply(WORKLOADS.replace("IMAGE", "web:2").split("---\n")[0])
        await asyncio.sleep(90)
        first, web, *_ = (pod for pod in cluster.list(core_v1.Pod) if pod.metadata.labels.get("app") == "web")
        await cluster.submit(Evict(namespace="default", name=first.metadata.name))
        body = b'{"spec":{"containers":[{"name":"web","resources":{"requests":{"cpu":"150m"}}}]}}'
        resize = Patch(
            resource="pods",
            namespace="default",
            name=web.metadata.name,
            subresource="resize",
            media_type=STRATEGIC_PATCH,
            body=body,
        )
        await cluster.submit(resize)
        await asyncio.sleep(30)
        scale = Patch(
            resource="statefulsets.apps",
            namespace="default",
            name="db",
            media_type=MERGE_PATCH,
            body=b'{"spec":{"replicas":1}}',
        )
        await cluster.submit(scale)
        nodes[0].reboot(cluster.view.pods_running_on("n0"))
        await asyncio.sleep(200)
    async with Cluster.open(event_log=Kept(disk), runtime=nodes, clock=clock, entropy=entropy) as cluster:  # type: ignore[arg-type]
        await asyncio.sleep(30)
        for kind, name in ((CronJob, "often"), (StatefulSet, "db"), (DaemonSet, "agent"), (NetworkPolicy, "web")):
            await cluster.delete(kind, name, propagation="Foreground")
        await asyncio.sleep(60)


STORIES = {"lives": lives, "workloads": workloads}


class Kept:
    """A log that outlives the cluster on it."""

    def __init__(self, disk: MemoryLog) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> object:
        return getattr(self._disk, name)

    async def close(self) -> None: ...


async def keep(events: list[Event], path: Path) -> None:
    """The same history as a file: a batch a moment, a snapshot at two thirds, heartbeats let go of."""
    async with await SqliteLog.open(path) as log:
        batch: list[Event] = []
        for event in events:
            if batch and event.time_ns != batch[0].time_ns:
                await log.append(batch, expected_revision=log.revision)
                batch = []
            batch.append(event)
        await log.append(batch, expected_revision=log.revision)
        await log.save_snapshot(snapshots.take(await view_at(log, log.revision * 2 // 3)))
        blind = blind_to(ALL, [BUILTIN.by_resource(resource) for resource in EPHEMERAL])
        gone = await log.forget(events[-1].time_ns, blind=blind)
        print(f"{path}: {log.revision} events, {gone} of them let go of")


async def read(disk: MemoryLog) -> list[Event]:
    return [event async for batch in disk.read() for event in batch]


def main(name: str, story: str = "lives") -> None:
    path = LOGS / f"{name}.db"
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        raise SystemExit(f"{packed} is there: a golden log is made once")
    loop, disk = VirtualLoop(), MemoryLog()
    run(STORIES[story](disk, loop), loop)
    asyncio.run(keep(asyncio.run(read(disk)), path))
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    for beside in ("-lock", "-reserve"):
        path.with_name(path.name + beside).unlink()
    path.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
