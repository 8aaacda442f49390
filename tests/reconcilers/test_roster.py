"""The roster: rules that sleep are those that have nothing to do while nothing stirs them."""

import subprocess
import sys

import pytest
from msgspec.structs import replace

from shipslog.reconcilers.every_rule import ALL
from shipslog.reconcilers.roster import ROSTER
from shipslog.reconcilers.rule.decision import blind_to
from shipslog.reconcilers.rule.dormant import Dormant, awake
from shipslog.reconcilers.workloads.job.census import TRACKING
from shipslog.store.log.retention import EPHEMERAL
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import pod

ASLEEP = [rule for rule in ROSTER if isinstance(rule, Dormant)]
NAMED = pytest.mark.parametrize("rule", ASLEEP, ids=lambda rule: rule.name)


def test_the_catalogue_has_them_all_in_their_order() -> None:
    assert [rule.name for rule in ALL] == [rule.name for rule in ROSTER]
    assert len({rule.name for rule in ALL}) == len(ALL)
    assert [awake(rule) for rule in ROSTER] == list(ALL)


@NAMED
def test_whatever_a_start_would_have_it_look_at_stirs_it(rule: Dormant) -> None:
    wakes = awake(rule).wakes
    assert not wakes.always, "a rule with a key of its own has something to do from the start"
    for what, sources in wakes.sources.items():
        if any(source.at_start for source in sources):
            kind = BUILTIN.by_resource(what) if isinstance(what, str) else BUILTIN.of_type(what)
            assert kind is not None and kind.resource in rule.stirred_by


@NAMED
def test_it_tells_nothing_and_reads_no_heartbeats(rule: Dormant) -> None:
    assert awake(rule).tells is None, "who tells is asked with each fact of a node"
    kinds = [BUILTIN.by_resource(resource) for resource in EPHEMERAL]
    assert blind_to([awake(rule)], kinds) == [rule.name], "retention lets go of heartbeats before it is loaded"


def test_of_pods_only_those_stir_that_concern_the_rule() -> None:
    stirs = {rule.name: rule.stirred_by["pods"] for rule in ASLEEP if "pods" in rule.stirred_by}
    counted, plain = pod("p", finalizers=(TRACKING,)), pod("q")
    claiming = replace(plain, spec=replace(plain.spec, resource_claims=(core_v1.PodResourceClaim(name="gpu"),)))
    assert {name: [when(one) for one in (plain, counted, claiming)] for name, when in stirs.items()} == {
        "job": [False, True, False],
        "resource-claims": [False, False, True],
    }


def test_naming_a_rule_does_not_load_it() -> None:
    code = "import sys, shipslog.reconcilers.roster\nprint(*(m for m in sys.modules if m.startswith('shipslog.reconcilers.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    rooms = {f"shipslog.reconcilers.{rule.place.partition(':')[0]}" for rule in ASLEEP}
    assert rooms & set(loaded) == {"shipslog.reconcilers.storage.directories"}, "whose words the rule of reclaiming shares"
