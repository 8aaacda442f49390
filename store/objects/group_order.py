"""The order of the groups and versions of the API, as discovery tells of them: clients take the first that fits.

Source: the priorities in controlplane/apiserver of Kubernetes, with those of extensions from 1.15.

Tests: tests/engine/api/test_older.py
"""

# Of a group: the higher goes first; those of one number go by name.
GROUPS = {
    "": 18_000,
    "apiregistration.k8s.io": 17_900,
    "apps": 17_800,
    "events.k8s.io": 17_750,
    "authentication.k8s.io": 17_700,
    "authorization.k8s.io": 17_600,
    "autoscaling": 17_500,
    "batch": 17_400,
    "certificates.k8s.io": 17_300,
    "networking.k8s.io": 17_200,
    "extensions": 17_150,
    "policy": 17_100,
    "rbac.authorization.k8s.io": 17_000,
    "storage.k8s.io": 16_800,
    "admissionregistration.k8s.io": 16_700,
    "apiextensions.k8s.io": 16_700,
    "scheduling.k8s.io": 16_600,
    "coordination.k8s.io": 16_500,
    "node.k8s.io": 16_300,
    "discovery.k8s.io": 16_200,
    "flowcontrol.apiserver.k8s.io": 16_100,
    "resource.k8s.io": 15_900,
    "storagemigration.k8s.io": 15_800,
    "metrics.k8s.io": 100,
}
DEFINED = 1_000  # of a group that definitions of kinds make


def rank(group: str) -> tuple[int, str]:
    """By which groups are sorted."""
    return -GROUPS.get(group, DEFINED), group
