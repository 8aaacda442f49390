"""The types of flowcontrol.apiserver.k8s.io/v1beta1 and v1beta2 that are not those of v1: shares have another name.

No longer served by Kubernetes, so its facts do not tell of them: written by hand, in the form of generate.py, and held to the
samples of that time.
"""

from typing import ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Int32, Object

from . import flowcontrol_v1, meta_v1


class LimitedPriorityLevelConfiguration(Object, frozen=True, kw_only=True):
    assured_concurrency_shares: Int32 = field(default_factory=int)
    limit_response: flowcontrol_v1.LimitResponse = field(default_factory=flowcontrol_v1.LimitResponse)
    lendable_percent: Int32 | None = None
    borrowing_limit_percent: Int32 | None = None

    __proto__: ClassVar[dict[str, int]] = {
        "assured_concurrency_shares": 1, "borrowing_limit_percent": 4, "lendable_percent": 3, "limit_response": 2,
    }


class PriorityLevelConfigurationSpec(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    limited: LimitedPriorityLevelConfiguration | None = None
    exempt: flowcontrol_v1.ExemptPriorityLevelConfiguration | None = None

    __proto__: ClassVar[dict[str, int]] = {"exempt": 3, "limited": 2, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ("type",)


class PriorityLevelConfiguration(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PriorityLevelConfiguration")
    api_version: str = field(default_factory=lambda: "flowcontrol.apiserver.k8s.io/v1beta2", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PriorityLevelConfigurationSpec = field(default_factory=PriorityLevelConfigurationSpec)
    status: flowcontrol_v1.PriorityLevelConfigurationStatus = field(
        default_factory=flowcontrol_v1.PriorityLevelConfigurationStatus
    )

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
