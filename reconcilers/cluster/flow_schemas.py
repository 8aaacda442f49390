"""Flow schemas that name a level of priority which is not there are told so. Source: priority and fairness of Kubernetes."""

from collections.abc import Iterable

from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Update
from shipslog.store.objects.conditions import find_condition, set_condition
from shipslog.store.objects.types.flowcontrol_v1 import FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration
from shipslog.store.objects.values.times import api_time
from shipslog.store.view import View

DANGLING = "Dangling"


def _flows_of(view: View, level: PriorityLevelConfiguration) -> Iterable[str]:
    """Those that name a level."""
    name = level.metadata.name
    return [flow.metadata.name for flow in view.list(FlowSchema) if flow.spec.priority_level_configuration.name == name]


WAKES = rule(FlowSchema).watches(PriorityLevelConfiguration, to=_flows_of, when=lambda before, after: not (before and after))


def decide(view: View, key: str, *, now: Instant) -> Decision:
    flow = view.get(FlowSchema, key)
    if flow is None:
        return Decision(reason="it is not there")
    level = flow.spec.priority_level_configuration.name
    there = view.get(PriorityLevelConfiguration, level) is not None
    status, reason = ("False", "Found") if there else ("True", "NotFound")
    found = "it exists" if there else "there is no such object"
    message = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" and {found}'
    had = find_condition(flow.status.conditions, DANGLING)
    if had is not None and (had.status, had.reason, had.message) == (status, reason, message):
        return Decision(reason="its status says so")
    condition = FlowSchemaCondition(type=DANGLING, status=status, reason=reason, message=message)
    conditions = set_condition(flow.status.conditions, condition, api_time(now))
    updated = replace(flow, status=replace(flow.status, conditions=conditions))
    return Decision(
        reason=f"its level is {'' if there else 'not '}there", commands=(Update(object=updated, subresource="status"),)
    )


RECONCILER = Reconciler(name="flow-schemas", actor="system:controller:flow-schemas", wakes=WAKES, decide=decide)
