"""The rules of storage.

Tests: tests/reconcilers/rule/test_wakes.py, tests/reconcilers/test_roster.py
"""

from shipslog.reconcilers.rule.dormant import Dormant, Rule, every

from . import csi_nodes, ephemeral, node_volumes, reclaim

CLAIMS = {"persistentvolumeclaims": every}
VOLUMES = {"persistentvolumes": every}
ATTACHMENTS = {"volumeattachments.storage.k8s.io": every}
CLASSES = {"volumeattributesclasses.storage.k8s.io": every}

RULES: tuple[Rule, ...] = (
    Dormant("persistent-volume-binder", "storage.binder:RECONCILER", CLAIMS | VOLUMES),
    Dormant("directory-provisioner", "storage.directories:RECONCILER", CLAIMS),
    Dormant("volume-expansion", "storage.expansion:RECONCILER", CLAIMS),
    ephemeral.RECONCILER,
    Dormant("attach-detach", "storage.attachments:RECONCILER", VOLUMES | ATTACHMENTS),
    node_volumes.RECONCILER,
    csi_nodes.RECONCILER,
    reclaim.RECONCILER,
    Dormant("pvc-protection", "storage.protection:CLAIMS", CLAIMS),
    Dormant("pv-protection", "storage.protection:VOLUMES", VOLUMES),
    Dormant("vac-protection", "storage.protection:CLASSES", CLASSES),
)
