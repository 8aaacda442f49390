"""The manifests of the guestbook: three ReplicationControllers and three Services."""

from typing import Any

NODE_PORT = 31001


def controller(name: str, replicas: int, image: str, port: int, container: str = "") -> dict[str, Any]:
    labels = {"name": name}
    env = [] if name == "redis-master" else [{"name": "GET_HOSTS_FROM", "value": "env"}]
    made = {"name": container or name, "image": image, "env": env, "ports": [{"containerPort": port}]}
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


def service(name: str, port: int, node_port: int = 0) -> dict[str, Any]:
    spec: dict[str, Any] = {"ports": [{"port": port}], "selector": {"name": name}}
    if node_port:
        spec["type"] = "NodePort"
        spec["ports"][0]["nodePort"] = node_port
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"name": name}}, "spec": spec}


IN_ORDER = (
    controller("redis-master", 1, "kubeguide/redis-master", 6379),
    service("redis-master", 6379),
    controller("redis-slave", 2, "kubeguide/guestbook-redis-slave", 6379, "redis-master"),
    service("redis-slave", 6379),
    controller("frontend", 3, "kubeguide/guestbook-php-frontend", 80),
    service("frontend", 80, NODE_PORT),
)
