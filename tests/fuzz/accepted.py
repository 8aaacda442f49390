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

WEBHOOK: dict[str, Any] = {
    "name": "a.b.example",
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "failurePolicy": "Ignore",
    "clientConfig": {"service": {"name": "x", "namespace": "default"}},
    "rules": [{"operations": ["CREATE"], "apiGroups": ["a.example"], "apiVersions": ["*"], "resources": ["*/*"]}],
}
REQUEST = (
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHTE1EOENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQXFNQVVHQXl0"
    "bGNBTWhBTE9ERHd0ZXBGMjdyY1JGQXdUUApVZjZuWXNpSldmbkluQUU1NnM0RnVSd1BvQUF3QlFZREsyVndBMEVBRzFIMkE5ZnVn"
    "Yy9WYWNydHpNdGFiS016CnMrNE5tdFAzaWxUTExOR0JDZyt3dkFxa0M0dG82TXpQcUJ0bFlxaDkwUnBIdXJtZDJhUmROSVhRRzRO"
    "cEJRPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg=="
)

CERTIFICATE = (
    "-----BEGIN CERTIFICATE-----\n"
    "MIHFMHmgAwIBAgIBBzAFBgMrZXAwDDEKMAgGA1UEAwwBeDAgFw0yNjAxMDEwMDAw\n"
    "MDBaGA8yMTI1MTIwODAwMDAwMFowDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMhAB5g\n"
    "0zv6sg75x/CxBnWi/jrRrRBwQENaP6EGJO634TmTMAUGAytlcANBAJKY6f0OzibD\n"
    "P2QAE5t3TEmMpp+uZmWvJpLrL3yQjWBCqXwgIflbjbJQXTocP4ux1mcg9J2IS9M3\n"
    "XrLz2/Hpww4=\n"
    "-----END CERTIFICATE-----\n"
)

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
    "deployments.apps": {"spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
    "replicasets.apps": {"spec": {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
    "daemonsets.apps": {"spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
    "statefulsets.apps": {
        "spec": {
            "selector": {"matchLabels": LABELS},
            "serviceName": "x",
            "template": TEMPLATE,
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "c"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                },
            ],
        }
    },
    "controllerrevisions.apps": {"revision": 1, "data": {"spec": {"a": ["b"]}}},
    "jobs.batch": {
        "spec": {"completions": 2, "template": {"metadata": {"labels": LABELS}, "spec": {**POD, "restartPolicy": "Never"}}}
    },
    "cronjobs.batch": {
        "spec": {
            "schedule": "*/5 1-3 * jan MON",
            "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "OnFailure"}}}},
        }
    },
    "horizontalpodautoscalers.autoscaling": {
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                }
            ],
        }
    },
    "ingressclasses.networking.k8s.io": {"spec": {"controller": "a.example/b", "parameters": {"kind": "K", "name": "n"}}},
    "ingresses.networking.k8s.io": {
        "spec": {
            "rules": [
                {
                    "host": "*.a.example",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "x", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
            "tls": [{"hosts": ["b.example"], "secretName": "x"}],
        }
    },
    "networkpolicies.networking.k8s.io": {
        "spec": {
            "podSelector": {},
            "ingress": [{"ports": [{"port": 80, "endPort": 90}], "from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        }
    },
    "persistentvolumes": {
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    },
    "persistentvolumeclaims": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    "limitranges": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1m"}}]}},
    "resourcequotas": {"spec": {"hard": {"pods": "100", "requests.cpu": "50"}}},
    "roles.rbac.authorization.k8s.io": {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
    "clusterroles.rbac.authorization.k8s.io": {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]},
    "rolebindings.rbac.authorization.k8s.io": {
        "roleRef": {"kind": "Role", "name": "x"},
        "subjects": [{"kind": "User", "name": "a"}, {"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
    },
    "clusterrolebindings.rbac.authorization.k8s.io": {
        "roleRef": {"kind": "ClusterRole", "name": "x"},
        "subjects": [{"kind": "Group", "name": "a"}],
    },
    "runtimeclasses.node.k8s.io": {"handler": "x", "overhead": {"podFixed": {"cpu": "1m"}}},
    "storageclasses.storage.k8s.io": {"provisioner": "a.example/b", "parameters": {"a": "b"}},
    "csidrivers.storage.k8s.io": {"spec": {"tokenRequests": [{"audience": "a"}]}},
    "csinodes.storage.k8s.io": {"spec": {"drivers": [{"name": "a.example", "nodeID": "n", "topologyKeys": ["k"]}]}},
    "csistoragecapacities.storage.k8s.io": {"storageClassName": "x", "capacity": "1Gi"},
    "volumeattachments.storage.k8s.io": {
        "spec": {"attacher": "a.example", "nodeName": "n", "source": {"persistentVolumeName": "x"}}
    },
    "volumeattributesclasses.storage.k8s.io": {"driverName": "a.example", "parameters": {"a": "b"}},
    "validatingwebhookconfigurations.admissionregistration.k8s.io": {"webhooks": [WEBHOOK]},
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": {"webhooks": [WEBHOOK]},
    "certificatesigningrequests.certificates.k8s.io": {
        "spec": {"request": REQUEST, "signerName": "a.example/b", "usages": ["client auth"]}
    },
    "storageversionmigrations.storagemigration.k8s.io": {"spec": {"resource": {"group": "apps", "resource": "deployments"}}},
    "clustertrustbundles.certificates.k8s.io": {"spec": {"trustBundle": CERTIFICATE}},
    "customresourcedefinitions.apiextensions.k8s.io": {
        "metadata": {"name": "things.a.example"},
        "spec": {
            "group": "a.example",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    },
    "validatingadmissionpolicies.admissionregistration.k8s.io": {
        "spec": {
            "matchConstraints": {
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
            },
            "validations": [{"expression": "object.metadata.name != 'never'", "message": "m"}],
        }
    },
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": {
        "spec": {"policyName": "x", "validationActions": ["Warn"]}
    },
    "mutatingadmissionpolicies.admissionregistration.k8s.io": {
        "spec": {
            "matchConstraints": {
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
            },
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": "Object{metadata: Object.metadata{labels: {'a': 'b'}}}"},
                }
            ],
            "reinvocationPolicy": "Never",
        }
    },
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": {"spec": {"policyName": "x"}},
    "apiservices.apiregistration.k8s.io": {
        "metadata": {"name": "v1.far.example.com"},
        "spec": {
            "group": "far.example.com",
            "version": "v1",
            "groupPriorityMinimum": 100,
            "versionPriority": 10,
            "insecureSkipTLSVerify": True,
            "service": {"name": "far", "namespace": "default"},
        },
    },
    "podcertificaterequests.certificates.k8s.io": {"spec": {"signerName": "example.com/s", "podName": "x", "podUID": "u"}},
    "leasecandidates.coordination.k8s.io": {
        "spec": {
            "leaseName": "l",
            "binaryVersion": "1.37.0",
            "emulationVersion": "1.37.0",
            "strategy": "OldestEmulationVersion",
        }
    },
    "flowschemas.flowcontrol.apiserver.k8s.io": {
        "spec": {
            "priorityLevelConfiguration": {"name": "global-default"},
            "matchingPrecedence": 500,
            "rules": [
                {
                    "subjects": [{"kind": "User", "user": {"name": "a"}}],
                    "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
                }
            ],
        }
    },
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": {
        "spec": {
            "type": "Limited",
            "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}},
        }
    },
    "ipaddresses.networking.k8s.io": {
        "metadata": {"name": "10.96.200.1"},
        "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "x"}},
    },
    "servicecidrs.networking.k8s.io": {"spec": {"cidrs": ["10.97.0.0/24"]}},
    "deviceclasses.resource.k8s.io": {"spec": {"selectors": [{"cel": {"expression": "device.driver == 'a.example.com'"}}]}},
    "devicetaintrules.resource.k8s.io": {
        "spec": {"deviceSelector": {"driver": "a.example.com"}, "taint": {"key": "k", "effect": "NoSchedule"}}
    },
    "resourceclaims.resource.k8s.io": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "x"}}]}}},
    "resourceclaimtemplates.resource.k8s.io": {
        "spec": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "x"}}]}}}
    },
    "resourceslices.resource.k8s.io": {
        "spec": {
            "driver": "a.example.com",
            "nodeName": "n",
            "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "d"}],
        }
    },
    "podgroups.scheduling.k8s.io": {"spec": {"schedulingPolicy": {"gang": {"minCount": 2}}}},
    "workloads.scheduling.k8s.io": {
        "spec": {"podGroupTemplates": [{"name": "g", "schedulingPolicy": {"gang": {"minCount": 2}}}]}
    },
}
