"""Rules, clients and promises of somebody else, in the simulator's worlds."""

import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from shipslog import Cluster, Decision, Reconciler, rule
from shipslog.engine.cli import main
from shipslog.engine.testing.simulation import world
from shipslog.store.commands import Update
from shipslog.store.objects.types import core_v1
from shipslog.store.refusals import Refusal
from shipslog.store.view import View
from shipslog.testing import Scenario, simulate

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {ports: [{port: 1}]}}"
MODULE = """
from tests.engine.testing.simulation.test_scenario import MARK, SCENARIO
ALL = [MARK]
WRONG = 7
"""


def decide(view: View, key: str, *, now: int) -> Decision:
    namespace, _, name = key.partition("/")
    held = view.get(core_v1.Service, name, namespace)
    if held is None or held.metadata.labels.get("seen") == "yes" or held.metadata.deletion_timestamp:
        return Decision(reason="nothing to do")
    marked = replace(held, metadata=replace(held.metadata, labels={**held.metadata.labels, "seen": "yes"}))
    return Decision(reason="not seen yet", commands=(Update(object=marked),))


MARK = Reconciler(name="mark", actor="system:controller:mark", wakes=rule(core_v1.Service), decide=decide)


def all_marked(cluster: Cluster) -> None:
    for service in cluster.list(core_v1.Service):
        assert service.metadata.labels.get("seen") == "yes", f"{service.metadata.name} is not marked"


async def making(cluster: Cluster, rng: random.Random) -> None:
    while True:
        await cluster.clock.sleep(rng.expovariate(1.0))
        try:
            await cluster.apply(SERVICE.replace("NAME", f"s{rng.randrange(3)}"))
        except Refusal:
            continue


SCENARIO = Scenario(reconcilers=(MARK,), client=making, settled=all_marked)


def test_rules_live_through_faults_and_their_decisions_are_verified() -> None:
    told: list[str] = []
    marked: list[str] = []

    def settled(cluster: Cluster) -> None:
        all_marked(cluster)
        marked.extend(service.metadata.name for service in cluster.list(core_v1.Service))

    outcome = simulate(3, told.append, replace(SCENARIO, settled=settled))
    assert {"s0", "s1", "s2"} <= set(marked) and outcome.decisions and any("crash" in line for line in told)


@pytest.mark.parametrize(
    ("scenario", "checker"),
    [
        (Scenario(client=making, settled=all_marked), "settled"),  # without the rule
        (Scenario(reconcilers=(MARK,), client=making, always=all_marked), "always"),  # it holds a moment later, not at once
    ],
    ids=["settled", "always"],
)
def test_a_promise_that_does_not_hold_is_seen(scenario: Scenario, checker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "SETTLE_S", 60.0)
    with pytest.raises(AssertionError, match="is not marked") as broken:
        simulate(3, scenario=scenario)
    assert str(broken.value).startswith(checker)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_rules_here.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "my_rules_here"


def shipslog(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


def test_from_the_command_line(module: str) -> None:
    code, out = shipslog("simulate", f"{module}:SCENARIO", "--seed", "3")
    assert code == 0 and "engine 1 starts" in out and "seed 3:" in out
    code, out = shipslog("simulate", f"{module}:NOTHING")
    assert code == 2 and "cannot load 'my_rules_here:NOTHING'" in out and "shipslog.testing.Scenario" in out
    code, out = shipslog("simulate", f"{module}:WRONG")
    assert code == 2 and "my_rules_here:WRONG is a int and no shipslog.testing.Scenario" in out


async def test_decisions_of_own_rules_are_verified_where_the_rules_are_named(module: str, tmp_path: Path) -> None:
    log = tmp_path / "cluster.db"
    async with Cluster.open(log, reconcilers=(MARK,), runtime="none") as cluster:
        await cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 1}]}}")
        await cluster.wait(core_v1.Service, "s", until=lambda service: service.metadata.labels.get("seen") == "yes")
    from asyncio import to_thread

    code, out = await to_thread(shipslog, "replay", str(log), "--verify")
    assert code == 0 and "not taken again: 1 of mark, which is no rule of this version" in out
    code, out = await to_thread(shipslog, "replay", str(log), "--verify", "--reconcilers", module)
    assert code == 0 and "1 decision taken again, the same" in out and "mark" not in out
    code, out = await to_thread(shipslog, "replay", str(log), "--verify", "--reconcilers", f"{module}:WRONG")
    assert code == 2 and "holds a int, which is no shipslog.Reconciler" in out
