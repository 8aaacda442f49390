"""The manifests of the guestbook that README names, and a controller of any size."""

from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "guestbook"
NAMES = ("redis-master", "redis-slave", "frontend")
NODE_PORT = 31001


def controller(name: str, replicas: int, image: str, port: int) -> dict[str, Any]:
    labels = {"name": name}
    made = {"name": name, "image": image, "ports": [{"containerPort": port}]}
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": labels,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [made]}},
        },
    }


def example(name: str) -> dict[str, Any]:
    """One of docs/examples/guestbook, as it stands there but for the port of the node: another cluster may have that."""
    made: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    for port in made["spec"].get("ports", ()) if made["kind"] == "Service" else ():
        if "nodePort" in port:
            port["nodePort"] = NODE_PORT
    return made


IN_ORDER = tuple(example(f"{name}-{what}") for name in NAMES for what in ("controller", "service"))
