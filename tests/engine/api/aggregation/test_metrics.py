"""Autoscalers by metrics of a server that is registered for them: what it is asked, and what becomes of each of its answers."""

from typing import Any

import pytest

from shipslog.engine.api.aggregation.aggregator import Aggregator
from shipslog.reconcilers.rule.decision import Reconciler
from shipslog.reconcilers.workloads.autoscaler import RECONCILER
from shipslog.store.facts import MetricReading
from shipslog.store.objects.types import apps_v1, autoscaling_v2, core_v1
from tests.engine.api.conftest import Api, Client

from .conftest import Other, available, register

CUSTOM, EXTERNAL = (
    "/apis/custom.metrics.k8s.io/v1beta2/namespaces/default",
    "/apis/external.metrics.k8s.io/v1beta1/namespaces/default",
)
USAGE = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
AT = "2026-11-27T10:00:00Z"
WANTED = {"type": "AverageValue", "averageValue": "10"}
PODS = {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": WANTED}}
WEB = {"kind": "Ingress", "apiVersion": "networking.k8s.io/v1", "name": "web"}
RPS = {"name": "rps", "selector": {"matchLabels": {"verb": "GET"}}}
OBJECT = {"type": "Object", "object": {"describedObject": WEB, "metric": RPS, "target": {"type": "Value", "value": "100"}}}
SPACE = {"kind": "Namespace", "apiVersion": "v1", "name": "default"}
OF_SPACE = {
    "type": "Object",
    "object": {"describedObject": SPACE, "metric": {"name": "rps"}, "target": {"type": "Value", "value": "1"}},
}
QUEUE = {"name": "queue", "selector": {"matchLabels": {"q": "a"}}}
OUTSIDE = {"type": "External", "external": {"metric": QUEUE, "target": WANTED}}
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": WANTED}}
OF_ONE = {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "c", "target": WANTED}}


@pytest.fixture
def rules() -> tuple[Reconciler, ...]:
    return (RECONCILER,)


def value(amount: Any, name: str = "", **more: Any) -> dict[str, Any]:
    return {"describedObject": {"kind": "Pod", "name": name}, "metric": {"name": "m"}, "timestamp": AT, "value": amount, **more}


def usage(name: str, **containers: Any) -> dict[str, Any]:
    used = [{"name": one, "usage": {"memory": amount}} for one, amount in containers.items()]
    return {"metadata": {"name": name}, "timestamp": AT, "window": "30s", "containers": used}


