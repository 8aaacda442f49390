"""The definition of a kind, for clients that need one."""

from typing import Any

STATUS = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
SPEC = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "description": "What is written on her bow.", "pattern": "^[A-Z]"},
        "replicas": {"type": "integer", "minimum": 0, "default": 1},
    },
}
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ships.fleet.example.com"},
    "spec": {
        "group": "fleet.example.com",
        "scope": "Namespaced",
        "names": {"plural": "ships", "kind": "Ship", "shortNames": ["sh"], "categories": ["all"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}},
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "additionalPrinterColumns": [{"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"}],
            }
        ],
    },
}


def ship(name: str, bow: str = "Hansa") -> dict[str, Any]:
    return {"apiVersion": "fleet.example.com/v1", "kind": "Ship", "metadata": {"name": name}, "spec": {"name": bow}}
