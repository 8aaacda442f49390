"""What autoscalers go by where another server answers for it: custom.metrics.k8s.io, external.metrics.k8s.io, and
metrics.k8s.io if somebody registered that.

It is asked as the autoscaler of Kubernetes asks: by the same paths, as its service account. What it answers is believed as far
as it can be read: of pods that were asked for, amounts that are quantities.

Source: Kubernetes' clients of custom and external metrics, and of the horizontal pod autoscaler; their messages.

Tests: tests/engine/api/aggregation/test_metrics.py
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from shipslog.engine.auth.certificates import FrontProxy
from shipslog.engine.cluster import Cluster
from shipslog.engine.host.metrics_reader import CUSTOM, EXTERNAL, RESOURCE, Metrics, described_as, external_as
from shipslog.engine.webhooks.calling import READING, Caller, CallFailed, refused
from shipslog.store.facts import MetricReading
from shipslog.store.objects.selector import of_label_selector
from shipslog.store.objects.types import core_v1, meta_v1
from shipslog.store.objects.types.apiregistration_v1 import APIService
from shipslog.store.objects.values import durations, quantity
from shipslog.store.objects.values.times import SECOND_NS, parse_time
from shipslog.store.objects.wire import json_text

from . import services

if TYPE_CHECKING:
    from shipslog.store.objects.types.autoscaling_v2 import HorizontalPodAutoscaler, MetricSpec

CUSTOM_GROUP, EXTERNAL_GROUP, RESOURCE_GROUP = "custom.metrics.k8s.io", "external.metrics.k8s.io", "metrics.k8s.io"
VERSIONS = {CUSTOM_GROUP: ("v1beta2", "v1beta1"), EXTERNAL_GROUP: ("v1beta1",), RESOURCE_GROUP: ("v1beta1",)}
ASK_S, ANSWER_BYTES = 5.0, 8 << 20
ACCOUNT = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"
HEADERS = {"X-Remote-User": ACCOUNT, "X-Remote-Group": "system:serviceaccounts", "Accept": "application/json"}
MOST = 2**63 - 1
WINDOW_NS = 60 * SECOND_NS  # of a metric that does not say over which time it was measured


class Unanswered(Exception):
    """There is no such metric now; the message is what Kubernetes' clients say."""


