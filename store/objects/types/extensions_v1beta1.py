"""The types of extensions/v1beta1 that are not those of apps/v1 or apps/v1beta1: a daemon set that counts its templates.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py, and held to the
samples of that time.
"""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, Object

from . import apps_v1, core_v1, meta_v1


class DaemonSetSpec(Object, frozen=True, kw_only=True):
    selector: meta_v1.LabelSelector | None = None
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)
    update_strategy: apps_v1.DaemonSetUpdateStrategy = field(default_factory=apps_v1.DaemonSetUpdateStrategy)
    min_ready_seconds: Int32 = 0
    template_generation: Int64 = 0
    revision_history_limit: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {**apps_v1.DaemonSetSpec.__proto__, "template_generation": 5}
    __required__: ClassVar[tuple[str, ...]] = ("template",)


class DaemonSet(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "DaemonSet")
    api_version: str = field(default_factory=lambda: "extensions/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: DaemonSetSpec = field(default_factory=DaemonSetSpec)
    status: apps_v1.DaemonSetStatus = field(default_factory=apps_v1.DaemonSetStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
