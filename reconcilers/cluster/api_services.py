"""An APIService for each version of each group that this server answers for, as Kubernetes lists them beside those of others.

One that somebody made for a Service is his. Those of definitions go with their kinds. Where nobody serves the API, as in a
program that has a cluster for itself, there are none (ADR 66). Source: the autoregister controller of kube-aggregator, and the
priorities of kube-apiserver's aggregator.
"""

from collections.abc import Iterable, Iterator

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import AnyObjectCommand, Create, Delete
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apiregistration_v1 import APIService, APIServiceSpec
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.view import View
from shipslog.store.wording import counted

from .service_account import CA, SOURCE

KEY = "all"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
RESOURCE, ITSELF = "apiservices.apiregistration.k8s.io", "apiregistration.k8s.io"
MANAGED, AT_START, ALWAYS = "kube-aggregator.kubernetes.io/automanaged", "onstart", "true"
ANSWERED = (("authentication.k8s.io", "v1"), ("authorization.k8s.io", "v1"))  # and never stored; metrics.k8s.io is who wants it
OF_DEFINITIONS, OF_OTHERS = (1000, 100), (16_000, 9)  # priority of the group, and of the version in it
PRIORITIES = {
    "": 18_000,
    "apps": 17_800,
    "events.k8s.io": 17_750,
    "authentication.k8s.io": 17_700,
    "authorization.k8s.io": 17_600,
    "autoscaling": 17_500,
    "batch": 17_400,
    "certificates.k8s.io": 17_300,
    "networking.k8s.io": 17_200,
    "policy": 17_100,
    "rbac.authorization.k8s.io": 17_000,
    "storage.k8s.io": 16_800,
    "apiextensions.k8s.io": 16_700,
    "admissionregistration.k8s.io": 16_700,
    "scheduling.k8s.io": 16_600,
    "coordination.k8s.io": 16_500,
    "node.k8s.io": 16_300,
    "discovery.k8s.io": 16_200,
    "flowcontrol.apiserver.k8s.io": 16_100,
}
VERSIONS = {("", "v1"): 1, ("autoscaling", "v2"): 30, ("flowcontrol.apiserver.k8s.io", "v1"): 21}
STABLE, BETA, ALPHA = 15, 9, 1


def priority(group: str, version: str, *, defined: bool) -> tuple[int, int]:
    """(of the group, of the version)."""
    if defined:
        return OF_DEFINITIONS
    of_group = PRIORITIES.get(group)
    if of_group is None:
        return OF_OTHERS
    stage = ALPHA if "alpha" in version else BETA if "beta" in version else STABLE
    return of_group, VERSIONS.get((group, version), stage)


def wanted(view: View) -> Iterator[APIService]:
    """One for each version of each group, by their names."""
    found = dict.fromkeys(ANSWERED, False)
    for kind in view.scheme.served():
        if kind.group != ITSELF:
            defined = kind.definition is not None
            found[kind.group, kind.version] = found.get((kind.group, kind.version), True) and defined
    for (group, version), defined in sorted(found.items()):
        of_group, of_version = priority(group, version, defined=defined)
        yield APIService(
            metadata=ObjectMeta(name=f"{version}.{group}", labels={MANAGED: ALWAYS if defined else AT_START}),
            spec=APIServiceSpec(group=group, version=version, group_priority_minimum=of_group, version_priority=of_version),
        )


def is_served(view: View) -> bool:
    """Whether a server has told which authority signs for it."""
    published = view.get(core_v1.ConfigMap, CA, SOURCE)
    return published is not None and bool(published.data.get("ca.crt"))


def _of_authority(view: View, obj: core_v1.ConfigMap) -> Iterable[str]:
    return (KEY,) if (obj.metadata.name, obj.metadata.namespace) == (CA, SOURCE) else ()


def decide(view: View, key: str, *, now: Instant) -> Decision:
    """Make those that are missing, and let go of those whose kinds are gone."""
    if not is_served(view):
        return Decision(reason="nobody serves the API")
    there = {service.metadata.name: service for service in view.list(APIService)}
    named = {service.metadata.name: service for service in wanted(view)}
    made: list[AnyObjectCommand] = [Create(object=service) for name, service in named.items() if name not in there]
    gone = [
        Delete(resource=RESOURCE, name=name, uid=service.metadata.uid)
        for name, service in there.items()
        if name not in named and service.spec.service is None and service.metadata.labels.get(MANAGED) == ALWAYS
    ]
    if not made and not gone:
        return Decision(reason=f"{counted(len(named), 'version of a group is', 'versions of groups are')} listed")
    return Decision(
        reason=f"{counted(len(made), 'version is', 'versions are')} not listed, {counted(len(gone), 'is', 'are')} gone",
        commands=(*made, *gone),
    )


WAKES = (
    rule(always=(KEY,))
    .watches(APIService, DEFINITIONS, to=lambda view, obj: (KEY,))
    .watches(core_v1.ConfigMap, to=_of_authority)
)
RECONCILER = Reconciler(name="api-services", actor="system:controller:autoregister", wakes=WAKES, decide=decide, version=3)
