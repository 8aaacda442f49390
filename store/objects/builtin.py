"""The kinds that every cluster has. Their Structs are generated (generate.py); their rules are the engine's (`kinds/`)."""

from collections.abc import Iterator

from .scheme import VERBS, Kind, Scheme, kind_of

# A line with a group and the module of its types; below it, for each kind: plural, type, whether it lives in a namespace (N) or
# in the cluster (C), short names, categories, subresources.
TABLE = """
core core_v1
  bindings                  Binding                  N  -       -    -
  configmaps                ConfigMap                N  cm      -    -
  endpoints                 Endpoints                N  ep      -    -
  events                    Event                    N  ev      -    -
  namespaces                Namespace                C  ns      -    finalize,status
  nodes                     Node                     C  no      -    status
  pods                      Pod                      N  po      all  attach,binding,ephemeralcontainers,eviction,exec,log,\
portforward,status
  podtemplates              PodTemplate              N  -       -    -
  replicationcontrollers    ReplicationController    N  rc      all  scale,status
  secrets                   Secret                   N  -       -    -
  serviceaccounts           ServiceAccount           N  sa      -    token
  services                  Service                  N  svc     all  status
coordination.k8s.io coordination_v1
  leases                    Lease                    N  -       -    -
discovery.k8s.io discovery_v1
  endpointslices            EndpointSlice            N  -       -    -
policy policy_v1
  poddisruptionbudgets      PodDisruptionBudget      N  pdb     -    status
scheduling.k8s.io scheduling_v1
  priorityclasses           PriorityClass            C  pc      -    -
"""
# What not every kind can do.
FEWER_VERBS = {
    "bindings": ("create",),
    "componentstatuses": ("get", "list"),
    "namespaces": tuple(verb for verb in VERBS if verb != "deletecollection"),
}


def kinds_of(table: str) -> Iterator[Kind]:
    """The kinds of a table, in its order."""
    group = module = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            group, module = line.split()
            continue
        plural, name, scope, *lists = line.split()
        short, categories, subresources = (tuple(text.split(",")) if text != "-" else () for text in lists)
        yield kind_of(
            plural,
            f"{module}:{name}",
            group="" if group == "core" else group,
            version=module.rpartition("_")[2],
            namespaced=scope == "N",
            short_names=short,
            categories=categories,
            subresources=subresources,
            verbs=FEWER_VERBS.get(plural, VERBS),
        )


BUILTIN = Scheme(kinds_of(TABLE))
