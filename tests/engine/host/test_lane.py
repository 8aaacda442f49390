"""A rule that is wrong harms only what it keeps: it is told with rule, key and reason, tried again, and the others go on."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from shipslog.engine.cluster import Cluster
from shipslog.reconcilers.rule.decision import Decision, Reconciler, Say
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Create
from shipslog.store.facts import SandboxRemoved
from shipslog.store.objects.types import core_v1
from shipslog.store.view import View
from tests.engine.host.test_host import CONFIG_MAPS, WAIT_S, config_map, hosted, mark, reconciler


async def marked(cluster: Cluster, name: str) -> None:
    await cluster.wait(core_v1.ConfigMap, name, until=lambda c: c.data.get("seen") == "yes", timeout_s=WAIT_S)


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)


async def _coroutine(view: View, key: str, *, now: int) -> Decision:
    raise AssertionError


WRONG: dict[str, Any] = {
    "None": lambda view, key, *, now: None,
    "a list": lambda view, key, *, now: [],
    "a coroutine": _coroutine,
    "a word as command": lambda view, key, *, now: Decision(reason="r", commands=("Create",)),  # type: ignore[arg-type]
    "an error": lambda view, key, *, now: 1 / 0,
}
SAID = {
    "None": "returned NoneType for key",
    "a list": "returned list for key",
    "an error": "ZeroDivisionError: division by zero",
    "a word as command": "a str among the commands",
    "a coroutine": "returned coroutine for key 'a'; is it `async def`?",
}


@pytest.mark.parametrize("what", list(WRONG))
async def test_what_is_no_decision_is_told_and_stops_nobody(what: str) -> None:
    wrong = Reconciler(name="wrong", actor="system:controller:wrong", wakes=CONFIG_MAPS, decide=WRONG[what])
    async with hosted(wrong, reconciler(mark)) as cluster:
        await cluster.create(config_map("a"))
        await marked(cluster, "a")
        await until(lambda: any(t.times > 2 for t in cluster.host.troubles()))
        (trouble,) = cluster.host.troubles()
        assert (trouble.reconciler, trouble.where) == ("wrong", "decide 'a'") and SAID[what] in trouble.error
        assert cluster.failure is None


ABOUT = core_v1.ObjectReference(kind="ConfigMap", namespace="default", name="a")
GARBLED: dict[str, Any] = {
    "a word in the place of what is said": Decision(reason="r", says=("Alone",)),  # type: ignore[arg-type]
    "says about nothing": Decision(reason="r", says=(Say(about=None, reason="R", message="m"),)),  # type: ignore[arg-type]
    "a wait that is no number": Decision(reason="r", requeue_after="soon"),  # type: ignore[arg-type]
    "an object of no kind": Decision(reason="r", commands=(Create(object=ABOUT),)),
}


@pytest.mark.parametrize("what", list(GARBLED))
async def test_a_decision_with_wrong_parts_stops_nobody(what: str) -> None:
    wrong = Reconciler(name="wrong", actor="a", wakes=CONFIG_MAPS, decide=lambda view, key, *, now: GARBLED[what])
    async with hosted(wrong, reconciler(mark)) as cluster:
        await cluster.create(config_map("a"))
        await marked(cluster, "a")
        await until(lambda: any(t.times > 2 for t in cluster.host.troubles()))
        assert {(t.reconciler, t.where) for t in cluster.host.troubles()} == {("wrong", "decision 'a'")}
        await cluster.create(config_map("b"))
        await marked(cluster, "b")
        assert cluster.failure is None


async def test_words_that_raise_are_a_trouble_of_their_rule() -> None:
    def tells(view: View, fact: Any) -> list[Say]:
        raise RuntimeError("no words")

    wordless = Reconciler(
        name="wordless", actor="a", wakes=rule(), tells=tells, decide=lambda view, key, *, now: Decision(reason="r")
    )
    async with hosted(wordless, reconciler(mark)) as cluster:
        fact = SandboxRemoved(node="n1", pod_uid="u")
        await cluster.committer.submit_facts((fact,), actor="system:node:n1")
        (trouble,) = cluster.troubles()
        assert (trouble.reconciler, trouble.where, trouble.error) == ("wordless", "tells", "RuntimeError: no words")
        await cluster.create(config_map("a"))
        await marked(cluster, "a")


async def test_a_rule_that_works_again_is_in_no_trouble() -> None:
    broken = True

    def decide(view: View, key: str, *, now: int) -> Decision:
        if broken:
            raise RuntimeError("not yet")
        return mark(view, key, now=now)

    async with hosted(reconciler(decide)) as cluster:
        await cluster.create(config_map("a"))
        await until(cluster.troubles)
        broken = False
        await marked(cluster, "a")
        assert not cluster.troubles()
        await until(lambda: not cluster.host.lanes[0].refusals)


@pytest.mark.parametrize("at_start", [True, False])
async def test_a_rule_that_cannot_say_what_concerns_it_looks_at_everything_later(at_start: bool) -> None:
    asked = 0

    def keys(view: View, found: core_v1.ConfigMap) -> Iterable[str]:
        nonlocal asked
        asked += 1
        if asked < 4:
            raise RuntimeError("which ones?")
        return (found.metadata.name,) if found.metadata.namespace == "default" else ()

    wakes = rule().watches(core_v1.ConfigMap, to=keys, at_start=at_start)
    if not at_start:
        wakes = wakes.watches(core_v1.Namespace, to=lambda view, _: ("a",), at_start=True)
    wrong = Reconciler(name="test", actor="system:controller:test", wakes=wakes, decide=mark)
    async with hosted(wrong) as cluster:
        made = await cluster.create(config_map("a"))
        await marked(cluster, "a")
        assert int(made.metadata.resource_version) < cluster.view.revision and asked >= 2
        assert cluster.failure is None


async def test_back_off_ends_with_the_first_decision_that_succeeds() -> None:
    refused = 3

    def decide(view: View, key: str, *, now: int) -> Decision:
        nonlocal refused
        refused -= 1
        if refused >= 0:
            raise RuntimeError("no")
        return Decision(reason="nothing to do")

    async with hosted(reconciler(decide)) as cluster:
        await cluster.create(config_map("a"))
        await until(lambda: refused < 0)
        await until(lambda: "a" not in cluster.host.lanes[0].refusals)
