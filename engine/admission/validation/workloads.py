"""Replication controllers, their scale, and disruption budgets."""

from shipslog.store.objects.core_v1 import ReplicationController, ReplicationControllerStatus
from shipslog.store.objects.policy_v1 import PodDisruptionBudget
from shipslog.store.objects.scalars import IntOrString

from ..fields import Faults
from .metadata import check_label_selector
from .pod import check_template

TOO_MANY = "cannot be greater than status.replicas"


def check_replication_controller(faults: Faults, rc: ReplicationController) -> None:
    spec = rc.spec
    faults.not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    if not spec.selector:
        faults.required("spec.selector")
    faults.not_negative("spec.replicas", spec.replicas or 0)
    template = spec.template
    if template is None:
        faults.required("spec.template")
        return
    labels = template.metadata.labels
    if any(labels.get(key) != value for key, value in spec.selector.items()):
        faults.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    check_template(faults, template, "spec.template")
    if template.spec.restart_policy != "Always":
        faults.not_supported("spec.template.spec.restartPolicy", template.spec.restart_policy, ("Always",))
    if template.spec.active_deadline_seconds is not None:
        why = "activeDeadlineSeconds in ReplicationController is not Supported"
        faults.forbidden("spec.template.spec.activeDeadlineSeconds", why)


def check_replication_controller_status(faults: Faults, status: ReplicationControllerStatus) -> None:
    for field, value in (
        ("replicas", status.replicas), ("fullyLabeledReplicas", status.fully_labeled_replicas),
        ("readyReplicas", status.ready_replicas), ("availableReplicas", status.available_replicas),
        ("observedGeneration", status.observed_generation),
    ):  # fmt: skip
        faults.not_negative(f"status.{field}", value)
    for field, value in (
        ("fullyLabeledReplicas", status.fully_labeled_replicas), ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
    ):  # fmt: skip
        if value > status.replicas:
            faults.invalid(f"status.{field}", value, TOO_MANY)
    if status.available_replicas > status.ready_replicas:
        faults.invalid("status.availableReplicas", status.available_replicas, "cannot be greater than readyReplicas")


def check_budget(faults: Faults, budget: PodDisruptionBudget) -> None:
    spec = budget.spec
    if spec.min_available is not None and spec.max_unavailable is not None:
        faults.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for field, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        if value is not None:
            _check_amount(faults, value, f"spec.{field}")
    check_label_selector(faults, spec.selector, "spec.selector")
    policy = spec.unhealthy_pod_eviction_policy
    if policy not in ("", "IfHealthyBudget", "AlwaysAllow"):
        faults.not_supported("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget"))


def _check_amount(faults: Faults, value: IntOrString, path: str) -> None:
    """A number of pods, or a percentage of them."""
    if isinstance(value, int):
        faults.not_negative(path, value)
        return
    digits = value.removesuffix("%")
    if not value.endswith("%") or not digits.isascii() or not digits.isdigit():
        words = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', "
        faults.invalid(path, value, f"{words}regex used for validation is '[0-9]+%')")
    elif int(digits) > 100:
        faults.invalid(path, value, "must not be greater than 100%")
