"""Nothing acknowledged is lost: every object is as its client was told, or as one of the calls that were cut off may have
left it; and of the increments that clients made under each other's feet none is missing.

Tests: tests/engine/testing/simulation/checkers/test_checkers.py
"""

from typing import Any

from shipslog.engine.cluster import Cluster
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.apps_v1 import Deployment

from ..ledger import Ledger
from .broken_promise import require


def check(cluster: Cluster, ledger: Ledger) -> None:
    for (resource, namespace, name), held in ledger.objects.items():
        entry = cluster.view.entry(resource, name, namespace)
        value = value_of(entry.object) if entry is not None else None
        require(value in held.possible, __name__, f"{resource} {name} is {value}, may be {held.possible}")


def check_counters(cluster: Cluster, ledger: Ledger) -> None:
    """At any moment at which nobody is counting."""
    for name, count in ledger.counters.items():
        counter = cluster.view.get(core_v1.ConfigMap, name, "default")
        found = int(counter.data["n"]) if counter is not None else 0
        most = count.acknowledged + count.uncertain
        wanted = f"{count.acknowledged} to {most}"
        require(count.acknowledged <= found <= most, __name__, f"{name} counts {found}, and is to count {wanted}")


def value_of(obj: Any) -> Any:
    """What the ledger remembers of an object."""
    match obj:
        case core_v1.ConfigMap():
            return obj.data["v"]
        case core_v1.ReplicationController():
            return obj.spec.replicas
        case Deployment():
            return obj.spec.replicas, obj.spec.template.spec.containers[0].image
    return True
