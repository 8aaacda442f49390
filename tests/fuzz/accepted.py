"""One object of each kind that the server takes, by the kind's key: rounds begin with them, so that changes meet something."""

from typing import Any

LABELS = {"app": "x"}
POD: dict[str, Any] = {
    "containers": [
        {
            "name": "a",
            "image": "b",
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}],
            "ports": [{"containerPort": 80, "name": "http"}],
            "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
            "livenessProbe": {"httpGet": {"path": "/", "port": "http", "httpHeaders": [{"name": "A", "value": "b"}]}},
            "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "s"}],
        }
    ],
    "volumes": [
        {"name": "v", "emptyDir": {"sizeLimit": "1Mi"}},
        {
            "name": "w",
            "projected": {
                "sources": [
                    {"configMap": {"name": "x", "items": [{"key": "a", "path": "b"}]}},
                ]
            },
        },
    ],
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "k", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}},
            ]
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "k",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": LABELS},
        }
    ],
}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}

# in the order in which they are made
ACCEPTED: dict[str, dict[str, Any]] = {
    "serviceaccounts": {"metadata": {"name": "default"}},
    "configmaps": {"data": {"a": "b", "c": "d"}, "binaryData": {"e": "eA=="}},
    "secrets": {"type": "Opaque", "stringData": {"a": "b"}, "data": {"e": "eA=="}},
    "namespaces": {},
    "nodes": {"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}},
    "priorityclasses.scheduling.k8s.io": {"value": 5},
    "pods": {"spec": POD},
    "podtemplates": {"template": TEMPLATE},
    "replicationcontrollers": {"spec": {"replicas": 1, "selector": LABELS, "template": TEMPLATE}},
    "services": {"spec": {"selector": LABELS, "ports": [{"name": "a", "port": 80, "targetPort": "http", "protocol": "TCP"}]}},
    "endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}]},
    "endpointslices.discovery.k8s.io": {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"port": 1}],
    },
    "poddisruptionbudgets.policy": {"spec": {"minAvailable": "50%", "selector": {"matchLabels": LABELS}}},
    "leases.coordination.k8s.io": {
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 5,
            "renewTime": "2027-01-15T07:55:00.000000Z",
        }
    },
    "events": {
        "involvedObject": {"kind": "Pod", "name": "x", "namespace": "default"},
        "reason": "A",
        "message": "b",
        "type": "Normal",
        "firstTimestamp": "2027-01-15T07:55:00Z",
        "count": 1,
    },
}