class RegisteredMetrics:
    """Asks who is registered for a group; where nobody is, `otherwise` says what there is."""

    def __init__(self, cluster: Cluster, caller: Caller, identity: FrontProxy, otherwise: Metrics) -> None:
        self._cluster, self._caller, self._identity, self._otherwise = cluster, caller, identity, otherwise

    async def read(
        self, autoscaler: "HorizontalPodAutoscaler", spec: "MetricSpec", pods: Sequence[core_v1.Pod]
    ) -> MetricReading:
        """One metric. What cannot be had is a reading with an error."""
        group = RESOURCE_GROUP if spec.resource or spec.container_resource else CUSTOM_GROUP
        group = EXTERNAL_GROUP if spec.external is not None else group
        service = self._registered(group)
        if service is None:
            return await self._otherwise.read(autoscaler, spec, pods)
        try:
            if spec.resource is not None:
                return await self._usage(service, autoscaler, pods, spec.resource.name, "")
            if spec.container_resource is not None:
                of = spec.container_resource
                return await self._usage(service, autoscaler, pods, of.name, of.container)
            if spec.pods is not None:
                return await self._of_pods(service, autoscaler, spec, pods)
            if spec.object is not None:
                return await self._of_object(service, autoscaler, spec)
            return await self._external(service, autoscaler, spec)
        except Unanswered as why:
            return MetricReading(error=str(why))

    def _registered(self, group: str) -> APIService | None:
        view = self._cluster.view
        found = (services.of_version(view, group, version) for version in VERSIONS[group])
        return next((service for service in found if service is not None), None)

    # --- the four kinds ---

    async def _usage(
        self, service: APIService, autoscaler: "HorizontalPodAutoscaler", pods: Sequence[core_v1.Pod], name: str, container: str
    ) -> MetricReading:
        words = f"unable to get metrics for resource {name}"
        path = f"namespaces/{_quoted(autoscaler.metadata.namespace)}/pods"
        items = await self._items(service, path, f"{words}: {RESOURCE}", "pods", labelSelector=self._chosen(autoscaler))
        asked = {pod.metadata.name for pod in pods}
        values: dict[str, int] = {}
        when: list[tuple[int, int]] = []
        for item in items:
            pod, amount = _name(item.get("metadata")), _used(item.get("containers"), name, container)
            if pod in asked and amount is not None:
                values[pod] = amount
                when.append((_time(item.get("timestamp")), _window(item.get("window"))))
        if not values:
            raise Unanswered(f"{words}: no metrics returned from resource metrics API")
        return MetricReading(values=values, at_ns=min(when)[0], window_ns=min(when)[1])

    async def _of_pods(
        self, service: APIService, autoscaler: "HorizontalPodAutoscaler", spec: "MetricSpec", pods: Sequence[core_v1.Pod]
    ) -> MetricReading:
        assert spec.pods is not None
        metric = spec.pods.metric
        words = f"unable to get metric {metric.name}"
        path = f"namespaces/{_quoted(autoscaler.metadata.namespace)}/pods/*/{_quoted(metric.name)}"
        chosen = {"labelSelector": self._chosen(autoscaler), "metricLabelSelector": _text(metric.selector)}
        items = await self._items(service, path, f"{words}: {CUSTOM}", "pods", **chosen)
        asked = {pod.metadata.name for pod in pods}
        values: dict[str, int] = {}
        when: list[tuple[int, int]] = []
        for item in items:
            pod, amount = _name(item.get("describedObject")), _milli(item.get("value"))
            if pod in asked and amount is not None:
                values[pod] = amount
                when.append((_time(item.get("timestamp")), _seconds(item.get("windowSeconds"))))
        if not values:
            raise Unanswered(f"{words}: no metrics returned from custom metrics API")
        return MetricReading(values=values, at_ns=min(when)[0], window_ns=min(when)[1])

    async def _of_object(self, service: APIService, autoscaler: "HorizontalPodAutoscaler", spec: "MetricSpec") -> MetricReading:
        assert spec.object is not None
        metric, about, namespace = spec.object.metric, spec.object.described_object, autoscaler.metadata.namespace
        words = described_as(autoscaler, spec.object)
        group = about.api_version.rpartition("/")[0]
        if (group, about.kind) == ("", "Namespace"):  # that of the autoscaler: nobody looks out of his own
            path = f"namespaces/{_quoted(namespace)}/metrics/{_quoted(metric.name)}"
            resource = "namespaces"
        else:
            kinds = self._cluster.view.scheme.kinds()
            kind = next((kind for kind in kinds if (kind.group, kind.kind) == (group, about.kind)), None)
            if kind is None:
                raise Unanswered(f'{words}: no matches for kind "{about.kind}" in group "{group}"')
            resource = kind.resource
            path = f"namespaces/{_quoted(namespace)}/{resource}/{_quoted(about.name)}/{_quoted(metric.name)}"
        items = await self._items(service, path, f"{words}: {CUSTOM}", resource, metricLabelSelector=_text(metric.selector))
        if len(items) != 1:
            how_many = f"the custom metrics API server returned {len(items)} results when we asked for exactly one"
            raise Unanswered(f"{words}: {CUSTOM}: {how_many}")
        return MetricReading(value=_whole(items, f"{words}: {CUSTOM}"), at_ns=_time(items[0].get("timestamp")))

    async def _external(self, service: APIService, autoscaler: "HorizontalPodAutoscaler", spec: "MetricSpec") -> MetricReading:
        assert spec.external is not None
        metric, words = spec.external.metric, external_as(autoscaler, spec.external)
        path = f"namespaces/{_quoted(autoscaler.metadata.namespace)}/{_quoted(metric.name)}"
        items = await self._items(service, path, f"{words}: {EXTERNAL}", metric.name, labelSelector=_text(metric.selector))
        if not items:
            raise Unanswered(f"{words}: no metrics returned from external metrics API")
        return MetricReading(value=_whole(items, f"{words}: {EXTERNAL}"), at_ns=_time(items[0].get("timestamp")))

    def _chosen(self, autoscaler: "HorizontalPodAutoscaler") -> str:
        from shipslog.reconcilers.workloads.autoscaler.target import NoTarget, target_of

        try:
            return str(target_of(self._cluster.view, autoscaler).selector or "")
        except NoTarget:
            return ""

    # --- asking ---

    async def _items(
        self, service: APIService, path: str, words: str, resource: str, **parameters: str
    ) -> Sequence[Mapping[str, Any]]:
        """The items of the list that is answered. Errors: Unanswered, which begins with `words`."""
        spec = service.spec
        get = f"(get {resource.partition('.')[0]}.{spec.group})"
        if not services.is_available(service):
            raise Unanswered(f"{words}: the server is currently unable to handle the request {get}")
        query = urlencode({name: value for name, value in parameters.items() if value})
        where = f"/apis/{spec.group}/{spec.version}/{path}" + (f"?{query}" if query else "")
        try:
            callee = services.callee_of(service, self._identity, where)
            code, data = await self._caller.fetch(
                callee, view=self._cluster.view, timeout_s=ASK_S, limit=ANSWER_BYTES, headers=HEADERS
            )
            if code >= 300:
                raise Unanswered(f"{words}: {_refused(code, data, get)}")
            found = await READING.run(len(data), json_text.parse, data)
        except (CallFailed, json_text.NotJson) as failure:
            raise Unanswered(f"{words}: {failure}") from failure
        items = found.get("items") if isinstance(found, dict) else None
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else ()


