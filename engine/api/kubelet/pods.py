"""The pods of a node: those that are bound to it, and those that its runtime runs."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from shipslog.engine.api.response import replies

if TYPE_CHECKING:
    from .kubelet import Asked


async def bound(asked: "Asked") -> web.StreamResponse:
    """/pods: a PodList of what is to run here, with its status."""
    view = asked.cluster.view
    found = (view.entry("pods", pod.metadata.name, pod.metadata.namespace) for pod in view.pods_on(asked.node))
    items = [b"{" + entry.encoded[entry.body_at :] for entry in found if entry is not None]
    body = b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[' + b",".join(items) + b"]}"
    return replies.Reply(body)


async def running(asked: "Asked") -> web.StreamResponse:
    """/runningpods: what runs, as the runtime knows it: little is said of each."""
    view, items = asked.cluster.view, list[dict[str, Any]]()
    named = {pod.metadata.uid: pod for pod in view.pods_on(asked.node)}
    for runs in sorted(view.pods_running_on(asked.node), key=lambda pod: pod.pod_uid):
        containers = [
            {"name": one.name, "image": one.image, "resources": {}} for one in runs.containers.values() if one.running
        ]
        pod = named.get(runs.pod_uid)
        if not containers or pod is None:
            continue
        metadata = {"name": pod.metadata.name, "namespace": pod.metadata.namespace, "uid": runs.pod_uid}
        items.append({"metadata": metadata, "spec": {"containers": containers}, "status": {}})
    return replies.of_value({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
