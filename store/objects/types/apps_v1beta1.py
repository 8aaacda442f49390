"""The types of apps/v1beta1 that are not those of apps/v1: a deployment that is asked to roll back, and an older Scale.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py, and held to the
samples of that time. extensions/v1beta1 and apps/v1beta2 share them.
"""

from typing import Annotated, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Int64, NO_ITEMS, Object, freeze_maps, merge

from . import apps_v1, core_v1, meta_v1


class RollbackConfig(Object, frozen=True, kw_only=True):
    revision: Int64 = 0

    __proto__: ClassVar[dict[str, int]] = {"revision": 1}


class DeploymentSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 | None = None
    selector: meta_v1.LabelSelector | None = None
    template: core_v1.PodTemplateSpec = field(default_factory=core_v1.PodTemplateSpec)
    strategy: Annotated[apps_v1.DeploymentStrategy, merge(patch_strategy="retainKeys")] = field(
        default_factory=apps_v1.DeploymentStrategy
    )
    min_ready_seconds: Int32 = 0
    revision_history_limit: Int32 | None = None
    paused: bool = False
    rollback_to: RollbackConfig | None = None
    progress_deadline_seconds: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {**apps_v1.DeploymentSpec.__proto__, "rollback_to": 8}
    __required__: ClassVar[tuple[str, ...]] = ("template",)


class Deployment(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Deployment")
    api_version: str = field(default_factory=lambda: "apps/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: DeploymentSpec = field(default_factory=DeploymentSpec)
    status: apps_v1.DeploymentStatus = field(default_factory=apps_v1.DeploymentStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}


class DeploymentRollback(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "DeploymentRollback")
    api_version: str = field(default_factory=lambda: "apps/v1beta1", name="apiVersion")
    name: str = field(default_factory=str)
    updated_annotations: dict[str, str] = NO_ITEMS
    rollback_to: RollbackConfig = field(default_factory=RollbackConfig)

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("updated_annotations",))

    __proto__: ClassVar[dict[str, int]] = {"name": 1, "rollback_to": 3, "updated_annotations": 2}
    __required__: ClassVar[tuple[str, ...]] = ("name", "rollbackTo")


class ScaleSpec(Object, frozen=True, kw_only=True):
    replicas: Int32 = 0

    __proto__: ClassVar[dict[str, int]] = {"replicas": 1}


class ScaleStatus(Object, frozen=True, kw_only=True):
    replicas: Int32 = field(default_factory=int)
    selector: dict[str, str] = NO_ITEMS
    target_selector: str = ""

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("selector",))

    __proto__: ClassVar[dict[str, int]] = {"replicas": 1, "selector": 2, "target_selector": 3}
    __required__: ClassVar[tuple[str, ...]] = ("replicas",)


class Scale(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "Scale")
    api_version: str = field(default_factory=lambda: "apps/v1beta1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ScaleSpec = field(default_factory=ScaleSpec)
    status: ScaleStatus = field(default_factory=ScaleStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
