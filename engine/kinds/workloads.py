"""What kinds that keep pods of a template have in common: selector and template, shares of replicas, columns.

Tests: tests/engine/kinds/apps/test_workloads.py
"""

from collections.abc import Iterable
from typing import Any

from shipslog.store.objects import selector as selectors
from shipslog.store.objects.types.core_v1 import PodTemplateSpec
from shipslog.store.objects.types.meta_v1 import LabelSelector
from shipslog.store.objects.values.scalars import IntOrString

from . import names
from .columns import NONE, Column, wide
from .faults import IMMUTABLE, Faults
from .metadata import check_label_selector
from .pod_spec.checks.spec import check_template

CONTAINERS = wide("Containers", "The containers of the template.")
IMAGES = wide("Images", "The images of the template's containers.")
SELECTOR = wide("Selector", "The labels of the pods that are meant.")
PODS_COLUMNS: tuple[Column, ...] = (CONTAINERS, IMAGES, SELECTOR)
MISMATCH = "`selector` does not match template `labels`"
MORE_THAN_ALL = "must not be greater than 100%"


# --- selector and template ---


def selector_of(chosen: LabelSelector | None) -> selectors.Selector | None:
    """The selector as it is compared; None where it is malformed."""
    try:
        return selectors.of_label_selector(chosen)
    except selectors.SelectorError:
        return None


def check_selector(faults: Faults, chosen: LabelSelector | None, what: str) -> selectors.Selector | None:
    """`spec.selector` of a workload, which must be there and select something. -> the selector, if there is a sound one."""
    path = "spec.selector"
    if chosen is None:
        faults.required(path)
        return None
    check_label_selector(faults, chosen, path)
    if not chosen.match_labels and not chosen.match_expressions:
        faults.invalid(path, chosen, f"empty selector is invalid for {what}")
    found = selector_of(chosen)
    if found is None:
        faults.invalid(path, chosen, "invalid label selector")
    return found


def check_matches(faults: Faults, chosen: selectors.Selector | None, template: PodTemplateSpec) -> None:
    """The pods of a template are those that the selector means; one that is not given means none."""
    if chosen is None or not chosen.matches(template.metadata.labels):
        faults.invalid("spec.template.metadata.labels", template.metadata.labels, MISMATCH)


def check_running_template(faults: Faults, template: PodTemplateSpec, what: str) -> None:
    """A template of pods that run for ever."""
    check_template(faults, template, "spec.template")
    check_runs_for_ever(faults, template, what)


def check_runs_for_ever(faults: Faults, template: PodTemplateSpec, what: str) -> None:
    spec = template.spec
    if spec.restart_policy != "Always":
        faults.not_supported("spec.template.spec.restartPolicy", spec.restart_policy, ("Always",))
    if spec.active_deadline_seconds is not None:
        faults.forbidden("spec.template.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {what} is not Supported")


def check_same_selector(faults: Faults, old: LabelSelector | None, new: LabelSelector | None) -> None:
    check_same(faults, "spec.selector", old, new)


def check_same(faults: Faults, path: str, old: Any, new: Any) -> None:
    """What may not change."""
    if old != new:
        faults.invalid(path, new, IMMUTABLE)


# --- numbers ---


def check_counts(faults: Faults, path: str, counts: Iterable[tuple[str, int | None]]) -> None:
    """Numbers that are not negative where they are given."""
    for field, value in counts:
        if value is not None:
            faults.not_negative(f"{path}.{field}", value)


def check_share(faults: Faults, path: str, value: IntOrString | None) -> None:
    """A number of pods, or a percentage of them."""
    if isinstance(value, int):
        faults.not_negative(path, value)
    elif isinstance(value, str) and (messages := names.percent(value)):
        faults.invalid_each(path, value, messages)


def check_not_more_than_all(faults: Faults, path: str, value: IntOrString | None) -> None:
    if isinstance(value, str) and not names.percent(value) and int(value[:-1]) > 100:
        faults.invalid(path, value, MORE_THAN_ALL)


def amount_of(value: IntOrString | None) -> int:
    """The number before the percent sign, or the number: whether it is zero is all that is asked."""
    if isinstance(value, str):
        return 0 if names.percent(value) else int(value[:-1])
    return value or 0


def check_status_counts(faults: Faults, counts: dict[str, int], most: int) -> None:
    """`status.X` is not negative, and counts no more than there are."""
    for field, value in counts.items():
        faults.not_negative(f"status.{field}", value)
    for field, value in counts.items():
        if value > most:
            faults.invalid(f"status.{field}", value, "cannot be greater than status.replicas")


def check_collisions(faults: Faults, old: int | None, new: int | None) -> None:
    """A count of collisions only grows."""
    if new is not None:
        faults.not_negative("status.collisionCount", new)
    if old is not None and (new or 0) < old:
        faults.invalid("status.collisionCount", new or 0, "cannot be decremented")


# --- columns ---


def pods_cells(template: PodTemplateSpec, chosen: LabelSelector | None) -> list[Any]:
    """The cells of PODS_COLUMNS."""
    containers = template.spec.containers
    found = selector_of(chosen)
    text = "<error>" if found is None else str(found) or NONE
    return [",".join(c.name for c in containers), ",".join(c.image for c in containers), text]
