"""The kinds that every cluster has. Their Structs are generated (generate.py); their rules are the engine's (`kinds/`)."""

from . import coordination_v1, core_v1, discovery_v1, policy_v1, scheduling_v1
from .scheme import VERBS, Scheme, kind_of

ALL = ("all",)

BUILTIN = Scheme(
    (
        kind_of("bindings", core_v1.Binding, verbs=("create",)),
        kind_of("configmaps", core_v1.ConfigMap, short_names=("cm",)),
        kind_of("endpoints", core_v1.Endpoints, short_names=("ep",)),
        kind_of("events", core_v1.Event, short_names=("ev",)),
        kind_of(
            "namespaces",
            core_v1.Namespace,
            short_names=("ns",),
            namespaced=False,
            subresources=("finalize", "status"),
            verbs=tuple(v for v in VERBS if v != "deletecollection"),
        ),
        kind_of("nodes", core_v1.Node, short_names=("no",), namespaced=False, subresources=("status",)),
        kind_of(
            "pods",
            core_v1.Pod,
            short_names=("po",),
            categories=ALL,
            subresources=(
                "attach",
                "binding",
                "ephemeralcontainers",
                "eviction",
                "exec",
                "log",
                "portforward",
                "status",
            ),
        ),
        kind_of("podtemplates", core_v1.PodTemplate),
        kind_of(
            "replicationcontrollers",
            core_v1.ReplicationController,
            short_names=("rc",),
            categories=ALL,
            subresources=("scale", "status"),
        ),
        kind_of("secrets", core_v1.Secret),
        kind_of("serviceaccounts", core_v1.ServiceAccount, short_names=("sa",), subresources=("token",)),
        kind_of("services", core_v1.Service, short_names=("svc",), categories=ALL, subresources=("status",)),
        kind_of("leases", coordination_v1.Lease, group="coordination.k8s.io"),
        kind_of("endpointslices", discovery_v1.EndpointSlice, group="discovery.k8s.io"),
        kind_of(
            "poddisruptionbudgets",
            policy_v1.PodDisruptionBudget,
            group="policy",
            short_names=("pdb",),
            subresources=("status",),
        ),
        kind_of(
            "priorityclasses", scheduling_v1.PriorityClass, group="scheduling.k8s.io", short_names=("pc",), namespaced=False
        ),
    )
)