@pytest.fixture
async def scaled(api: Api, admin: Client) -> None:
    """A Deployment of one replica with its pod."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    await admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", {"metadata": {"name": "web"}, "spec": spec})
    pod = {"metadata": {"name": "web-1", "labels": {"app": "web"}}, "spec": template["spec"]}
    await admin.call("POST", "/api/v1/namespaces/default/pods", pod)


async def autoscaler(api: Api, admin: Client, *metrics: Any) -> autoscaling_v2.HorizontalPodAutoscaler:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 9, "metrics": list(metrics)}
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    code, said = await admin.call("POST", path, {"metadata": {"name": "web"}, "spec": spec})
    assert code == 201, said
    return api.cluster.get(autoscaling_v2.HorizontalPodAutoscaler, "web")


async def reading(api: Api, admin: Client, metric: Any) -> MetricReading:
    made = await autoscaler(api, admin, metric)
    pods = api.cluster.list(core_v1.Pod)
    return await api.cluster.metrics_reader.metrics.read(made, made.spec.metrics[0], pods)


async def served(admin: Client, other: Other, group: str, version: str) -> None:
    await register(admin, other, group=group, version=version)
    await available(admin, f"{version}.{group}")
    other.seen.clear()


ASKED = [
    (
        PODS,
        f"{CUSTOM}/pods/*/hits",
        "labelSelector=app%3Dweb",
        [value("1500m", "web-1"), value("7", "web-2")],
        {"web-1": 1500},
        0,
    ),
    (
        OBJECT,
        f"{CUSTOM}/ingresses.networking.k8s.io/web/rps",
        "metricLabelSelector=verb%3DGET",
        [value("2k", "web")],
        {},
        2_000_000,
    ),
    (OF_SPACE, f"{CUSTOM}/metrics/rps", "", [value(3)], {}, 3000),
    (OUTSIDE, f"{EXTERNAL}/queue", "labelSelector=q%3Da", [value("30"), value("5500m")], {}, 35_500),
    (
        MEMORY,
        USAGE,
        "labelSelector=app%3Dweb",
        [usage("web-1", c="1Ki", d="1Ki"), usage("else", c="1")],
        {"web-1": 2048_000},
        0,
    ),
    (OF_ONE, USAGE, "labelSelector=app%3Dweb", [usage("web-1", c="1Ki", d="5")], {"web-1": 1024_000}, 0),
]


@pytest.mark.usefixtures("aggregator", "scaled")
@pytest.mark.parametrize(
    ("metric", "path", "query", "items", "values", "one"),
    ASKED,
    ids=["pods", "object", "namespace", "external", "usage", "container"],
)
async def test_who_is_registered_is_asked(
    api: Api, admin: Client, other: Other, metric: Any, path: str, query: str, items: Any, values: Any, one: int
) -> None:
    group, version = path.split("/")[2:4]
    await served(admin, other, group, version)
    other.answers[path] = {"kind": "MetricValueList", "items": items}
    found = await reading(api, admin, metric)
    assert (found.error, found.values, found.value) == ("", values, one)
    assert found.at_ns == 1795773600 * 10**9 and bool(found.window_ns) == bool(values)
    ((target, headers, certificate),) = other.seen
    assert target.replace("%2A", "*") == f"GET {path}" + (f"?{query}" if query else "")
    assert headers["X-Remote-User"] == "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
    assert certificate["subject"] == ((("commonName", "front-proxy-client"),),)


STATUS = {"kind": "Status", "message": "the server could not find the metric hits for pods", "code": 404}
BAD = [
    (PODS, f"{CUSTOM}/pods/*/hits", {"items": []}, "unable to get metric hits: no metrics returned from custom metrics API"),
    (
        PODS,
        f"{CUSTOM}/pods/*/hits",
        {"items": [value("much", "web-1"), value(None, "web-1"), 7]},
        "unable to get metric hits: no",
    ),
    (PODS, f"{CUSTOM}/pods/*/hits", 404, "could not find the requested resource (get pods.custom.metrics.k8s.io)"),
    (
        OBJECT,
        f"{CUSTOM}/ingresses.networking.k8s.io/web/rps",
        {"items": [value(1), value(2)]},
        "returned 2 results when we asked",
    ),
    (OUTSIDE, f"{EXTERNAL}/queue", {"items": 7}, "}: no metrics returned from external metrics API"),
    (OUTSIDE, f"{EXTERNAL}/queue", {"items": [value("1"), value("x")]}, "a value is no quantity"),
    (OUTSIDE, f"{EXTERNAL}/queue", 503, "unable to handle the request (get queue.external.metrics.k8s.io)"),
    (MEMORY, USAGE, {"items": [usage("web-1", c="1Ki", d={})]}, "for resource memory: no metrics returned from resource"),
    (PODS, f"{CUSTOM}/pods/*/hits", [1], "no metrics returned from custom metrics API"),
]


@pytest.mark.usefixtures("aggregator", "scaled")
@pytest.mark.parametrize(("metric", "path", "answer", "error"), BAD, ids=range(len(BAD)))
async def test_what_is_no_answer_is_an_error_in_words(
    api: Api, admin: Client, other: Other, metric: Any, path: str, answer: Any, error: str
) -> None:
    group, version = path.split("/")[2:4]
    await served(admin, other, group, version)
    other.answers[path] = answer
    assert error in (await reading(api, admin, metric)).error


@pytest.mark.usefixtures("scaled")
async def test_where_nobody_is_registered_it_says_so(api: Api, admin: Client, aggregator: Aggregator) -> None:
    nobody = "no custom metrics API (custom.metrics.k8s.io) registered"
    said = await reading(api, admin, PODS)
    assert said.error == f"unable to get metric hits: unable to fetch metrics from custom metrics API: {nobody}"


@pytest.mark.usefixtures("aggregator", "scaled")
async def test_one_that_cannot_be_reached_is_not_asked(api: Api, admin: Client, other: Other) -> None:
    other.code = 500
    await register(admin, other, group="external.metrics.k8s.io", version="v1beta1")
    said = await reading(api, admin, OUTSIDE)
    words = "unable to get external metric default/queue/&LabelSelector{MatchLabels:map[string]string{q: a,},"
    assert said.error.startswith(words) and "currently unable to handle the request" in said.error


@pytest.mark.usefixtures("aggregator", "scaled")
async def test_what_is_answered_scales(api: Api, admin: Client, other: Other) -> None:
    await served(admin, other, "external.metrics.k8s.io", "v1beta1")
    made = await autoscaler(api, admin, OUTSIDE)
    other.answers[f"{EXTERNAL}/queue"] = {"items": [value("1e99999"), value("1e99999")]}  # no more than the log takes
    assert (await api.cluster.metrics_reader.metrics.read(made, made.spec.metrics[0], ())).value == 2**63 - 1
    other.answers[f"{EXTERNAL}/queue"] = {"items": [value("38")]}
    await api.cluster.metrics_reader.look(made)
    await api.cluster.wait(apps_v1.Deployment, "web", until=lambda web: web.spec.replicas == 4)
    told = await api.cluster.wait(
        autoscaling_v2.HorizontalPodAutoscaler, "web", until=lambda one: bool(one.status.current_metrics)
    )
    shown = told.status.current_metrics[0].external
    assert shown is not None and shown.metric.name == "queue" and shown.current.average_value is not None
