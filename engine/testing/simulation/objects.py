"""What clients make: small objects with everything in them that can go wrong.

Tests: tests/engine/testing/simulation/test_simulation.py
"""

import random

from msgspec.structs import replace

from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apps_v1 import Deployment, DeploymentSpec, DeploymentStrategy
from shipslog.store.objects.types.networking_v1 import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyEgressRule,
    NetworkPolicyIngressRule,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
)
from shipslog.store.objects.types.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetSpec

ALWAYS_WELL = core_v1.ExecAction(command=("true",))  # probes end as the world says, not as a process does


def meta(name: str, namespace: str) -> meta_v1.ObjectMeta:
    return meta_v1.ObjectMeta(name=name, namespace=namespace)


def config_map(name: str, namespace: str, value: str) -> core_v1.ConfigMap:
    return core_v1.ConfigMap(metadata=meta(name, namespace), data={"v": value})


def template(name: str, image: str, *, probed: bool) -> core_v1.PodTemplateSpec:
    """Pods with the label `app` = name."""
    probe = core_v1.Probe(exec=ALWAYS_WELL) if probed else None
    container = core_v1.Container(
        name="c",
        image=image,
        ports=(core_v1.ContainerPort(name="web", container_port=80),),
        liveness_probe=probe,
        readiness_probe=probe,
    )
    return core_v1.PodTemplateSpec(
        metadata=meta_v1.ObjectMeta(labels={"app": name}),
        spec=core_v1.PodSpec(containers=(container,), termination_grace_period_seconds=1),
    )


def rc(name: str, namespace: str, replicas: int, *, probed: bool) -> core_v1.ReplicationController:
    pods = template(name, "img", probed=probed)
    spec = core_v1.ReplicationControllerSpec(replicas=replicas, selector={"app": name}, template=pods)
    return core_v1.ReplicationController(metadata=meta(name, namespace), spec=spec)


def deployment(name: str, namespace: str, replicas: int, image: str, *, probed: bool, strategy: str) -> Deployment:
    spec = DeploymentSpec(
        replicas=replicas, selector=meta_v1.LabelSelector(match_labels={"app": name}),
        template=template(name, image, probed=probed), strategy=DeploymentStrategy(type=strategy), revision_history_limit=2,
    )  # fmt: skip
    return Deployment(metadata=meta(name, namespace), spec=spec)


def large(name: str, namespace: str, *, urgent: bool) -> core_v1.Pod:
    """A pod of which a node has room for one."""
    pods = template(name, "img", probed=False)
    asks = core_v1.ResourceRequirements(requests={"cpu": "5"})
    containers = tuple(replace(container, resources=asks) for container in pods.spec.containers)
    spec = replace(pods.spec, containers=containers, priority_class_name="system-cluster-critical" if urgent else "")
    return core_v1.Pod(metadata=replace(meta(name, namespace), labels={"app": name}), spec=spec)


def service(name: str, namespace: str) -> core_v1.Service:
    spec = core_v1.ServiceSpec(selector={"app": name}, ports=(core_v1.ServicePort(port=80),))
    return core_v1.Service(metadata=meta(name, namespace), spec=spec)


def budget(name: str, namespace: str, least: int) -> PodDisruptionBudget:
    spec = PodDisruptionBudgetSpec(min_available=least, selector=meta_v1.LabelSelector(match_labels={"app": name}))
    return PodDisruptionBudget(metadata=meta(name, namespace), spec=spec)


APPS = ("rc-0", "rc-1", "rc-2", "web-0", "web-1", "web", "rc")


def network_policy(name: str, namespace: str, rng: random.Random) -> NetworkPolicy:
    """About some pods or all, with some peers and ports of every sort."""
    sides = tuple(_peer(rng) for _ in range(rng.randrange(3)))
    ports = tuple(rng.sample(PORTS, rng.randrange(3)))
    ingress = (NetworkPolicyIngressRule(from_=sides, ports=ports),) if rng.random() < 0.7 else ()
    egress = (NetworkPolicyEgressRule(to=sides, ports=ports),) if rng.random() < 0.5 else ()
    types = rng.choice(((), ("Ingress",), ("Egress",), ("Ingress", "Egress")))
    spec = NetworkPolicySpec(pod_selector=_chosen(rng), ingress=ingress, egress=egress, policy_types=types)
    return NetworkPolicy(metadata=meta(name, namespace), spec=spec)


PORTS = (
    NetworkPolicyPort(port=80),
    NetworkPolicyPort(port=70, end_port=80),
    NetworkPolicyPort(protocol="UDP"),
    NetworkPolicyPort(port="web"),
)


def _chosen(rng: random.Random) -> meta_v1.LabelSelector:
    if rng.random() < 0.2:
        return meta_v1.LabelSelector()
    few = tuple(sorted(rng.sample(APPS, 2)))
    wanted = meta_v1.LabelSelectorRequirement(key="app", operator=rng.choice(("In", "NotIn")), values=few)
    return rng.choice((meta_v1.LabelSelector(match_labels={"app": few[0]}), meta_v1.LabelSelector(match_expressions=(wanted,))))


def _peer(rng: random.Random) -> NetworkPolicyPeer:
    spaces = meta_v1.LabelSelector(match_labels={"kubernetes.io/metadata.name": f"team-{rng.randrange(3)}"})
    match rng.randrange(4):
        case 0:
            return NetworkPolicyPeer(ip_block=IPBlock(cidr="10.0.0.0/8", except_=("10.244.1.0/24",)))
        case 1:
            return NetworkPolicyPeer(namespace_selector=spaces)
        case 2:
            return NetworkPolicyPeer(namespace_selector=spaces, pod_selector=_chosen(rng))
    return NetworkPolicyPeer(pod_selector=_chosen(rng))
