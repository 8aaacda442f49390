"""What a node does about the pods bound to it, about its Node object and about its probes. Pure, as all reconcilers.

Belongs here: deciding sandboxes, pulls, starts, kills, probes, and the status that a kubelet reports. Does not: carrying any
of it out (runtime/containers), running a probe (runtime/probing/probes.py).
"""

from .eviction.rule import RECONCILER as EVICTION
from .lifecycle import RECONCILER as PODS
from .node import RECONCILER as NODE
from .node_lease import RECONCILER as LEASES
from .probes import RECONCILER as PROBES
from .refresh import RECONCILER as VOLUMES

__all__ = ["EVICTION", "LEASES", "NODE", "PODS", "PROBES", "VOLUMES"]
