"""As many pods as asked for: made, adopted, released, deleted in the right order, counted."""

from msgspec.structs import replace

from shipslog.reconcilers.workloads import replicas
from shipslog.reconcilers.workloads import replication_controller as rule
from shipslog.store.commands import Create, Delete, Update
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.values.times import SECOND_NS
from tests.reconcilers.views import NOW, owned_by, pod, rc, view_of, woken, woken_by_end

MINE = {"labels": {"app": "web"}, "owner_references": owned_by("web")}


def decide(*things: object, now: int = NOW) -> tuple[object, ...]:
    return rule.decide(view_of(*things), "default/web", now=now).commands


def test_missing_pods_are_made_from_the_template() -> None:
    commands = decide(rc("web", 3), pod("web-1", **MINE))
    made = [c.object for c in commands if isinstance(c, Create)]
    assert len(made) == 2
    assert (made[0].metadata.generate_name, made[0].metadata.labels) == ("web-", {"app": "web"})
    (owner,) = made[0].metadata.owner_references
    assert (owner.name, owner.controller, owner.block_owner_deletion) == ("web", True, True)


def test_a_decision_makes_no_more_of_a_long_template_than_a_transaction_should_hold() -> None:
    for size, makes in ((10, replicas.BATCH), (1 << 20, 15), (replicas.BATCH_BYTES * 2, 1)):
        long = rc("web", 600)
        template = replace(long.spec.template, metadata=replace(long.spec.template.metadata, annotations={"a": "x" * size}))
        commands = decide(replace(long, spec=replace(long.spec, template=template)))
        assert sum(isinstance(c, Create) for c in commands) == makes, size


def test_pods_that_ended_are_replaced_and_not_counted() -> None:
    commands = decide(rc("web", 1), pod("web-1", phase="Failed", **MINE), now=NOW + SECOND_NS)
    assert sum(isinstance(c, Create) for c in commands) == 1


def test_where_a_node_turns_pods_away_there_is_one_in_a_second() -> None:
    things = rc("web", 1), pod("web-1", phase="Failed", **MINE)
    turned_away = rule.decide(view_of(*things), "default/web", now=NOW)
    assert not any(isinstance(c, Create) for c in turned_away.commands) and turned_away.requeue_after == 1
    ran = replace(things[1], status=replace(things[1].status, container_statuses=(core_v1.ContainerStatus(name="c"),)))
    assert any(isinstance(c, Create) for c in decide(things[0], ran)), "one that ran is followed at once"


def test_surplus_goes_in_the_order_that_hurts_least() -> None:
    ready = pod("ready", node="n", ready=True, **MINE)
    starting = pod("starting", node="n", phase="Pending", **MINE)
    unbound = pod("unbound", **MINE)
    deleted = [c.name for c in decide(rc("web", 1), ready, starting, unbound) if isinstance(c, Delete)]
    assert deleted == ["unbound", "starting"]


def test_an_orphan_that_matches_is_adopted_and_a_stranger_released() -> None:
    commands = decide(
        rc("web", 2),
        pod("orphan", labels={"app": "web"}),
        pod("renamed", labels={"app": "x"}, owner_references=owned_by("web")),
    )
    changed = {c.object.metadata.name: c.object.metadata.owner_references for c in commands if isinstance(c, Update)}
    assert changed["renamed"] == () and changed["orphan"][0].name == "web"


def test_pods_of_others_are_left_alone() -> None:
    other = pod("theirs", labels={"app": "web"}, owner_references=owned_by("other", "uid-other"))
    commands = decide(rc("web", 1), other)
    assert sum(isinstance(c, Create) for c in commands) == 1 and not any(isinstance(c, Delete) for c in commands)


def test_a_controller_that_goes_makes_nothing() -> None:
    assert not [c for c in decide(rc("web", 3, deletion_timestamp="2027-01-15T08:00:00Z")) if isinstance(c, Create)]


def test_the_status_counts_and_waits_for_min_ready_seconds() -> None:
    view = view_of(rc("web", 2, min_ready_seconds=10), pod("a", node="n", ready=True, **MINE), pod("b", node="n", **MINE))
    decision = rule.decide(view, "default/web", now=NOW + 4 * 10**9)
    (update,) = decision.commands
    assert isinstance(update, Update)
    status = update.object.status
    assert (status.replicas, status.ready_replicas, status.available_replicas, status.observed_generation) == (2, 1, 0, 1)
    assert decision.requeue_after == 6.0


def test_which_events_wake_it() -> None:
    view = view_of(rc("web", 1), rc("other", 1))
    assert rule.WAKES.all_keys(view) == ["default/other", "default/web"]
    assert woken(rule.WAKES, view, pod("p", **MINE)) == ["default/web"]
    assert woken(rule.WAKES, view, pod("o", labels={"app": "other"})) == ["default/other"]
    assert woken(rule.WAKES, view, pod("s", labels={"app": "stranger"})) == []
    assert woken_by_end(rule.WAKES, view, pod("p", **MINE)) == ["default/web"]


def test_a_pod_that_is_taken_out_wakes_the_controller_that_it_leaves() -> None:
    view = view_of(rc("web", 1), pod("p", **MINE))
    relabelled = pod("p", labels={"app": "debug"}, owner_references=MINE["owner_references"])
    assert woken(rule.WAKES, view, relabelled) == ["default/web"]
    assert woken(rule.WAKES, view, pod("p", labels={"app": "debug"})) == ["default/web"], "its owner let it go just now"
    (create,) = [c for c in rule.decide(view, "default/web", now=NOW).commands if isinstance(c, Create)]
    assert create.object.metadata.generate_name == "web-"


def test_an_orphan_wakes_whom_it_left_and_whom_it_joins() -> None:
    view = view_of(rc("web", 1), rc("other", 1), pod("p", labels={"app": "web"}))
    assert woken(rule.WAKES, view, pod("p", labels={"app": "other"})) == ["default/web", "default/other"]


def test_what_it_says_is_said_of_what_came_of_its_commands() -> None:
    decision = rule.decide(view_of(rc("web", 3)), "default/web", now=NOW)
    made, refused = decision.says
    assert made.after is refused.after is decision.commands[0] is decision.commands[2]
    assert (made.reason, made.refused, refused.reason, refused.refused) == ("SuccessfulCreate", False, "FailedCreate", True)
