"""What `kubectl explain` says about types and fields: a sentence for the ones that people ask about, a phrase for the rest.

Tests: tests/clients/test_kubectl_custom.py, tests/e2e/test_guestbook.py
"""

import re
from typing import Any

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.store.objects.fields.shapes import Field
from shipslog.store.objects.scheme import Scheme

TYPES = {
    "PodSpec": "What a pod is to be: its containers, volumes, and where and how they run.",
    "PodStatus": "What has become of a pod, as the node that runs it reports.",
    "Container": "One program of a pod: its image, command, environment, ports and limits.",
    "ReplicationControllerSpec": "How many pods, of which template, and how they are recognised.",
    "ServiceSpec": "Which pods stand behind a Service, on which ports, and how it is reached.",
    "Binding": "Assigns a pod to a node.",
    "ObjectMeta": "What every object has: its name, labels, annotations, owners and history.",
    "LabelSelector": "Chooses objects by their labels; all conditions must hold.",
    "Probe": "How to find out whether a container works: what is tried, how often, and when it counts.",
    "Volume": "Storage of a pod that its containers can mount.",
    "ResourceRequirements": "What a container needs at least, and what it may use at most.",
}
FIELDS = {
    "apiVersion": "The group and version of the API that the object is written in.",
    "kind": "What the object is.",
    "metadata": "The name, labels, annotations and history of the object.",
    "spec": "What is wanted.",
    "status": "What is, as the system reports it. It is not written by people.",
    "name": "The name, unique among its kind within its scope.",
    "namespace": "The namespace that the object is in.",
    "labels": "Keys and values by which objects are selected.",
    "annotations": "Keys and values for tools and people, which nothing selects by.",
    "replicas": "The number of pods.",
    "selector": "The labels of the objects that are meant.",
    "template": "The pod that is copied.",
    "image": "The name of the container image.",
    "imagePullPolicy": "When to pull the image: Always, IfNotPresent or Never.",
    "command": "The program and its first arguments, in place of the entry point of the image.",
    "args": "Arguments, in place of those of the image.",
    "env": "Environment variables.",
    "envFrom": "Config maps and secrets whose keys become environment variables.",
    "ports": "The ports that are served.",
    "containerPort": "The port that the container listens on.",
    "hostPort": "A port of the node that leads to the container.",
    "nodePort": "The port on every node that leads to the Service.",
    "targetPort": "The number or the name of the port of the pods.",
    "clusterIP": "The address of the Service inside the cluster; None for a Service without one.",
    "sessionAffinity": "ClientIP to send a client to the same pod each time, None otherwise.",
    "containers": "The containers of the pod; at least one.",
    "initContainers": "Containers that run to their end, one after the other, before the others start.",
    "volumes": "The volumes that containers of the pod can mount.",
    "volumeMounts": "Where the container sees the volumes of its pod.",
    "restartPolicy": "Whether containers that end are started again: Always, OnFailure or Never.",
    "nodeSelector": "Labels that a node must have to run the pod.",
    "nodeName": "The node that runs the pod; set when the pod is scheduled.",
    "terminationGracePeriodSeconds": "Seconds between the request to stop and the kill.",
    "livenessProbe": "The container is restarted when this fails.",
    "readinessProbe": "The pod gets traffic only while this succeeds.",
    "startupProbe": "The other probes begin when this has succeeded.",
    "resources": "What the container needs and may use.",
    "limits": "The most that may be used.",
    "requests": "What is set aside.",
    "hostNetwork": "Whether the pod uses the network of its node.",
    "serviceAccountName": "The ServiceAccount that the processes of the pod act as.",
    "type": "Which of the possible types it is.",
}


def about_type(scheme: Scheme, struct: type[Any]) -> str:
    """One sentence about a type; a kind has its own."""
    kind = scheme.of_type(struct)
    about = strategy_of(kind.resource).about if kind is not None else ""
    return about or TYPES.get(struct.__name__) or f"{_spaced(struct.__name__).capitalize()}."


def about_field(struct: type[Any], field: Field) -> str:
    """One sentence about a field."""
    return FIELDS.get(field.name) or f"The {_spaced(field.name)}."


def _spaced(name: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)