def _refused(code: int, data: bytes, get: str) -> str:
    message = refused(code, data)
    return message if data[:1] == b"{" else f"{message} {get}"


# --- reading what was answered ---


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _text(selector: meta_v1.LabelSelector | None) -> str:
    return str(of_label_selector(selector)) if selector is not None else ""


def _name(value: Any) -> str:
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""


def _milli(value: Any) -> int | None:
    """Thousandths of a quantity; None for what is none."""
    try:
        return _bounded(quantity.milli(value if isinstance(value, str) else str(int(value))))
    except (quantity.QuantityError, TypeError, ValueError, OverflowError):
        return None


def _bounded(amount: int) -> int:
    """As Go has it, and as the log takes it: 64 bits."""
    return max(min(amount, MOST), -MOST)


def _whole(items: Sequence[Mapping[str, Any]], words: str) -> int:
    """The sum of their values. Errors: Unanswered, if one says none."""
    values = [_milli(item.get("value")) for item in items]
    if None in values:
        raise Unanswered(f"{words}: a value is no quantity")
    return _bounded(sum(value for value in values if value is not None))


def _used(containers: Any, resource: str, container: str) -> int | None:
    """What a pod, or one container of it, uses; None where that is not said of each."""
    amounts = list(_each(containers, resource, container))
    known = [amount for amount in amounts if amount is not None]
    return _bounded(sum(known)) if known and len(known) == len(amounts) else None


def _each(containers: Any, resource: str, container: str) -> Iterator[int | None]:
    for one in containers if isinstance(containers, list) else ():
        if isinstance(one, dict) and container in ("", one.get("name")):
            usage = one.get("usage")
            yield _milli(usage.get(resource)) if isinstance(usage, dict) else None


def _time(value: Any) -> int:
    """In ns UTC; 0 for what is no time."""
    try:
        return parse_time(value) if isinstance(value, str) else 0
    except ValueError:
        return 0


def _window(value: Any) -> int:
    try:
        return durations.read(value) if isinstance(value, str) else WINDOW_NS
    except ValueError:
        return WINDOW_NS


def _seconds(value: Any) -> int:
    return value * SECOND_NS if isinstance(value, int) and 0 < value < 1 << 31 else WINDOW_NS
