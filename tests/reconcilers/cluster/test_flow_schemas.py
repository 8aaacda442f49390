"""Flow schemas and their levels of priority, as tables: what is there, and what is to be told."""

from shipslog.reconcilers.cluster import flow_schemas
from shipslog.store.commands import Update
from shipslog.store.objects.types.flowcontrol_v1 import (
    FlowSchema,
    FlowSchemaSpec,
    PriorityLevelConfiguration,
    PriorityLevelConfigurationReference,
)
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from tests.reconcilers.views import NOW, view_of, woken

SPEC = FlowSchemaSpec(priority_level_configuration=PriorityLevelConfigurationReference(name="l"))
FLOW = FlowSchema(metadata=ObjectMeta(name="f"), spec=SPEC)
LEVEL = PriorityLevelConfiguration(metadata=ObjectMeta(name="l"))


def test_a_flow_says_whether_its_level_is_there() -> None:
    (command,) = flow_schemas.decide(view_of(FLOW), "f", now=NOW).commands
    assert isinstance(command, Update) and command.subresource == "status"
    (condition,) = command.object.status.conditions
    assert (condition.type, condition.status, condition.reason) == ("Dangling", "True", "NotFound")
    assert not flow_schemas.decide(view_of(command.object), "f", now=NOW).commands, "once is enough"
    (command,) = flow_schemas.decide(view_of(command.object, LEVEL), "f", now=NOW).commands
    assert isinstance(command, Update) and command.object.status.conditions[0].status == "False"
    assert not flow_schemas.decide(view_of(), "f", now=NOW).commands


def test_a_level_wakes_the_flows_that_name_it() -> None:
    other = FlowSchema(metadata=ObjectMeta(name="g"))
    assert woken(flow_schemas.WAKES, view_of(FLOW, other), LEVEL) == ["f"]
